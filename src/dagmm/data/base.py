"""What every table can do: be read in chunks, any number of times."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress

_Found = TypeVar("_Found")

#: Rows that are encoded and scored at a time.
CHUNK_ROWS = 8192
#: From here on not every whole number has a float64 of its own.
_LAST_WHOLE = 2.0**53

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

    def holds_text(self, name: str) -> bool:
        """Whether the values of a column may be read as texts.

        Those of a column of Python objects always may: each row of it can have another type.
        """
        return self.kind(name) in ("text", "category")

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


class TableStyle(NamedTuple):
    """What is known of how the texts of a table are written.

    Parameters
    ----------
    thousands, decimal : str or None
        Marks in numbers; None where nothing is known.
    has_semicolons : bool
        Whether it comes from a file that is separated by semicolons, as files are where people
        write decimal commas.
    units : tuple of (str, str)
        Columns and their units, as a row of units names them.
    """

    thousands: str | None = None
    decimal: str | None = None
    has_semicolons: bool = False
    units: tuple[tuple[str, str], ...] = ()


#: Nothing is known.
ANY_STYLE = TableStyle()


class TablePass(ABC, Generic[_Found]):
    """What one pass over a table takes from its chunks, wherever these lie.

    It can be pickled, so that it goes to the rows, and what it finds comes back.
    """

    @abstractmethod
    def look(self, chunk: Chunk) -> _Found:
        """Take from a chunk what is wanted; chunks are looked at side by side."""

    @abstractmethod
    def merge(self, found: _Found, later: _Found) -> _Found:
        """Return what was found in rows and in those that follow; may change the first."""

    def within(self, start: int, stop: int) -> "TablePass[_Found]":
        """Return what of the pass is about these rows."""
        return self


class Rows(ABC):
    """A table that can be read in chunks, any number of times.

    Attributes
    ----------
    names : tuple of str
    n_rows : int
    style : TableStyle
    is_remote : bool
        Whether the rows lie in other processes.
    """

    names: tuple[str, ...]
    n_rows: int
    style: TableStyle = ANY_STYLE
    is_remote: bool = False

    @abstractmethod
    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``."""

    def chunks(self, size: int = CHUNK_ROWS, progress: Progress | None = None) -> Iterator[Chunk]:
        """Read the whole table, ``size`` rows at a time.

        Parameters
        ----------
        size : int
        progress : Progress, optional
            Is told how many rows have been read.

        Raises
        ------
        InputError
            If a table that is not held in memory cannot be read, or has become longer or shorter.
        """
        for chunk in self._chunks(size):
            if progress is not None:
                n_read = chunk.start + chunk.n_rows
                progress.advance(n_read, f"{n_read} rows")
            yield chunk

    def map_chunks(
        self,
        job: TablePass[_Found],
        size: int = CHUNK_ROWS,
        progress: Progress | None = None,
    ) -> Iterator[_Found]:
        """Look at the whole table once, and give what was found in the order of the rows.

        Parameters
        ----------
        job : TablePass
        size : int
            Rows of a chunk.
        progress : Progress, optional
            Is told how many rows have been read.

        Yields
        ------
        What was found in each chunk; of remote rows, in each part of the table, merged there.
        """
        return parallel_map(job.look, self.chunks(size, progress))

    def only(self, names: tuple[str, ...]) -> "Rows":
        """Return the table with no more columns than these read, where that saves work."""
        return self

    def _chunks(self, size: int) -> Iterator[Chunk]:
        for start in range(0, self.n_rows, size):
            yield self.chunk(start, min(start + size, self.n_rows))


def text_of_numbers(values: np.ndarray) -> pa.Array:
    """Write numbers the shortest way: 80.0 as ``80``; NaN is null."""
    values = np.asarray(values, np.float64)
    holes = np.isnan(values)
    whole = (np.trunc(values) == values) & (np.abs(values) < _LAST_WHOLE)
    integers = pa.array(np.where(whole, values, 0.0).astype(np.int64)).cast(pa.string())
    decimals = pa.array(values, mask=holes).cast(pa.string())
    return pc.if_else(pa.array(whole), integers, decimals)


def text_of_column(column: pa.Array) -> pa.Array:
    """Write an Arrow column as strings; a hole and an empty text are null."""
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values = column.cast(pa.float64(), safe=False)
        return text_of_numbers(values.to_numpy(zero_copy_only=False))
    texts = column.cast(pa.string())
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
