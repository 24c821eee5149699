"""Text in any encoding, read as UTF-8: the encoding is said, or found out from the bytes."""

import codecs
import contextlib
import re
import warnings
from typing import Any

from dagmm._core.errors import InputError, TableWarning

_PIECE_BYTES = 2**20
_LEAST_PIECE = 2**10
#: How much is looked at from the first byte on that is no ASCII.
_LEAST_EVIDENCE = 2**12
#: Byte order marks, longer ones first; that of UTF-8 is left to the reader of the text.
_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_BOM = b"\xef\xbb\xbf"
#: Kana and kanji: what decodes to none of these is hardly Japanese.
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
#: What Python makes of bytes that CP932 does not have.
_NOT_CP932 = re.compile("[\x80\uf8f0-\uf8f3]")
_BEYOND_ASCII = re.compile("[^\0-\x7f]+")
#: First bytes of symbols, full-width letters and kana, which no other encoding uses for letters.
_LEAD_OF_KANA = b"\x81\x82\x83\x84\x87"
_LAST_LEAD, _LEAST_TRAIL = 0x9F, 0x80
_HALF_WIDTH = re.compile(rb"[\xa6-\xdf]{2}")
_PAIRS = re.compile(rb"([\xa1-\xfe]{2})*")


class TextBytes:
    """A stream of text in some encoding, read as UTF-8.

    Parameters
    ----------
    stream : file-like
    encoding : str or None
        None to find it out: what decodes as UTF-8 is UTF-8; a byte order mark tells the others
        of Unicode, and so do the zero bytes of UTF-16 without one; what clearly is CP932 is
        CP932. Anything else is passed on as it is, to be refused where it is read.
    name : str
        How messages call it.
    head : bytes
        The first bytes of the stream, which it still gives.
    is_live : bool
        Whether a read of the stream returns what has come, and a read of this one shall as well.
    """

    def __init__(
        self,
        stream: Any,
        encoding: str | None,
        name: str,
        head: bytes,
        *,
        is_live: bool = False,
    ) -> None:
        self._stream, self._name, self._is_live = stream, name, is_live
        self._decoder: Any = None
        self._is_open = encoding is None
        self._is_first = True
        self._encoding = ""
        # A piece that stands alone has no mark to tell the order of its bytes.
        self._is_big_endian = head.startswith(b"\xfe\xff")
        self._ready = b""
        self._rows = 0
        mark = next((mark for mark in _MARKS if head.startswith(mark)), None)
        if encoding is None and mark is not None:
            self._is_open, encoding = False, _MARKS[mark]
            self._tell(f"begins with the byte order mark of {encoding.upper()}", encoding)
        if encoding is not None and codecs.lookup(encoding).name != "utf-8":
            self._decode_as(encoding)

    @property
    def encoding(self) -> str:
        """What it is decoded from, in words; empty for UTF-8, or as long as nobody knows."""
        return self._encoding.upper()

    def read(self, size: int = -1) -> bytes:
        """Read some bytes; fewer than asked for only at the end, or of a live stream.

        Raises
        ------
        InputError
            Naming the line that is not of this encoding.
        """
        if not self._is_open and self._decoder is None and not self._ready:
            return bytes(self._stream.read(size))
        parts, n_bytes = [self._ready], len(self._ready)
        while size < 0 or n_bytes < size:
            wanted = _PIECE_BYTES if size < 0 else max(size - n_bytes, _LEAST_PIECE)
            data = self._stream.read(wanted)
            if self._is_open:
                data = self._decided(data)
            parts.append(data if self._decoder is None else self._decoded(data))
            n_bytes += len(parts[-1])
            if not data or (self._is_live and size >= 0 and n_bytes):
                break
        ready = b"".join(parts)
        end = len(ready) if size < 0 else size
        taken, self._ready = ready[:end], ready[end:]
        return taken

    def _decided(self, data: bytes) -> bytes:
        """Find out the encoding, if these bytes tell it; return them, and more if needed."""
        if self._is_first:
            self._is_first = False
            encoding = _utf_16_in(data)
            if encoding is not None:
                self._is_open = False
                self._tell("is UTF-16 without a byte order mark", encoding)
                self._decode_as(encoding)
                return data
        if data.removeprefix(_BOM).isascii():
            self._rows += data.count(b"\n")
            return data
        self._is_open = False
        if not self._is_live:
            # So that more than one cut character is there to judge by.
            data += self._stream.read(_LEAST_EVIDENCE)
        if is_cp932(data):
            self._tell("is not UTF-8", "cp932")
            self._decode_as("cp932")
        return data

    def _decode_as(self, encoding: str) -> None:
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def _tell(self, why: str, encoding: str) -> None:
        warnings.warn(
            f"{self._name} {why} and is read as {encoding.upper()}; say --encoding {encoding} to "
            "leave out this note, or its encoding if it is another one.",
            TableWarning,
            stacklevel=2,
        )

    def _decoded(self, data: bytes) -> bytes:
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            alone = "utf-16-be" if self._is_big_endian else self._encoding
            before = bytes(error.object[: error.start]).decode(alone, "replace")
            bad = bytes(error.object[error.start : error.end])
            raise InputError(
                f"{self._name}: line {self._rows + before.count(chr(10)) + 1} is not "
                f"{self._encoding}, it holds {bad!r}; name the right encoding with --encoding."
            ) from error
        self._rows += text.count("\n")
        return text.encode()


def is_cp932(data: bytes) -> bool:
    """Say whether bytes are clearly CP932, the Shift-JIS of Windows.

    Parameters
    ----------
    data : bytes
        The last character may be cut.

    Returns
    -------
    bool
        Only if they are not UTF-8, not even damaged UTF-8, all of them are CP932, and some are
        characters that no text in a western encoding or in EUC would give by chance.
    """
    by_utf_8 = _BEYOND_ASCII.findall(codecs.getincrementaldecoder("utf-8")("replace").decode(data))
    n_wrong = sum(run.count("\ufffd") for run in by_utf_8)
    if 2 * n_wrong < sum(map(len, by_utf_8)):
        return False
    try:
        text = codecs.getincrementaldecoder("cp932")().decode(data)
    except UnicodeDecodeError:
        return False
    if _NOT_CP932.search(text):
        return False
    runs = [run.encode("cp932", "ignore") for run in _BEYOND_ASCII.findall(text)]
    characters = {character for character in text if character > "\x7f"}
    if any(map(_is_telling, characters)):
        return True
    # Half-width kana alone: pairs of such bytes would be EUC.
    return any(map(_HALF_WIDTH.search, runs)) and not all(map(_PAIRS.fullmatch, runs))


def advice(sample: bytes) -> str:
    """Say what to do about bytes that are not UTF-8."""
    with contextlib.suppress(UnicodeDecodeError):
        if _JAPANESE.search(codecs.getincrementaldecoder("cp932")().decode(sample)):
            return "save the file as UTF-8, or say --encoding cp932 if that is what it is"
    return "save the file as UTF-8, or name its encoding with --encoding"


def _is_telling(character: str) -> bool:
    code = character.encode("cp932", "ignore")
    if len(code) < 2:
        return False
    return code[0] in _LEAD_OF_KANA or (code[0] <= _LAST_LEAD and code[1] >= _LEAST_TRAIL)


def _utf_16_in(data: bytes) -> str | None:
    """Return which UTF-16 bytes without a mark are: text has no zero bytes in other encodings."""
    if b"\0" not in data:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        with contextlib.suppress(UnicodeDecodeError):
            text = codecs.getincrementaldecoder(encoding)().decode(data)
            # Read the wrong way round, no line would end.
            if "\0" not in text and ("\n" in text or "\r" in text):
                return encoding
    return None
