"""Compressed files: told by their first bytes when they are read, by their suffix when written."""

import bz2
import gzip
import lzma
import sys
import zipfile
import zlib
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from dagmm._core.errors import InputError

Codec: TypeAlias = Literal["gzip", "bzip2", "xz", "zstd", "lz4"]

_MAGIC: dict[bytes, Codec] = {
    b"\x1f\x8b": "gzip",
    **{b"BZh%d1AY&" % level: "bzip2" for level in range(1, 10)},
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_SUFFIXES: dict[str, Codec] = {
    ".gz": "gzip",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".zst": "zstd",
    ".lz4": "lz4",
}
#: What reading damaged data raises.
DAMAGED = (
    *(EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    *(NotImplementedError, pa.ArrowException),
)
#: What archivers and systems add by themselves.
_HIDDEN = ("__MACOSX/", ".")
_LISTED = 5
_PIECE_BYTES = 2**20


def codec_of(head: bytes) -> Codec | None:
    """Return how a file with these first bytes is compressed; None if it is not."""
    return next((codec for magic, codec in _MAGIC.items() if head.startswith(magic)), None)


def codec_by_name(name: str) -> Codec | None:
    """Return how a file of this name is to be compressed; None if it is not."""
    return next((codec for suffix, codec in _SUFFIXES.items() if name.endswith(suffix)), None)


def without_codec(name: str) -> str:
    """Return the name of a file without the suffix of its compression."""
    suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")
    return name.removesuffix(suffix)


def decompressed(stream: Any, codec: Codec) -> Any:
    """Return the content of a compressed stream, as a stream."""
    if codec == "gzip":
        return gzip.GzipFile(fileobj=stream, mode="rb")
    if codec == "bzip2":
        return bz2.BZ2File(stream)
    if codec == "xz":
        return lzma.LZMAFile(stream)
    return _ArrowStream(pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), codec))


def compressed(stream: Any, codec: Codec) -> Any:
    """Return a stream whose content goes, compressed, to another, which stays open."""
    if codec == "gzip":
        return gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0)
    if codec == "bzip2":
        return bz2.BZ2File(stream, "wb")
    if codec == "xz":
        return lzma.LZMAFile(stream, "wb")
    return pa.CompressedOutputStream(pa.PythonFile(_StaysOpen(stream), mode="w"), codec)


class _ArrowStream:
    """A stream of Arrow that is read as any other."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        left = sys.maxsize if size < 0 else size
        while left and (part := self._stream.read(min(left, _PIECE_BYTES))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


class _StaysOpen:
    """A stream that Arrow does not close with what it writes to it."""

    closed = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: Any) -> Any:
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        pass


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Say whether a zip archive is a workbook of Excel, or an OpenDocument spreadsheet."""
    names = set(archive.namelist())
    return (
        bool(names & {"xl/workbook.xml", "xl/workbook.bin"})
        or {"mimetype", "content.xml"} <= names
    )


def only_member(archive: zipfile.ZipFile, name: str) -> Any:
    """Open the one file of a zip archive.

    Parameters
    ----------
    archive : zipfile.ZipFile
    name : str
        How messages call it.

    Raises
    ------
    InputError
        If it has none or several, or it is encrypted.
    """
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith(_HIDDEN)
        and not member.filename.rpartition("/")[2].startswith(_HIDDEN)
    ]
    if len(members) != 1:
        listed = ", ".join(repr(member.filename) for member in members[:_LISTED])
        more = f" and {len(members) - _LISTED} more" if len(members) > _LISTED else ""
        which = f" ({listed}{more})" if members else ""
        raise InputError(
            f"{name} is a zip archive of {len(members)} files{which}; expected one with exactly "
            "one table in it. Unpack it."
        )
    if members[0].flag_bits & 1:
        raise InputError(f"{name} is a zip archive with a password; unpack it.")
    return archive.open(members[0])
