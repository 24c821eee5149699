"""Files that are read whole, unzipped, and named when something is wrong."""

import gzip
import os
import zlib
from pathlib import Path

from dagmm._core.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"


def named(path: str | os.PathLike[str]) -> str:
    """Return how messages call a file."""
    return repr(os.fspath(path))


def check_file(path: str | os.PathLike[str], expected: str) -> Path:
    """Return the path of a file that is there.

    Raises
    ------
    InputError
    """
    if Path(path).is_dir():
        raise InputError(f"{named(path)} is a directory; expected {expected}.")
    if not Path(path).exists():
        raise InputError(f"{named(path)} does not exist; expected {expected}.")
    return Path(path)


def read_bytes(path: str | os.PathLike[str], expected: str) -> bytes:
    """Read a file, unzipped where it is gzipped, whatever its name.

    Raises
    ------
    InputError
        If it is missing or its gzip data is damaged.
    """
    data = check_file(path, expected).read_bytes()
    if not data.startswith(_GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{named(path)}: its gzip data is damaged or cut short ({error}); copy it again."
        ) from error
