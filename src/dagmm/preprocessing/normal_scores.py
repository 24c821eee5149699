"""Encoded rows as ranks see them: each feature as a normal distribution has it.

A view of the rows beside the rows themselves. Where a feature is skewed, or lies in a few heaps,
distances and covariances of its values say little; those of its ranks among the training rows say
more. A rank becomes the normal quantile of its place (van der Waerden, 1952).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # whose parts are imported when they are used: scores are looked up, not computed
from jaxtyping import Float32

from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import AnyArray
from dagmm._core.states import Promise, State, check_array
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT

#: Rows that places are learnt from, at most.
MAX_ROWS = 2**17
#: Values of a feature that are kept with their scores; those between them lie on a line.
MAX_KNOTS = 256
_LIMITS = (-ENCODED_LIMIT, ENCODED_LIMIT)
#: Numbers that are looked up at a time, so that all that is made of them stays in a cache.
_NUMBERS_AT_ONCE = 2**15


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
        self, features: Float32[AnyArray, "n_rows n_features"]
    ) -> Float32[AnyArray, "n_rows n_features"]:
        """Return the scores of some rows."""
        return self._scores(features)

    def values_of(
        self, scores: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float32[np.ndarray, "n_rows n_features"]:
        """Return the rows that scores stand for: undo the view."""
        return self._values(scores)

    @cached_property
    def _scores(self) -> "_Lines":
        return _Lines(self.value, self.score)

    @cached_property
    def _values(self) -> "_Lines":
        return _Lines(self.score, self.value)

    def __getstate__(self) -> dict[str, np.ndarray]:
        """Leave out what follows from the knots."""
        return {"value": self.value, "score": self.score}

    def width(self, n_features: int) -> int:
        """Return the number of features that are seen."""
        return n_features

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
    score = scipy.special.ndtri((np.cumsum(count) - 0.5 * count) / len(column))
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


class _Lines:
    """A line through the knots of each feature, which goes on beyond their ends.

    All features are looked up at once, in halves: whether a value lies below the middle one of
    its knots, then of those left, and so on. Each step is a few operations of NumPy on many
    numbers, so that neither one row nor a million waits for Python.

    Parameters
    ----------
    x, y : ndarray of shape (n_knots, n_features), float32
        Knots in ascending order. The last may come repeatedly.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        n_knots, self._n_features = x.shape
        n_steps = n_knots.bit_length()
        knots = np.full((self._n_features, 2**n_steps - 1), np.inf, np.float32)
        knots[:, :n_knots] = x.T
        # By step: the knots that it compares with, feature by feature.
        self._middles = [
            knots[:, 2**i - 1 :: 2 ** (i + 1)].ravel() for i in reversed(range(n_steps))
        ]
        at, to = x.T.astype(np.float64), y.T.astype(np.float64)
        widths, heights = np.diff(at), np.diff(to)
        width, height = np.ptp(at, axis=1), np.ptp(to, axis=1)
        varies = (width > 0.0) & (height > 0.0)
        mean = np.divide(height, width, out=np.ones_like(width), where=varies)[:, None]
        between = np.divide(heights, widths, out=np.zeros_like(widths), where=widths > 0.0)

        # By how many knots are not above a value: where its line begins, and how steep it is.
        def flat(*parts: np.ndarray) -> np.ndarray:
            whole = np.concatenate(parts, axis=1)
            n_more = 2**n_steps - whole.shape[1]
            return np.pad(whole, ((0, 0), (0, n_more)), mode="edge").ravel()

        self._at = flat(at[:, :1], at)
        self._to = flat(to[:, :1], to)
        self._slope = flat(mean, between, mean)

    def __call__(
        self, features: Float32[AnyArray, "n_rows n_features"]
    ) -> Float32[AnyArray, "n_rows n_features"]:
        if not isinstance(features, np.ndarray):
            return self._of_part(features).astype(np.float32)
        mapped = np.empty(features.shape, np.float32)
        size = max(1, _NUMBERS_AT_ONCE // self._n_features)
        for start in range(0, len(features), size):
            part = slice(start, start + size)
            mapped[part] = self._of_part(features[part])
        return mapped

    def _of_part(self, values: AnyArray) -> Any:
        xp = values.__array_namespace__()
        # Of the first knots there is one for each feature.
        place = 2 * np.arange(self._n_features) + (self._middles[0] <= values)
        for middle in self._middles[1:]:
            is_above = xp.take(middle, place) <= values
            place += place
            place += is_above
        mapped = values - xp.take(self._at, place)
        mapped *= xp.take(self._slope, place)
        mapped += xp.take(self._to, place)
        return xp.clip(mapped, *_LIMITS)
