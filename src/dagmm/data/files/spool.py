"""Rows in a temporary file, with types: what can be read only once becomes what is read anew."""

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

import pyarrow as pa

from dagmm.data.files.base import TypedTable


class SpooledTable(TypedTable):
    """Rows in a temporary file, which is gone when this is closed."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the table

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

    def keep(self, tables: Iterable[pa.Table]) -> None:
        """Write rows, in place of what was there before."""
        self._file.seek(0)
        self._file.truncate()
        writer: Any = None
        self.n_rows = 0
        for table in tables:
            if writer is None:
                self.schema = table.schema
                sink = pa.PythonFile(self._file, mode="w")
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                writer = pa.ipc.new_file(sink, table.schema, options=options)
            writer.write_table(table)
            self.n_rows += table.num_rows
        if writer is not None:
            writer.close()
