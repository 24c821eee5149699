"""Arrow streams from anywhere: whole, valid and not compressed before anything is read."""

import struct
from collections.abc import Iterator

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.files.source import ARROW_MAGIC

# Places of fields in the tables of an Arrow message (format/Message.fbs and Schema.fbs of Arrow).
_HEADER, _COMPRESSION, _DICTIONARY_DATA = 2, 3, 1


def check_arrow_content(content: bytes, name: str) -> None:
    """Check an Arrow stream.

    What is compressed may become a thousand times as large, which no limit on a request would see;
    what is not valid may name memory that is not its own.

    Parameters
    ----------
    content : bytes
    name : str
        How messages call it.

    Raises
    ------
    InputError
    """
    if content.startswith(ARROW_MAGIC):
        raise InputError(
            f"{name} is an Arrow file; expected an Arrow stream, as pyarrow.ipc.new_stream writes "
            "one."
        )
    try:
        if any(map(_is_compressed, _messages(content))):
            raise InputError(f"{name} is a compressed Arrow stream; send it without compression.")
        for batch in pa.ipc.open_stream(pa.BufferReader(content)):
            batch.validate(full=True)
    except (pa.ArrowException, OSError, struct.error) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else "it ends early"
        raise InputError(
            f"{name} is not a whole Arrow stream ({reason}); send it again."
        ) from error


def _messages(content: bytes) -> Iterator[pa.ipc.Message]:
    reader = pa.BufferReader(content)
    while reader.tell() < len(content):
        try:
            yield pa.ipc.read_message(reader)
        except EOFError:
            return


def _is_compressed(message: pa.ipc.Message) -> bool:
    if message.type not in ("record batch", "dictionary"):
        return False
    data = message.metadata.to_pybytes()
    table = _inner(data, struct.unpack_from("<I", data)[0], _HEADER)
    if message.type == "dictionary":
        table = _inner(data, table, _DICTIONARY_DATA)
    return bool(_offset(data, table, _COMPRESSION))


def _inner(data: bytes, table: int, field: int) -> int:
    """Return where a table begins that is a field of another (FlatBuffers' binary format)."""
    place = table + _offset(data, table, field)
    return int(place + struct.unpack_from("<I", data, place)[0])


def _offset(data: bytes, table: int, field: int) -> int:
    """Return where a field lies in its table, 0 where the table lacks it."""
    sizes = table - struct.unpack_from("<i", data, table)[0]
    entry = 4 + 2 * field
    if entry >= struct.unpack_from("<H", data, sizes)[0]:
        return 0
    return int(struct.unpack_from("<H", data, sizes + entry)[0])
