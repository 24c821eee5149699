"""CSV files that are too long to be held: read once, and kept on disk with types.

The type of a column is known when its last cell has been seen. The first block's types are
tried on all blocks; where they do not fit, the next wider type is, and the file is read again.
Each column gets the type that it gets where the whole file is read at once.
"""

import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Protocol, runtime_checkable

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.base import TableStyle
from dagmm.data.files.base import is_text
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.spool import SpooledTable
from dagmm.data.files.temporary import room_needed

#: Bytes of rows from which on a CSV file is not held.
HELD_BYTES = 2**26

#: Types in the order in which Arrow tries them; what fits none is text.
_TYPES: tuple[pa.DataType, ...] = (
    pa.null(),
    pa.int64(),
    pa.bool_(),
    pa.date32(),
    pa.time32("s"),
    pa.timestamp("s"),
    pa.timestamp("s", "UTC"),
    pa.timestamp("ns"),
    pa.timestamp("ns", "UTC"),
    pa.float64(),
    pa.binary(),
)


@runtime_checkable
class CSVSource(Protocol):
    """One file of CSV, or several."""

    name: str
    description: str
    style: TableStyle

    def tables(self) -> Iterator[CSVTable]:
        """Yield the files one after the other, each open until the next is asked for."""
        ...


def typed_csv(
    table: CSVTable, columns: tuple[str, ...], texts: tuple[str, ...] = ()
) -> "pa.Table | SpooledCSV":
    """Read a CSV file: into memory, or to a temporary file with types where it is long.

    Parameters
    ----------
    table : CSVTable
    columns, texts : tuple of str
        As in :meth:`TableFile.read`.

    Raises
    ------
    InputError
        If the table cannot be read; row or column is named.
    """
    if not table.is_longer(HELD_BYTES):
        return table.read(columns, texts)
    return SpooledCSV(table, columns, texts)


class SpooledCSV(SpooledTable):
    """The rows of CSV in a temporary file, which is gone when this is closed.

    Parameters
    ----------
    source : CSVSource
        Read to its end.
    columns, texts : tuple of str
        As in :meth:`TableFile.read`.
    """

    def __init__(
        self, source: CSVSource, columns: tuple[str, ...], texts: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.name, self.description = source.name, source.description
        self.style = source.style
        self.columns = columns
        try:
            with room_needed(self.name), tempfile.TemporaryFile() as content:
                parts = []
                for table in source.tables():
                    begin = content.tell()
                    table.copied(content)
                    parts.append(_Part(table, content, begin, content.tell()))
                self._write(parts, dict.fromkeys(texts, pa.binary()))
            self.check_rows()
        except BaseException:
            self._file.close()
            raise

    def _write(self, parts: Sequence["_Part"], types: dict[str, pa.DataType]) -> None:
        """Read until one pass finds that all types fit, and keep what that pass has read."""
        self._fits = False
        while not self._fits:
            self.keep(self._typed(parts, types))

    def _typed(
        self, parts: Sequence["_Part"], types: dict[str, pa.DataType]
    ) -> Iterator[pa.Table]:
        """Yield rows as long as the types fit; widen those that do not, and say so."""
        self._fits = True
        for part in parts:
            table, start = part.table, 0
            part.rewind()
            for block in table.blocks(part):
                try:
                    rows = table.parse(block, self.columns, types, start)
                except InputError:
                    self._fits = False
                    rows = self._widened(table, block, types, start)
                if not types.keys() >= set(self.columns):
                    types |= {field.name: _stored(field.type) for field in rows.schema}
                if self._fits:
                    yield _decoded(table, rows, start)
                start += rows.num_rows

    def _widened(
        self, table: CSVTable, block: bytes, types: dict[str, pa.DataType], start: int
    ) -> pa.Table:
        """Parse a block with types that fit it."""
        # Says what is wrong where it is not the types.
        table.parse(block, self.columns, dict.fromkeys(self.columns, pa.binary()), start)
        for name in self.columns:
            while not _fits(table, block, name, types[name], start):
                types[name] = _TYPES[_TYPES.index(types[name]) + 1]
        return table.parse(block, self.columns, types, start)


class _Part:
    """The rows of one file among those of several that were copied one after the other."""

    def __init__(self, table: CSVTable, content: IO[bytes], begin: int, end: int) -> None:
        self.table = table
        self._content, self._begin, self._end = content, begin, end

    def rewind(self) -> None:
        self._content.seek(self._begin)

    def read(self, size: int) -> bytes:
        return self._content.read(min(size, self._end - self._content.tell()))


def _fits(table: CSVTable, block: bytes, name: str, dtype: pa.DataType, start: int) -> bool:
    try:
        table.parse(block, (name,), {name: dtype}, start)
    except InputError:
        return False
    return True


def _stored(dtype: pa.DataType) -> pa.DataType:
    """Return the type that a column is parsed with; text is checked when it is decoded."""
    return pa.binary() if pa.types.is_string(dtype) else dtype


def _decoded(table: CSVTable, rows: pa.Table, start: int) -> pa.Table:
    for i, field in enumerate(rows.schema):
        if pa.types.is_binary(field.type) or is_text(field.type):
            cells = rows.column(i).combine_chunks()
            text = table.decoded(cells, field.name, start)
            rows = rows.set_column(i, field.name, text)
    return rows
