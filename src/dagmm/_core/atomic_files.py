"""Files that are written whole or not at all, and read only as they were written."""

import contextlib
import hashlib
import json
import os
import re
import reprlib
import secrets
import tempfile
from pathlib import Path
from typing import Any

#: Type (in the words of safetensors) and shape of each array by its name.
ArraySpecs = dict[str, tuple[str, tuple[int, ...]]]

#: Names of what an interrupted write leaves behind.
PART = re.compile(r"\..*\.[0-9a-f]{16}\.part")


def part_of(file: Path) -> Path:
    """Return a new name for what is to become a file, beside it."""
    return file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")


def write_atomically(file: Path, data: bytes) -> None:
    """Write a file so that it is either as before or complete, even if the power fails."""
    part = part_of(file)
    try:
        with part.open("xb") as stream:  # unlike tempfile's, it has the permissions of umask
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_directory(file.parent)


def why_not_writable(directory: Path) -> str:
    """Say why no file can be made in a directory, or in what exists of its parents.

    Returns
    -------
    str
        Empty where one can. It is tried: permissions do not tell of file systems that are full or
        only to be read.
    """
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    try:
        with tempfile.TemporaryFile(dir=directory):
            return ""
    except OSError as error:
        return f"no file can be made in {str(directory)!r}: {error.strerror}"


def sync_directory(directory: Path) -> None:
    """Have the file system write down a replaced file before what comes next."""
    if os.name == "posix":
        with contextlib.suppress(OSError):  # not every file system can
            handle = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def checksum_of(plain: dict[str, Any]) -> str:
    """SHA-256 of plain data, its own checksum left out; tells damage, not malice."""
    rest = {name: value for name, value in plain.items() if name != "checksum"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_arrays(opened: Any, promised: ArraySpecs) -> None:
    """Check the names, types and shapes in a safetensors file, without reading any array.

    Raises
    ------
    ValueError
        Naming the first array that is missing, unknown, or not as promised.
    """
    names = set(opened.keys())
    for name in sorted(promised.keys() - names):
        raise ValueError(f"array {name!r} is missing")
    for name in sorted(names - promised.keys()):
        raise ValueError(f"array {reprlib.repr(name)} is not part of such a model")
    for name, (dtype, shape) in promised.items():
        part = opened.get_slice(name)
        got = part.get_dtype(), tuple(part.get_shape())
        if got != (dtype, shape):
            raise ValueError(
                f"array {name!r} must be {dtype} of {shape}, got {got[0]} of {got[1]}"
            )
