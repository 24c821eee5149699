"""The bytes of a table: a path or standard input, plain or gzipped, in any encoding."""

import codecs
import contextlib
import gzip
import io
import os
import re
import shutil
import stat
import sys
import tempfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeAlias

from dagmm._core.errors import InputError
from dagmm.data.files.temporary import room_needed

#: A file of bytes, also one in memory.
_Bytes: TypeAlias = IO[bytes] | io.BufferedIOBase

#: Stands for standard input and standard output.
STANDARD = "-"

PARQUET_MAGIC = b"PAR1"
_GZIP_MAGIC = b"\x1f\x8b"
_FOREIGN = {
    b"PK\x03\x04": "a zip archive, perhaps an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Office document, perhaps an Excel workbook",
    b"ARROW1": "an Arrow file",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xfd7zXZ": "compressed with xz",
    b"BZh": "compressed with bzip2",
}
_HEAD_BYTES = 8
_PIECE_BYTES = 2**16
#: Byte order marks, and what they stand for; that of UTF-8 is left to the reader of the text.
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
#: Kana and kanji: what decodes to none of these is hardly Japanese.
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


class Source:
    """An open file whose first bytes have been looked at; reads plain or gzipped content.

    Parameters
    ----------
    path : str
        ``"-"`` is standard input.

    Attributes
    ----------
    name : str
        How messages call it.
    magic : bytes
        The first bytes of the content, decompressed.

    Raises
    ------
    InputError
        If it is missing, a directory, empty, damaged, or of a kind that is known not to be a
        table.
    """

    def __init__(self, path: str) -> None:
        self.name = "standard input" if path == STANDARD else repr(path)
        self.closed = False
        self._raw = self._open(path)
        self._is_file = _is_regular(self._raw)
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        """Read the first bytes, and put them back."""
        stream: Any = self._raw if self._is_file else _Pipe(self._raw)
        head = stream.read(_HEAD_BYTES)
        self._stream: Any = _Joined(head, stream)
        self.is_gzipped = head.startswith(_GZIP_MAGIC)
        if self.is_gzipped:
            unzipped = gzip.GzipFile(fileobj=self._stream, mode="rb")  # type: ignore[call-overload]
            self._stream = unzipped
            head = self.read(_HEAD_BYTES)
            self._stream = _Joined(head, unzipped)
        self.magic = head
        self._check_magic()

    def _open(self, path: str) -> _Bytes:
        if path == STANDARD:
            return sys.stdin.buffer
        try:
            return Path(path).open("rb")
        except FileNotFoundError as error:
            raise InputError(
                f"{self.name} does not exist; expected a CSV or Parquet file."
            ) from error
        except IsADirectoryError as error:
            raise InputError(
                f"{self.name} is a directory; expected a CSV or Parquet file."
            ) from error

    def _check_magic(self) -> None:
        if not self.magic:
            raise InputError(f"{self.name} is empty; expected a table in CSV or Parquet.")
        for magic, kind in _FOREIGN.items():
            if self.magic.startswith(magic):
                raise InputError(
                    f"{self.name} is {kind}; expected CSV in UTF-8, gzipped CSV, or Parquet."
                )

    def read(self, size: int = -1) -> bytes:
        """Read some bytes, decompressed; fewer than asked for only at the end."""
        try:
            data: bytes = self._stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"{self.name}: its gzip data is damaged or cut short ({error}); copy it again."
            ) from error
        return data

    def decode(self, encoding: str | None) -> None:
        """Read the rest as UTF-8 whatever its encoding; by default what its first bytes tell."""
        encoding = encoding or _encoding_of(self.magic)
        if encoding is not None and codecs.lookup(encoding).name != "utf-8":
            self._stream = _Transcoded(self._stream, encoding, self.name)

    def fraction(self) -> float | None:
        """Return the share of a file that has been read; None where its size is not known."""
        if not self._is_file:
            return None
        return self._raw.tell() / max(1, os.fstat(self._raw.fileno()).st_size)

    @property
    def may_wait(self) -> bool:
        """Whether a read can wait for another program."""
        return not self._is_file

    def seekable(self) -> Any:
        """Return the content as a file that can be read in any order."""
        if self._is_file and not self.is_gzipped:
            self._raw.seek(0)
            return self._raw
        # Parquet begins at its end: what comes through a pipe has to be kept, on disk.
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the table that reads it
        with room_needed(self.name):
            shutil.copyfileobj(self, spool)
            spool.seek(0)
        return spool

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self.closed = True
        if self._raw is not getattr(sys.stdin, "buffer", None):
            self._raw.close()

    def __enter__(self) -> "Source":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Pipe:
    """Reads what may have to be waited for, in small pieces.

    One large read goes back to wait for more without a look at Ctrl-C in between.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        left = sys.maxsize if size < 0 else size
        while left and (part := self._raw.read1(min(left, _PIECE_BYTES))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


class _Joined:
    """Bytes that were read already, and the stream that they came from."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return bytes(self._rest.read(size))
        if size < 0:
            data, self._head = self._head + self._rest.read(), b""
            return data
        data, self._head = self._head[:size], self._head[size:]
        return data if len(data) == size else data + self._rest.read(size - len(data))


class _Transcoded:
    """A stream of text in some encoding, read as UTF-8.

    Parameters
    ----------
    stream : file-like
    encoding : str
    name : str
        How messages call it.
    """

    def __init__(self, stream: Any, encoding: str, name: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._name = name
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""
        self._rows = 0

    def read(self, size: int = -1) -> bytes:
        """Read some bytes; fewer than asked for only at the end.

        Raises
        ------
        InputError
            Naming the line that is not of this encoding.
        """
        while size < 0 or len(self._ready) < size:
            data = self._stream.read(2**16 if size < 0 else max(size, 2**10))
            self._ready += self._decoded(data)
            if not data:
                break
        end = len(self._ready) if size < 0 else size
        taken, self._ready = self._ready[:end], self._ready[end:]
        return taken

    def _decoded(self, data: bytes) -> bytes:
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            before = bytes(error.object[: error.start]).decode(self._encoding, "replace")
            bad = bytes(error.object[error.start : error.end])
            raise InputError(
                f"{self._name}: line {self._rows + before.count(chr(10)) + 1} is not "
                f"{self._encoding}, it holds {bad!r}; name the right encoding with --encoding."
            ) from error
        self._rows += text.count("\n")
        return text.encode()


def advice(sample: bytes) -> str:
    """Say what to do about bytes that are not UTF-8."""
    with contextlib.suppress(UnicodeDecodeError):
        if _JAPANESE.search(codecs.getincrementaldecoder("cp932")().decode(sample)):
            return "save the file as UTF-8, or say --encoding cp932 if that is what it is"
    return "save the file as UTF-8, or name its encoding with --encoding"


def _encoding_of(head: bytes) -> str | None:
    """Return the encoding that a byte order mark tells; None without one."""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def _is_regular(stream: _Bytes) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # a stream that is no file at all
        return False
