"""Temporary files: what is wrong with their folder is said with its path."""

import contextlib
import errno
import tempfile
from collections.abc import Iterator

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextlib.contextmanager
def room_needed(table: str) -> Iterator[None]:
    """Say which folder is full when a temporary file cannot grow.

    Parameters
    ----------
    table : str
        How messages call the table that is kept there.

    Raises
    ------
    OSError
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(
            error.errno,
            f"{table} is kept in a temporary file meanwhile, and {tempfile.gettempdir()!r} is "
            "full; make room there, or set TMPDIR to a folder that has it",
        ) from error
