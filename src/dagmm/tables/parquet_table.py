"""Parquet files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagmm.errors import InputError
from dagmm.tables.source import Source
from dagmm.tables.table_file import Kind, TableFile, check_names

#: Cells of a stream that are read at a time.
_BATCH_CELLS = 2**22


class ParquetTable(TableFile):
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
            self._file = pq.ParquetFile(self._content)
            self._schema = self._file.schema_arrow
        self.columns = tuple(self._schema.names)
        check_names(self.columns, source)
        self.description = "Parquet"
        self._rows_read = 0
        if not self._file.metadata.num_rows:
            raise InputError(f"{self.name} has no rows; expected at least 1 row.")

    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Read the whole table; see :meth:`TableFile.read`."""
        with self._readable():
            table = self._file.read(columns=list(columns)).select(list(columns))
        for i, name in enumerate(columns):
            if is_text(table.schema.field(name).type) or name in texts:
                table = table.set_column(i, name, table[name].cast(pa.string()))
        return table

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time; see :meth:`TableFile.batches`."""
        names = list(kinds)
        for name in names:
            self._check_kind(name, kinds[name])
        size = min(2**16, max(1024, _BATCH_CELLS // max(1, len(names))))
        with self._readable():
            batches = self._file.iter_batches(batch_size=size, columns=names)
        while True:
            with self._readable():
                batch = next(batches, None)
            if batch is None:
                return
            start, self._rows_read = self._rows_read, self._rows_read + batch.num_rows
            yield (
                start,
                pa.table({name: _converted(batch.column(name), kinds[name]) for name in names}),
            )

    def fraction(self) -> float | None:
        """Return the share of the rows that have been read."""
        return self._rows_read / self._file.metadata.num_rows

    def close(self) -> None:
        """Close the file."""
        self._content.close()
        self._source.close()

    def _check_kind(self, name: str, kind: Kind) -> None:
        dtype = self._schema.field(name).type
        if kind == "number" and not is_number(dtype):
            raise InputError(
                f"{self.name}: column {name!r} holds {dtype}; this model was fitted on numbers "
                "there."
            )
        if kind == "text" and not is_text(dtype):
            raise InputError(
                f"{self.name}: column {name!r} holds {dtype}; this model was fitted on text there."
            )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(
                f"{self.name} is not a whole Parquet file ({reason}); copy it again, or name its "
                "format with --format."
            ) from error


def is_text(dtype: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    if pa.types.is_dictionary(dtype):
        return is_text(dtype.value_type)
    return bool(
        pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or dtype == pa.string_view()
    )


def is_number(dtype: pa.DataType) -> bool:
    """Whether a column of this type holds numbers or booleans."""
    return bool(
        pa.types.is_integer(dtype)
        or pa.types.is_floating(dtype)
        or pa.types.is_decimal(dtype)
        or pa.types.is_boolean(dtype)
    )


def _converted(column: Any, kind: Kind) -> Any:
    if kind == "number":
        return pc.cast(column, pa.float64(), safe=False)
    return column.cast(pa.string()) if kind == "text" else column
