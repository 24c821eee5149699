"""The bytes of a table: a path or standard input, plain or compressed, in any encoding."""

import io
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeAlias

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.files.compression import (
    DAMAGED,
    ZIP_MAGIC,
    codec_of,
    decompressed,
    is_workbook,
    only_member,
)
from dagmm.data.files.encoding import TextBytes
from dagmm.data.files.live import LiveStream
from dagmm.data.files.temporary import room_needed

#: A file of bytes, also one in memory.
_Bytes: TypeAlias = IO[bytes] | io.BufferedIOBase

#: Stands for standard input and standard output.
STANDARD = "-"

PARQUET_MAGIC = b"PAR1"
ARROW_MAGIC = b"ARROW1"
#: Workbooks: a zip archive, or an old Office document.
WORKBOOK_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
ARROW_STREAM_MAGIC = b"\xff\xff\xff\xff"
_FOREIGN = {
    b"FEA1": "a Feather file of the first version, which nobody writes any more",
}
_HEAD_BYTES = 8
_PIECE_BYTES = 2**16


class Source:
    """An open file whose first bytes have been looked at; reads plain or compressed content.

    Parameters
    ----------
    path : str
        ``"-"`` is standard input.
    content : bytes, optional
        What is read in place of a file, as it is: nothing that came from afar is decompressed.
        ``path`` is then how messages call it.
    live : LiveStream, optional
        What is read in place of a file, as it comes; taken over. A read then returns what there
        is.

    Attributes
    ----------
    name : str
        How messages call it.
    magic : bytes
        The first bytes of the content, decompressed.
    compression : str or None
        How the content is compressed; that of a workbook is its own matter.
    is_live : bool
        Whether it is read as it comes, which compressed content is not.

    Raises
    ------
    InputError
        If it is missing, a directory, empty, damaged, or of a kind that is known not to be a
        table.
    """

    def __init__(
        self, path: str, content: bytes | None = None, live: LiveStream | None = None
    ) -> None:
        self.name = "standard input" if path == STANDARD else repr(path)
        self._path = None if path == STANDARD else path
        self._content = content
        self.is_live = live is not None
        if content is not None:
            self.name = path
        if content is not None or live is not None:
            self._path = None
        self.closed = False
        self.compression: str | None = None
        self._archive: Any = None
        self._spool: Any = None
        self._raw: Any = self._open(path) if live is None else live
        self._is_file = not self.is_live and _is_regular(self._raw)
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        """Read the first bytes, and put them back."""
        self._stream: Any = self._raw if self._is_file or self.is_live else _Pipe(self._raw)
        head = self._put_back(self._stream.read(_HEAD_BYTES))
        if self._content is not None:
            pass
        elif head.startswith(ZIP_MAGIC):
            head = self._look_into_zip(head)
        elif codec := codec_of(head):
            self.compression, self.is_live = codec, False
            self._stream = decompressed(self._stream, codec)
            head = self._look_into(self._stream)
        self.magic = head
        self._check_magic()

    def _look_into_zip(self, head: bytes) -> bytes:
        """Read the first bytes of the only file of an archive, unless it is a workbook."""
        file = self.seekable()
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise InputError(
                f"{self.name} is not a whole zip archive ({error}); copy it again."
            ) from error
        if is_workbook(archive):
            file.seek(0)
            self._stream = file
            return head
        self._archive, self._spool = self._spool, None
        self.compression, self.is_live = "zip", False
        self._stream = only_member(archive, self.name)
        return self._look_into(self._stream)

    def _look_into(self, content: Any) -> bytes:
        head = self.read(_HEAD_BYTES)
        self._stream = _Joined(head, content)
        return head

    def _put_back(self, head: bytes) -> bytes:
        """Have bytes read again, and return them."""
        if self.is_live:
            self._stream.put_back(head)
        else:
            self._stream = _Joined(head, self._stream)
        return head

    def _open(self, path: str) -> _Bytes:
        if self._content is not None:
            return io.BytesIO(self._content)
        if path == STANDARD:
            return sys.stdin.buffer
        try:
            return Path(path).open("rb")
        except FileNotFoundError as error:
            raise InputError(
                f"{self.name} does not exist; expected a file that holds a table."
            ) from error
        except IsADirectoryError as error:
            raise InputError(
                f"{self.name} is a directory; expected a file that holds a table."
            ) from error

    def _check_magic(self) -> None:
        if not self.magic:
            raise InputError(f"{self.name} is empty; expected a table.")
        for magic, kind in _FOREIGN.items():
            if self.magic.startswith(magic):
                raise InputError(f"{self.name} is {kind}; expected a table.")

    def peek(self, size: int) -> bytes:
        """Return the next bytes, which are read again."""
        return self._put_back(self.read(size))

    def read(self, size: int = -1) -> bytes:
        """Read some bytes, decompressed; fewer than asked for at the end, or where it is live."""
        if self.compression is None:
            return bytes(self._stream.read(size))
        try:
            return bytes(self._stream.read(size))
        except DAMAGED as error:
            raise InputError(
                f"{self.name}: its {self.compression} data is damaged or cut short ({error}); "
                "copy it again."
            ) from error

    def decode(self, encoding: str | None) -> TextBytes:
        """Read the rest as UTF-8 whatever its encoding, which is found out by default."""
        self._stream = TextBytes(
            self._stream, encoding, self.name, self.magic, is_live=self.is_live
        )
        return self._stream

    def fraction(self) -> float | None:
        """Return the share of a file that has been read; None where its size is not known."""
        if not self._is_file:
            return None
        return self._raw.tell() / max(1, os.fstat(self._raw.fileno()).st_size)

    def seekable(self) -> Any:
        """Return the content as a file that can be read in any order, from its first byte on."""
        if self._is_file and self.compression is None:
            self._raw.seek(0)
            return self._raw
        # Parquet begins at its end: what comes through a pipe has to be kept, on disk.
        if self._spool is None:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the source
            with room_needed(self.name):
                shutil.copyfileobj(self, self._spool)
        with room_needed(self.name):
            self._spool.seek(0)
        return self._spool

    def mapped(self) -> Any:
        """Return the content as a file of Arrow, mapped into memory where it lies on disk."""
        if self._content is not None:
            return pa.BufferReader(self._content)
        if self._path is not None and self._is_file and self.compression is None:
            return pa.memory_map(self._path)
        return pa.PythonFile(self.seekable(), mode="r")

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self.closed = True
        for file in (self._spool, self._archive):
            if file is not None:
                file.close()
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

    closed = False  # Arrow asks

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


def _is_regular(stream: Any) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # a stream that is no file at all
        return False
