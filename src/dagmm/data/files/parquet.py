"""Parquet files."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from dagmm._core.errors import InputError
from dagmm.data.files.base import TypedTable, check_names, rows_at_a_time
from dagmm.data.files.source import Source

PARQUET_SUFFIXES = (".parquet", ".pq")
#: Bytes of a column that are read from the file at a time, however large its row groups are.
_BUFFER_BYTES = 2**18


class ParquetTable(TypedTable):
    """A Parquet file, open for reading.

    Parameters
    ----------
    source : Source
        Taken over, and closed with the table.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._content = source.seekable()
        with self._readable():
            self._file = pq.ParquetFile(self._content, buffer_size=_BUFFER_BYTES, pre_buffer=False)
            self.schema = self._file.schema_arrow
        self.columns = tuple(self.schema.names)
        check_names(self.columns, source.name)
        self.description = "Parquet"
        self.n_rows = self._file.metadata.num_rows

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time; see :meth:`TypedTable.record_batches`."""
        names = list(columns)
        with self._readable():
            batches = self._file.iter_batches(rows_at_a_time(len(names)), columns=names)
        while True:
            with self._readable():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch.select(names)

    def close(self) -> None:
        """Close the file."""
        self._content.close()
        self._source.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(
                f"{self.name} is not a whole Parquet file ({reason}); copy it again."
            ) from error
