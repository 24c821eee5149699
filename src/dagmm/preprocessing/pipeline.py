"""From chunks of a table to what the networks see."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64

from dagmm.data.base import Chunk
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.buffer import WindowBuffer
from dagmm.preprocessing.windows.features import inputs_of, levels_apart
from dagmm.preprocessing.windows.spec import WindowSpec


class Features(NamedTuple):
    """What the networks see of some rows."""

    inputs: Float32[np.ndarray, "n_rows n_inputs"]
    apart: Float32[np.ndarray, "n_rows n_features"] | None = None
    """Parts of the windows' levels that the inputs do not tell; None for rows by themselves, and
    where they are not asked for."""

    def of(self, wanted: Bool[np.ndarray, " n_rows"]) -> "Features":
        """Return what is seen of some of the rows."""
        return Features(self.inputs[wanted], None if self.apart is None else self.apart[wanted])

    def at(self, places: Int64[np.ndarray, " n_some"]) -> "Features":
        """Return what is seen of the rows at some places, ascending."""
        if len(places) == len(self.inputs):
            return self
        apart = None if self.apart is None else self.apart[places]
        return Features(self.inputs[places], apart)

    @classmethod
    def joined(cls, parts: Sequence["Features"]) -> "Features":
        """Return what is seen of all rows of several parts."""
        apart = [part.apart for part in parts if part.apart is not None]
        inputs = np.concatenate([part.inputs for part in parts])
        return cls(inputs, np.concatenate(apart) if apart else None)


class FeatureReader:
    """Turns chunks of a table, in their order, into what the networks see.

    Parameters
    ----------
    encoder : TableEncoder or ImageEncoder
    windows : WindowSpec or None
    """

    def __init__(self, encoder: TableEncoder | ImageEncoder, windows: WindowSpec | None) -> None:
        self._encoder, self._windows = encoder, windows
        self._buffer: WindowBuffer | None = None
        if windows is not None and isinstance(encoder, TableEncoder):
            self._buffer = windows.buffer(encoder.reading_of(windows.time))

    @property
    def buffer(self) -> WindowBuffer | None:
        """What keeps the last rows of each asset, where there are windows."""
        return self._buffer

    def read(self, chunk: Chunk, *, to_explain: bool = False) -> Features:
        """Take the next rows; where they are refused nothing is changed.

        Parameters
        ----------
        chunk : Chunk
        to_explain : bool, default=False
            Whether what the inputs do not tell is wanted as well.

        Raises
        ------
        InputError
            If values cannot be encoded; with windows, if a row has no time or no asset, or the
            clock of an asset runs backwards.
        """
        features = self._encoder.encode(chunk)
        if self._windows is None or self._buffer is None:
            return Features(features)
        view, gathered = self._windows.view, self._buffer.extend(chunk, features)
        inputs = inputs_of(view, *gathered)
        return Features(inputs, levels_apart(view, *gathered, inputs) if to_explain else None)
