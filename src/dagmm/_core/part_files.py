"""Files that grow beside their name while they are written, and what killed writers leave there.

Whoever writes keeps the part locked. A part that can be locked has no writer any more: the next
who writes a file of that name deletes it. (A file without a name, by ``O_TMPFILE``, would leave
nothing at all, but cannot take the place of a file, and not every file system has it.)
"""

import contextlib
import os
import re
from pathlib import Path

from dagmm._core.atomic_files import part_of
from dagmm._core.file_locks import try_lock

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def open_part(file: Path) -> tuple[Path, int]:
    """Open a new file beside another, for its owner alone.

    Parameters
    ----------
    file : Path
        What it will become.

    Returns
    -------
    Path and int
        Its name, and a file descriptor that keeps it locked.

    Raises
    ------
    OSError
    """
    while True:
        part = part_of(file)
        handle = os.open(part, _NEW, 0o600)
        try:
            # Somebody who tidies up may have come before the lock did.
            if try_lock(handle) is not False and part.exists():
                return part, handle
        except BaseException:
            os.close(handle)
            part.unlink(missing_ok=True)
            raise
        os.close(handle)


def remove_stale_parts(file: Path) -> None:
    """Delete what writers of a file left behind that were killed; those at work are left alone."""
    mine = re.compile(rf"\.{re.escape(file.name)}\.[0-9a-f]{{16}}\.part")
    with contextlib.suppress(OSError):  # a leftover harms nobody
        for entry in file.parent.iterdir():
            if mine.fullmatch(entry.name):
                _remove_stale(entry)


def _remove_stale(part: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # its writer is done
        handle = os.open(part, os.O_RDONLY)
        try:
            if try_lock(handle):
                part.unlink()
        finally:
            os.close(handle)
