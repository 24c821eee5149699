"""Text in any encoding as UTF-8, piece by piece."""

import codecs
import contextlib
import re
from typing import Any

from dagmm._core.errors import InputError

#: Byte order marks, and what they stand for; that of UTF-8 is left to the reader of the text.
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
#: Kana and kanji: what decodes to none of these is hardly Japanese.
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def encoding_of(head: bytes) -> str | None:
    """Return the encoding that a byte order mark tells; None without one."""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def advice(sample: bytes) -> str:
    """Say what to do about bytes that are not UTF-8."""
    with contextlib.suppress(UnicodeDecodeError):
        if _JAPANESE.search(codecs.getincrementaldecoder("cp932")().decode(sample)):
            return "save the file as UTF-8, or say --encoding cp932 if that is what it is"
    return "save the file as UTF-8, or name its encoding with --encoding"


class Transcoded:
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
