"""New rows as a model sees them, part by part, and which of them say nothing new of which.

Rows by themselves are read chunk by chunk, as often as they are looked at. Windows reach across
chunks and assets: their table is encoded once and held, as at a fit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TypeVar

import numpy as np
from jaxtyping import Int64

from dagmm._core.parallel import parallel_map
from dagmm.data.base import Chunk, Rows
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.sampling import encode_rows
from dagmm.preprocessing.windows.features import WindowInputs
from dagmm.preprocessing.windows.fit import series_of_more
from dagmm.preprocessing.windows.parts import parts_of, touches

_T = TypeVar("_T")

#: Blocks of rows, each of which is scored by mixtures that it is no part of.
N_BLOCKS = 4


class NewRows(ABC):
    """New rows, or windows, in the order in which they follow each other.

    Attributes
    ----------
    n_rows : int
        Of windows those that are whole.
    """

    n_rows: int

    @abstractmethod
    def each(self, function: Callable[[int, np.ndarray], _T]) -> Iterator[_T]:
        """Yield what a function makes of each part: of its first row's place, and its inputs."""

    @abstractmethod
    def blocks(self, places: Int64[np.ndarray, " n_some"]) -> Int64[np.ndarray, " n_some"]:
        """Return the block of each row: neighbours are in the same."""

    @abstractmethod
    def near(self, places: Int64[np.ndarray, " n_some"]) -> Int64[np.ndarray, " n_some"]:
        """Return the blocks that each row must say nothing of: bit ``i`` is set for block ``i``.

        Its own, and of windows those with which it has rows of the table in common.
        """

    @abstractmethod
    def in_table(self) -> Int64[np.ndarray, " n_rows"]:
        """Return the row of the table that each is, or that a window ends at."""


class SingleRows(NewRows):
    """Rows by themselves.

    Parameters
    ----------
    model : FittedModel
    rows : Rows
    """

    def __init__(self, model: FittedModel, rows: Rows) -> None:
        self.n_rows, self._rows, self._model = rows.n_rows, rows, model

    def each(self, function: Callable[[int, np.ndarray], _T]) -> Iterator[_T]:
        """Read the table once more."""

        def of_chunk(chunk: Chunk) -> _T:
            return function(chunk.start, self._model.encoder.encode(chunk))

        chunks = self._rows.only(self._model.read_columns).chunks(self._model.chunk_rows)
        return parallel_map(of_chunk, chunks)

    def blocks(self, places: Int64[np.ndarray, " n_some"]) -> Int64[np.ndarray, " n_some"]:
        """Cut the table into blocks."""
        return places * N_BLOCKS // self.n_rows

    def near(self, places: Int64[np.ndarray, " n_some"]) -> Int64[np.ndarray, " n_some"]:
        """Its own block alone."""
        return 1 << self.blocks(places)

    def in_table(self) -> Int64[np.ndarray, " n_rows"]:
        """Return each row."""
        return np.arange(self.n_rows)


class NewWindows(NewRows):
    """Whole windows, asset by asset.

    Parameters
    ----------
    model : FittedModel
        Of windows.
    rows : Rows

    Raises
    ------
    InputError
        If a row has no time or no asset, or the clock of an asset runs backwards.
    """

    def __init__(self, model: FittedModel, rows: Rows) -> None:
        assert model.windows is not None, "asked only for windows"
        encoder, self._spec = model.table_encoder, model.windows
        wanted = rows.only(model.read_columns)
        self._series = series_of_more(wanted, self._spec, encoder.reading_of(self._spec.time))
        self.n_rows, self._at_once = len(self._series.ends), model.chunk_rows
        features = encode_rows(wanted, encoder)[: rows.n_rows][self._series.order]
        ends, first = self._series.ends, self._series.first
        self._inputs = WindowInputs(self._spec.view, features, ends, first[ends])

    def each(self, function: Callable[[int, np.ndarray], _T]) -> Iterator[_T]:
        """Make the windows, some at a time."""

        def of_part(start: int) -> _T:
            return function(start, self._inputs[start : start + self._at_once])

        return parallel_map(of_part, range(0, self.n_rows, self._at_once))

    def blocks(self, places: Int64[np.ndarray, " n_some"]) -> Int64[np.ndarray, " n_some"]:
        """Cut each asset's time into blocks."""
        return self._blocks[places]

    def near(self, places: Int64[np.ndarray, " n_some"]) -> Int64[np.ndarray, " n_some"]:
        """Return the blocks whose windows have a row that this one has too."""
        return self._near[places]

    def in_table(self) -> Int64[np.ndarray, " n_rows"]:
        """Return the last row of each window."""
        return self._series.order[self._series.ends]

    @cached_property
    def _blocks(self) -> np.ndarray:
        return parts_of(self._series.asset, N_BLOCKS)[self._series.ends]

    @cached_property
    def _near(self) -> np.ndarray:
        asset, ends = self._series.asset, self._series.ends
        part = parts_of(asset, N_BLOCKS)
        touched = [touches(part == i, asset, self._spec.n_steps)[ends] for i in range(N_BLOCKS)]
        return sum(one.astype(np.int64) << i for i, one in enumerate(touched))


def new_rows(model: FittedModel, rows: Rows) -> NewRows:
    """Return rows as a model sees them.

    Raises
    ------
    InputError
        Of windows, where clock or asset say nothing.
    """
    return SingleRows(model, rows) if model.windows is None else NewWindows(model, rows)
