"""Rows of features that are read part by part: whole arrays, some of their rows, windows."""

from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from dagmm.preprocessing.normal_scores import MAX_ROWS, NormalScores


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


class ViewedRows:
    """Rows as a view shows them, made only as they are asked for.

    Parameters
    ----------
    features : FeatureMatrix of shape (n_rows, n_features)
    view : NormalScores
    """

    def __init__(self, features: FeatureMatrix, view: NormalScores) -> None:
        self._features, self._view = features, view

    def __len__(self) -> int:
        return len(self._features)

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and of features."""
        return self._features.shape

    def __getitem__(self, part: slice | np.ndarray) -> Float32[np.ndarray, "n_part n_features"]:
        return self._view(self._features[part])


def learn_view(
    name: Literal["values", "normal_scores"], features: FeatureMatrix
) -> NormalScores | None:
    """Learn from some rows what a view shows; None for rows as they are."""
    if name == "values":
        return None
    return NormalScores.learn(features[:: max(1, -(-len(features) // MAX_ROWS))])


def viewed(features: FeatureMatrix, view: NormalScores | None) -> FeatureMatrix:
    """Return rows as a view shows them; as they are without one."""
    return features if view is None else ViewedRows(features, view)
