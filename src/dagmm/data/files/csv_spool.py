"""CSV files that are too long to be held: read once, and kept on disk with types.

The type of a column is known when its last cell has been seen. The first block's types are
tried on all blocks; where they do not fit, the next wider type is, and the file is read again.
Each column gets the type that it gets where the whole file is read at once.
"""

import tempfile
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.files.base import TypedTable, is_text
from dagmm.data.files.csv import CSVTable
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


class SpooledCSV(TypedTable):
    """The rows of a CSV file in a temporary file, which is gone when this is closed.

    Parameters
    ----------
    table : CSVTable
        Read to its end.
    columns, texts : tuple of str
        As in :meth:`TableFile.read`.
    """

    def __init__(self, table: CSVTable, columns: tuple[str, ...], texts: tuple[str, ...]) -> None:
        self.name, self.description = table.name, table.description
        self.style = table.style
        self.columns = columns
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the table
        try:
            with room_needed(self.name), tempfile.TemporaryFile() as content:
                table.copied(content)
                self._write(table, content, dict.fromkeys(texts, pa.binary()))
        except BaseException:
            self._file.close()
            raise

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time; see :meth:`TypedTable.record_batches`."""
        index = [self.schema.get_field_index(name) for name in columns]
        options = pa.ipc.IpcReadOptions(included_fields=index)
        reader = pa.ipc.open_file(pa.PythonFile(self._file, mode="r"), options=options)
        for i in range(reader.num_record_batches):
            yield reader.get_batch(i).select(list(columns))

    def close(self) -> None:
        """Close the temporary file, which removes it."""
        self._file.close()

    def _write(self, table: CSVTable, content: IO[bytes], types: dict[str, pa.DataType]) -> None:
        """Read until one pass finds that all types fit, and keep what that pass has read."""
        fitting = False
        while not fitting:
            content.seek(0)
            fitting = self._written(table, table.blocks(content), types)

    def _written(
        self, table: CSVTable, blocks: Iterator[bytes], types: dict[str, pa.DataType]
    ) -> bool:
        """Write rows as long as the types fit, widen those that do not; whether all fitted."""
        self._file.seek(0)
        self._file.truncate()
        writer: Any = None
        fitting, start = True, 0
        for block in blocks:
            try:
                rows = table.parse(block, self.columns, types, start)
            except InputError:
                fitting = False
                rows = self._widened(table, block, types, start)
            if not types.keys() >= set(self.columns):
                types |= {field.name: _stored(field.type) for field in rows.schema}
            if fitting:
                rows = _decoded(table, rows, start)
                writer = writer or self._writer(rows.schema)
                writer.write_table(rows)
            start += rows.num_rows
        if writer is not None:
            writer.close()
        self.n_rows = start
        return fitting

    def _writer(self, schema: pa.Schema) -> Any:
        self.schema = schema
        sink = pa.PythonFile(self._file, mode="w")
        return pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))

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
