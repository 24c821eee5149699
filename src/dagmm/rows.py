"""Where rows come from: arrays and DataFrames behind one small interface, read in chunks."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from dagmm.errors import InputError

#: Rows that are encoded and scored at a time.
CHUNK_ROWS = 8192


class Chunk(ABC):
    """Some consecutive rows of a table.

    Attributes
    ----------
    names : tuple of str
        Columns, in the table's order.
    start : int
        Number of the first row in the table.
    n_rows : int
    """

    names: tuple[str, ...]
    start: int
    n_rows: int

    @abstractmethod
    def is_text(self, name: str) -> bool:
        """Whether a column holds text, as opposed to numbers or booleans."""

    @abstractmethod
    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        """Return columns as float64 of shape (n_rows, len(names)); a hole is NaN."""

    @abstractmethod
    def text(self, name: str) -> pa.Array:
        """Return a column as Arrow strings; a hole is null."""


class Rows(ABC):
    """A table that can be read in chunks, any number of times.

    Attributes
    ----------
    names : tuple of str
    n_rows : int
    """

    names: tuple[str, ...]
    n_rows: int

    @abstractmethod
    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``."""

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Read the whole table, ``size`` rows at a time."""
        for start in range(0, self.n_rows, size):
            yield self.chunk(start, min(start + size, self.n_rows))


@dataclass(frozen=True)
class _MatrixChunk(Chunk):
    names: tuple[str, ...]
    start: int
    values: np.ndarray

    @property
    def n_rows(self) -> int:  # type: ignore[override]
        return len(self.values)

    def is_text(self, name: str) -> bool:
        return False

    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        values = np.asarray(self.values, np.float64)
        if names == self.names:
            return values
        return values[:, [self.names.index(name) for name in names]]

    def text(self, name: str) -> pa.Array:
        raise InputError(f"column {name!r} holds numbers, this model was fitted on text there.")


class MatrixRows(Rows):
    """Rows of a numeric array of shape (n_rows, n_columns); columns are called x0, x1, ..."""

    def __init__(self, values: np.ndarray, names: tuple[str, ...] | None = None) -> None:
        self.values = values
        self.names = names or tuple(f"x{i}" for i in range(values.shape[1]))
        self.n_rows = len(values)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``."""
        return _MatrixChunk(self.names, start, self.values[start:stop])


@dataclass(frozen=True)
class _FrameChunk(Chunk):
    names: tuple[str, ...]
    start: int
    frame: nw.DataFrame[Any]

    @property
    def n_rows(self) -> int:  # type: ignore[override]
        return len(self.frame)

    def is_text(self, name: str) -> bool:
        dtype = self.frame.schema[name]
        if dtype.is_numeric() or dtype == nw.Boolean:
            return False
        if dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object):
            return True
        raise InputError(
            f"column {name!r} has type {dtype}; expected numbers, booleans or text. "
            "Convert it, or leave it out."
        )

    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        values = np.empty((self.n_rows, len(names)), np.float64)
        for i, name in enumerate(names):
            if self.is_text(name):
                raise InputError(
                    f"column {name!r} holds text, such as {self._first(name)!r}; "
                    "this model was fitted on numbers there."
                )
            values[:, i] = self.frame[name].cast(nw.Float64).to_numpy()
        return values

    def text(self, name: str) -> pa.Array:
        column = self.frame[name].cast(nw.String).to_arrow()
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _first(self, name: str) -> object:
        return next((value for value in self.frame[name].to_list() if value is not None), None)


class FrameRows(Rows):
    """Rows of a pandas, polars or Arrow table."""

    def __init__(self, frame: nw.DataFrame[Any]) -> None:
        self.frame = frame
        self.names = tuple(frame.columns)
        self.n_rows = len(frame)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``."""
        return _FrameChunk(self.names, start, self.frame[start:stop])


def frame_of(table: object) -> nw.DataFrame[Any] | None:
    """Return a DataFrame of any supported library behind one interface, or None.

    Raises
    ------
    InputError
        If two columns have the same name.
    """
    names = getattr(table, "column_names", None)  # Arrow, whose ``columns`` are the data
    if names is None:
        names = getattr(table, "columns", None)
    if names is None:
        return None
    texts = [str(name) for name in names]
    name, count = max(Counter(texts).items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise InputError(
            f"column {name!r} appears {count} times; each column needs a name of its own."
        )
    if hasattr(table, "set_axis") and texts != list(names):  # pandas: numbers, tuples
        table = table.set_axis(texts, axis=1)
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def rows_of(table: object, argument: str = "X") -> Rows:
    """Rows of whatever a user passes: a DataFrame, an array, nested lists.

    Raises
    ------
    InputError
        If it is not a table of numbers, or a DataFrame with text among them.
    """
    if isinstance(table, Rows):
        return table
    frame = frame_of(table)
    if frame is not None:
        return FrameRows(frame)
    values = array_of(table, argument)
    if values.ndim != 2:
        raise InputError(
            f"{argument} must be a table of shape (n_rows, n_columns), "
            f"got an array of shape {values.shape}."
        )
    return MatrixRows(as_numbers(values, argument))


def array_of(table: object, argument: str = "X") -> np.ndarray:
    """Return an array or nested lists as an array.

    Raises
    ------
    InputError
        If rows differ in length.
    """
    try:
        return np.asanyarray(table)
    except ValueError as error:
        raise InputError(f"{argument} must be a table whose rows all have one length.") from error


def as_numbers(values: np.ndarray, argument: str = "X") -> np.ndarray:
    """Check that an array holds real numbers; convert it if it holds objects.

    Raises
    ------
    InputError
        Naming the first column and row that hold text, or the type of the array.
    TypeError
        Naming the first column and row that hold neither text nor a number.
    """
    if values.dtype.kind in "biuf":
        return values
    if values.dtype.kind not in "OUS":
        raise InputError(
            f"{argument} must hold real numbers, got an array of dtype {values.dtype}."
        )
    try:
        return values.astype(np.float64)
    except (ValueError, TypeError):
        column, row = _first_unreadable(values)
        found = f"{argument} holds {values[row, column]!r} in column 'x{column}', row {row}"
    if isinstance(values[row, column], str | bytes):
        raise InputError(
            f"{found}; an array must hold numbers. Pass a DataFrame to have text encoded."
        )
    raise TypeError(f"{found}; each cell of this argument must be a string of digits or a number.")


def _first_unreadable(values: np.ndarray) -> tuple[int, int]:
    for column, row in np.ndindex(values.shape[::-1]):
        try:
            float(values[row, column])
        except (ValueError, TypeError):
            return column, row
    raise AssertionError("the array could not be read as a whole, but each of its cells could")
