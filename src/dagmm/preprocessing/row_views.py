"""Rows of features that are read part by part: whole arrays, some of their rows, windows."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64


@runtime_checkable
class FeatureMatrix(Protocol):
    """What a network sees of rows: an array, or what makes parts of one as they are asked for."""

    def __len__(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and of features."""
        ...

    def __getitem__(self, part: slice | np.ndarray, /) -> np.ndarray: ...


class RowSubset:
    """Some of many rows, which are gathered only as they are asked for.

    Parameters
    ----------
    features : FeatureMatrix of shape (n_rows, n_features)
    places : ndarray of shape (n_some,)
        Positions of the rows.
    """

    def __init__(self, features: FeatureMatrix, places: Int64[np.ndarray, " n_some"]) -> None:
        self._features, self._places = features, places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of features."""
        return len(self), self._features.shape[1]

    def __getitem__(self, part: slice | np.ndarray) -> Float32[np.ndarray, "n_part n_features"]:
        return self._features[self._places[part]]
