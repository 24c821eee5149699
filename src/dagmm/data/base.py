"""What every table can do: be read in chunks, any number of times."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa

#: Rows that are encoded and scored at a time.
CHUNK_ROWS = 8192

#: What a column holds. Booleans, decimals and durations (in seconds) are numbers; a category is
#: text that its owner has declared to be one; an empty column has no value and no type.
Kind: TypeAlias = Literal["number", "integer", "text", "category", "date", "empty"]


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
    def kind(self, name: str) -> Kind:
        """Return what a column holds.

        Raises
        ------
        InputError
            For types that no model can use, such as lists.
        """

    @abstractmethod
    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        """Return columns as float64 of shape (n_rows, len(names)); a hole is NaN.

        Raises
        ------
        InputError
            If one holds text or dates.
        """

    def floats(self, names: tuple[str, ...]) -> np.ndarray:
        """Return columns as :meth:`numbers` does, in float32 where they come in it."""
        return self.numbers(names)

    @abstractmethod
    def integers(self, name: str) -> np.ndarray:
        """Return the values of a column of integers, without its holes."""

    @abstractmethod
    def text(self, name: str) -> pa.Array:
        """Return a column as Arrow strings; a hole and an empty text are null.

        A number is written the shortest way, whatever type it has: 80, not 80.0.
        """

    @abstractmethod
    def dates(self, name: str) -> pa.Array:
        """Return a column of dates as Arrow timestamps in seconds on the wall clock."""

    @abstractmethod
    def instants(self, name: str) -> np.ndarray:
        """Return a column of dates as seconds since 1970, to the microsecond; a hole is NaN.

        In UTC where a column has a time zone.
        """

    @abstractmethod
    def take(self, index: np.ndarray) -> "Chunk":
        """Return the rows of these places in the chunk; they no longer know their numbers."""


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

    def only(self, names: tuple[str, ...]) -> "Rows":
        """Return the table with no more columns than these read, where that saves work."""
        return self
