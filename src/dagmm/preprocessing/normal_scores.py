"""Encoded rows as ranks see them: each feature as a normal distribution has it.

A view of the rows beside the rows themselves. Where a feature is skewed, or lies in a few heaps,
distances and covariances of its values say little; those of its ranks among the training rows say
more. A rank becomes the normal quantile of its place (van der Waerden, 1952).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from scipy.special import ndtri

from dagmm._core.json_fields import JsonField
from dagmm._core.states import Promise, State, check_array
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT

#: Rows that places are learnt from, at most.
MAX_ROWS = 2**17
#: Values of a feature that are kept with their scores; those between them lie on a line.
MAX_KNOTS = 256
_LIMITS = (-ENCODED_LIMIT, ENCODED_LIMIT)


@dataclass(frozen=True)
class NormalScores:
    """Each feature by its place among the training rows, as a normal distribution has it.

    Beyond the values of the training rows scores go on linearly, with the mean slope of the
    feature, so that what is far stays far.

    Parameters
    ----------
    value, score : ndarray of shape (n_knots, n_features), float32
        Values of each feature in ascending order, and their scores, with mean 0 and variance 1
        over the training rows. A feature of fewer different values repeats its last.
    """

    value: np.ndarray
    score: np.ndarray

    @classmethod
    def learn(cls, features: Float32[np.ndarray, "n_rows n_features"]) -> "NormalScores":
        """Learn the places of the training rows' values."""
        knots = [_knots(column) for column in features.T]
        n_knots = max(len(value) for value, _ in knots)

        def padded(parts: list[np.ndarray]) -> np.ndarray:
            whole = [np.pad(part, (0, n_knots - len(part)), mode="edge") for part in parts]
            return np.stack(whole, axis=1).astype(np.float32)

        return cls(padded([value for value, _ in knots]), padded([score for _, score in knots]))

    def __call__(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float32[np.ndarray, "n_rows n_features"]:
        """Return the scores of some rows."""
        return _on_lines(features, self.value, self.score)

    def values_of(
        self, scores: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float32[np.ndarray, "n_rows n_features"]:
        """Return the rows that scores stand for: undo the view."""
        return _on_lines(scores, self.score, self.value)

    def state(self) -> State:
        """Return the view as plain data and arrays."""
        return State({"n_knots": len(self.value)}, {"value": self.value, "score": self.score})

    @classmethod
    def from_state(cls, plain: JsonField, n_features: int) -> Promise["NormalScores"]:
        """Check the plain data of :meth:`state`, and promise the view.

        Raises
        ------
        ValueError
        """
        (n_knots,) = plain.fields("n_knots")
        shape = (n_knots.size(), n_features)
        if shape[0] > MAX_KNOTS:
            n_knots.fail(f"at most {MAX_KNOTS}")
        names = [f"{plain.path}.{name}" for name in ("value", "score")]

        def build(arrays: Mapping[str, np.ndarray]) -> NormalScores:
            for name in names:
                check_array(np.diff(arrays[name], axis=0) >= 0.0, name, "ascending")
            return cls(*(arrays[name] for name in names))

        return Promise(dict.fromkeys(names, ("F32", shape)), build)


def _knots(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return some values of a feature in ascending order, and their scores."""
    value, count = np.unique(column.astype(np.float64), return_counts=True)
    if len(value) == 1:
        return value, np.zeros(1)
    score = ndtri((np.cumsum(count) - 0.5 * count) / len(column))
    mean = np.average(score, weights=count)
    score = (score - mean) / np.sqrt(np.average((score - mean) ** 2, weights=count))
    if len(value) > MAX_KNOTS:
        # Half of them evenly over the values, half over the scores, so that ends are as fine.
        half = MAX_KNOTS // 2
        evenly = np.linspace(0, len(value) - 1, half).round().astype(np.int64)
        by_score = np.searchsorted(score, np.linspace(score[0], score[-1], half))
        kept = np.union1d(evenly, by_score)
        value, score = value[kept], score[kept]
    return value, score


def _on_lines(
    features: Float32[np.ndarray, "n_rows n_features"], x: np.ndarray, y: np.ndarray
) -> Float32[np.ndarray, "n_rows n_features"]:
    """Map each feature by the line through its knots, which goes on beyond their ends."""
    mapped = np.empty(features.shape, np.float32)
    for j, column in enumerate(features.T):
        at, to = x[:, j].astype(np.float64), y[:, j].astype(np.float64)
        width, height = at[-1] - at[0], to[-1] - to[0]
        slope = height / width if width > 0.0 and height > 0.0 else 1.0
        beyond = column - np.clip(column, at[0], at[-1])
        mapped[:, j] = np.clip(np.interp(column, at, to) + slope * beyond, *_LIMITS)
    return mapped
