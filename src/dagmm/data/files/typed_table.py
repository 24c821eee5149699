"""Tables in files whose columns have types, and that can be read any number of times."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dagmm._core.errors import InputError
from dagmm.data.files.base import Kind, TableFile

#: Cells of a stream that are read at a time.
_BATCH_CELLS = 2**22


class TypedTable(TableFile):
    """A table with types.

    Attributes
    ----------
    schema : pyarrow.Schema
    n_rows : int
    """

    schema: pa.Schema
    n_rows: int
    _rows_read: int = 0

    @abstractmethod
    def pieces(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time, from the first on whenever it is called.

        Parameters
        ----------
        columns : tuple of str
            The columns to read, in this order, with the types of the schema.

        Raises
        ------
        InputError
            If the table cannot be read.
        """

    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Read the whole table; see :meth:`TableFile.read`."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        table = pa.Table.from_batches(list(self.pieces(columns)), schema)
        for i, name in enumerate(columns):
            if is_text(schema.field(name).type) or name in texts:
                table = table.set_column(i, name, table[name].cast(pa.string()))
        return table

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time; see :meth:`TableFile.batches`."""
        for name, kind in kinds.items():
            self._check_kind(name, kind)
        self._rows_read = 0
        for piece in self.pieces(tuple(kinds)):
            start, self._rows_read = self._rows_read, self._rows_read + piece.num_rows
            yield (
                start,
                pa.table({name: _converted(piece.column(name), kinds[name]) for name in kinds}),
            )

    def fraction(self) -> float | None:
        """Return the share of the rows that have been read."""
        return self._rows_read / self.n_rows

    def check_rows(self) -> None:
        """Check that there is a row.

        Raises
        ------
        InputError
        """
        if not self.n_rows:
            raise InputError(f"{self.name} has no rows; expected at least 1 row.")

    def _check_kind(self, name: str, kind: Kind) -> None:
        dtype = self.schema.field(name).type
        if kind == "number" and not is_number(dtype):
            raise InputError(
                f"{self.name}: column {name!r} holds {dtype}; this model was fitted on numbers "
                "there."
            )
        if kind == "text" and not is_text(dtype):
            raise InputError(
                f"{self.name}: column {name!r} holds {dtype}; this model was fitted on text there."
            )


def rows_at_a_time(n_columns: int) -> int:
    """How many rows of a table of so many columns are read at a time."""
    return min(2**16, max(1024, _BATCH_CELLS // max(1, n_columns)))


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
