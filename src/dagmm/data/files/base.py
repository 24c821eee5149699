"""What every table in a file can do, whatever its format."""

import codecs
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.wording import named
from dagmm.data.base import TableStyle

#: Formats of tables.
FORMATS = ("csv", "parquet", "arrow", "json", "excel")

#: What a column has to hold: numbers become float64, text strings; anything else passes through.
Kind: TypeAlias = Literal["number", "text", "other"]

#: Marks of holes that are numbers.
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")
#: Cells of a stream that are read at a time.
_BATCH_CELLS = 2**22


@dataclass(frozen=True)
class TableOptions:
    """How to read a table, where it should not be found out.

    Parameters
    ----------
    format : {"csv", "parquet", "arrow", "json", "excel"}, optional
        Default: what the first bytes tell, or else the suffix, or else CSV.
    delimiter : str, optional
        Of CSV. Default: the one among comma, semicolon, tab and bar that splits the first
        lines into the same number of cells, two or more.
    header : bool, optional
        Whether the first row of CSV holds the names of the columns. Default: yes, unless some
        cell of it reads as a number. Without a header columns are called x0, x1, ...
    encoding : str, optional
        Of CSV, by a name that Python knows, such as cp932. Default: UTF-8 where it is, UTF-16
        with or without its byte order mark, or CP932; a :class:`TableWarning` says so where it
        is not UTF-8.
    decimal : {".", ","}, optional
        Decimal mark of CSV. Default: a comma where the first lines have numbers with one, and
        none with a point.
    skip_rows : int, optional
        Lines of CSV before the header. Default: those that are clearly no part of the table.
    units_row : bool, optional
        Whether the row below the header of CSV holds units. Default: if it clearly does.
    na : tuple of str
        Texts that stand for holes in any column, beside those that usually do among numbers.
    thousands : {",", ".", " ", "'"}, optional
        What stands between groups of three digits. Default: what each column's cells tell.
    sheet : str, optional
        Of an Excel workbook, by its name or its number from 1 on. Default: the first.

    Raises
    ------
    ArgumentError
    """

    format: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    encoding: str | None = None
    decimal: str | None = None
    skip_rows: int | None = None
    units_row: bool | None = None
    na: tuple[str, ...] = ()
    thousands: str | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.format not in (None, *FORMATS):
            known = ", ".join(map(repr, FORMATS))
            raise ArgumentError(f"{named('format')} must be one of {known}, got {self.format!r}.")
        mark = self.delimiter
        if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0'):
            raise ArgumentError(
                f"{named('delimiter')} must be one ASCII character, no quote or line break, got "
                f"{mark!r}."
            )
        if self.decimal not in (None, ".", ","):
            raise ArgumentError(f"{named('decimal')} must be '.' or ',', got {self.decimal!r}.")
        if self.decimal is not None and self.decimal == mark:
            both = f"{named('decimal')} and {named('delimiter')}"
            raise ArgumentError(f"{both} cannot both be {mark!r}.")
        if self.thousands not in (None, ",", ".", " ", "'"):
            raise ArgumentError(
                f"{named('thousands')} must be ',', '.', ' ' or \"'\", got {self.thousands!r}."
            )
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise ArgumentError(
                f"{named('thousands')} and {named('decimal')} cannot both be "
                f"{self.thousands!r}; say the decimal mark too where it is a comma."
            )
        if self.skip_rows is not None and self.skip_rows < 0:
            raise ArgumentError(f"{named('skip_rows')} must be at least 0, got {self.skip_rows}.")
        if self.encoding is not None:
            check_encoding("encoding", self.encoding)


def check_encoding(argument: str, name: str) -> None:
    """Check that an encoding is one of text.

    Raises
    ------
    ArgumentError
    """
    try:
        is_text = codecs.lookup(name)._is_text_encoding
    except LookupError:
        is_text = False
    if not is_text:
        raise ArgumentError(
            f"{named(argument)} must be a text encoding such as utf-8, utf-16 or cp932, got "
            f"{name!r}."
        )


_File = TypeVar("_File", bound="TableFile")


class TableFile(ABC):
    """A table that is open for reading, once.

    Attributes
    ----------
    name : str
        How messages call it.
    columns : tuple of str
    description : str
        How it is read, in words.
    style : TableStyle
        What is known of how its texts are written.
    na : tuple of str
        Texts that stand for holes in any column.
    origin : str or None
        Name of the column that says which file a row came from, where there are several; it is
        not among the columns, and read by :meth:`batches` where it is asked for.
    """

    name: str
    columns: tuple[str, ...]
    description: str
    style: TableStyle = TableStyle()
    na: tuple[str, ...] = ()
    origin: str | None = None

    @abstractmethod
    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Read the whole table.

        Parameters
        ----------
        columns : tuple of str
            The columns to read, in this order. Types are those that hold for a whole column.
        texts : tuple of str
            Columns among them to be read as text, whatever they hold.

        Raises
        ------
        InputError
            If the table cannot be read; row or column is named.
        """

    @abstractmethod
    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time.

        Parameters
        ----------
        kinds : mapping of str to {"number", "text", "other"}
            The columns to read, in this order, and what each must hold.

        Yields
        ------
        start : int
            Number of the first row.
        table : pyarrow.Table
            Numbers as float64, a hole is null; text as strings.

        Raises
        ------
        InputError
            If the table cannot be read or holds something else; row and column are named.
        """

    @abstractmethod
    def fraction(self) -> float | None:
        """Return the share of the table that has been read; None where that is not known."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self: _File) -> _File:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class TypedTable(TableFile):
    """A table whose columns have types, and that can be read any number of times.

    Attributes
    ----------
    schema : pyarrow.Schema
    n_rows : int
    """

    schema: pa.Schema
    n_rows: int
    _rows_read: int = 0

    @abstractmethod
    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
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
        table = pa.Table.from_batches(list(self.record_batches(columns)), schema)
        for i, name in enumerate(columns):
            cells, is_written = table[name], is_text(schema.field(name).type)
            if not is_written:
                cells = without_marks(cells, self.na)
            if is_written or name in texts:
                cells = without_marks(cells.cast(pa.string()), self.na)
            table = table.set_column(i, name, cells)
        return table

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time; see :meth:`TableFile.batches`."""
        for name, kind in kinds.items():
            self._check_kind(name, kind)
        self._rows_read = 0
        for batch in self.record_batches(tuple(kinds)):
            start, self._rows_read = self._rows_read, self._rows_read + batch.num_rows
            yield (
                start,
                pa.table(
                    {name: _converted(batch.column(name), kinds[name], self.na) for name in kinds}
                ),
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
        if kind == "number" and not is_number(dtype) and not is_text(dtype):
            raise InputError(
                f"{self.name}: column {name!r} holds {dtype}; this model was fitted on numbers "
                "there."
            )
        if kind == "text" and not is_text(dtype):
            raise InputError(
                f"{self.name}: column {name!r} holds {dtype}; this model was fitted on text there."
            )


def check_names(names: tuple[str, ...], table: str) -> None:
    """Check that no two columns have the same name."""
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise InputError(
            f"{table}: column {name!r} appears {count} times; each column needs a name of its own."
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


def without_marks(cells: Any, na: tuple[str, ...]) -> Any:
    """Return cells without those that stand for holes, as the user says.

    Of numbers those that are as large as a mark, however they are written: -99.0 for ``"-99"``.
    """
    if not na:
        return cells
    if is_text(cells.type):
        return pc.if_else(pc.is_in(cells, pa.array(na)), pa.scalar(None, pa.string()), cells)
    marks = [float(mark) for mark in na if _NUMBER.fullmatch(mark)]
    if not marks or not is_number(cells.type) or pa.types.is_boolean(cells.type):
        return cells
    are_marks = pc.is_in(pc.cast(cells, pa.float64(), safe=False), pa.array(marks))
    return pc.if_else(are_marks, pa.scalar(None, cells.type), cells)


def _converted(column: Any, kind: Kind, na: tuple[str, ...]) -> Any:
    if is_text(column.type):
        # Numbers that are written as text are read, or refused, by what knows how they are.
        return without_marks(column.cast(pa.string()), na)
    if kind == "number":
        return without_marks(pc.cast(column, pa.float64(), safe=False), na)
    return column.cast(pa.string()) if kind == "text" else column
