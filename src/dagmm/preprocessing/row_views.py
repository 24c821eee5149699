"""Rows of features that are read part by part: whole arrays, some of their rows, windows."""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from dagmm.preprocessing.input_part import InputPart
from dagmm.preprocessing.normal_scores import MAX_ROWS, NormalScores

#: As what networks and densities see encoded rows: as they are, or by their ranks; of windows a
#: part of the inputs: the last rows, the level of each feature, or level, spread and movement.
View: TypeAlias = Literal["values", "normal_scores", "last_rows", "level", "summary"]
#: A view that was learnt; None for rows as they are.
RowView: TypeAlias = NormalScores | InputPart


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
    view : NormalScores or InputPart
    """

    def __init__(self, features: FeatureMatrix, view: RowView) -> None:
        self._features, self._view = features, view

    def __len__(self) -> int:
        return len(self._features)

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and of features."""
        return len(self), self._view.width(self._features.shape[1])

    def __getitem__(self, part: slice | np.ndarray) -> Float32[np.ndarray, "n_part n_seen"]:
        return self._view(self._features[part])


def learn_view(
    name: View, features: FeatureMatrix, parts: Mapping[View, InputPart] | None = None
) -> RowView | None:
    """Learn from some rows what a view shows; None for rows as they are.

    Parameters
    ----------
    name : str
    features : FeatureMatrix of shape (n_rows, n_features)
    parts : mapping of str to InputPart, optional
        Views that are parts of the inputs, of windows.
    """
    if name == "values":
        return None
    if name != "normal_scores":
        assert parts is not None, "only windows have parts"
        return parts[name]
    return NormalScores.learn(features[:: max(1, -(-len(features) // MAX_ROWS))])


def viewed(features: FeatureMatrix, view: RowView | None) -> FeatureMatrix:
    """Return rows as a view shows them; as they are without one."""
    return features if view is None else ViewedRows(features, view)
