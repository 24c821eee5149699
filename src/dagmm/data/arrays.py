"""Rows of numeric arrays."""

import numbers
import reprlib
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.base import Chunk, Kind, Rows, text_of_numbers


@dataclass(frozen=True)
class _MatrixChunk(Chunk):
    names: tuple[str, ...]
    start: int
    values: np.ndarray

    @property
    def n_rows(self) -> int:  # type: ignore[override]
        return len(self.values)

    def kind(self, name: str) -> Kind:
        # One type for all columns of an array says nothing about each.
        return "number"

    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        values = np.asarray(self.values, np.float64)
        if names == self.names:
            return values
        return values[:, [self.names.index(name) for name in names]]

    def floats(self, names: tuple[str, ...]) -> np.ndarray:
        as_they_come = self.values.dtype == np.float32 and names == self.names
        return self.values if as_they_come else self.numbers(names)

    def integers(self, name: str) -> np.ndarray:
        values = self.numbers((name,))[:, 0]
        return values[np.isfinite(values)].astype(np.int64)

    def text(self, name: str) -> pa.Array:
        return text_of_numbers(self.numbers((name,))[:, 0])

    def dates(self, name: str) -> pa.Array:
        raise InputError(f"column {name!r} holds numbers, this model was fitted on dates there.")

    def instants(self, name: str) -> np.ndarray:
        raise InputError(f"column {name!r} holds numbers, this model was fitted on dates there.")

    def take(self, index: np.ndarray) -> Chunk:
        return replace(self, values=self.values[index])


class MatrixRows(Rows):
    """Rows of a numeric array of shape (n_rows, n_columns); columns are called x0, x1, ..."""

    def __init__(self, values: np.ndarray, names: tuple[str, ...] | None = None) -> None:
        self.values = values
        self.names = names or _names_of(values.shape[1])
        self.n_rows = len(values)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``."""
        return _MatrixChunk(self.names, start, self.values[start:stop])


@lru_cache(maxsize=64)
def _names_of(n_columns: int) -> tuple[str, ...]:
    """Return the names of columns that have none: of one row, they take as long as a network."""
    return tuple(f"x{i}" for i in range(n_columns))


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
        Naming the first column and row that hold text or a number beyond all floats, or the type
        of the array.
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
    except (ValueError, TypeError, OverflowError):
        column, row = _first_unreadable(values)
        cell = values[row, column]
        cell = reprlib.repr(cell.item() if isinstance(cell, np.generic) else cell)
        found = f"{argument} holds {cell} in column 'x{column}', row {row}"
    if isinstance(values[row, column], str | bytes):
        raise InputError(
            f"{found}; an array must hold numbers. Pass a DataFrame to have text encoded."
        )
    if isinstance(values[row, column], numbers.Real):
        raise InputError(
            f"{argument} holds a number in column 'x{column}', row {row}, that is beyond all "
            "floats; replace it by one that is not, or by NaN where there is no value."
        )
    raise TypeError(f"{found}; each cell of this argument must be a string of digits or a number.")


def _first_unreadable(values: np.ndarray) -> tuple[int, int]:
    for column, row in np.ndindex(values.shape[::-1]):
        try:
            float(values[row, column])
        except (ValueError, TypeError, OverflowError):
            return column, row
    raise AssertionError("the array could not be read as a whole, but each of its cells could")
