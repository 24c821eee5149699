"""Missing values: a feature that says so, and what stands in their place."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64

from dagmm._core.numerics import AnyArray
from dagmm.preprocessing.columns.numeric import (
    Comoments,
    NumberColumns,
    NumberStatistics,
    Scaling,
)

#: Deviations beyond which a value is trusted no further when others are guessed from it.
TRUSTED = 6.0
#: Smallest eigenvalue of the correlations, so that columns which say the same can be solved for.
_EIGENVALUE_FLOOR = 1e-3


@dataclass(frozen=True)
class MissingIndicator:
    """One feature for each column that had holes in training: ``(is_hole - centre) / scale``.

    Parameters
    ----------
    names : tuple of str
    centre, scale : ndarray of shape (n_masks,)
    """

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray

    @property
    def n_features(self) -> int:
        """Number of encoded features: one for each column."""
        return len(self.names)

    def encode(
        self, holes: Bool[AnyArray, "n_rows n_masks"]
    ) -> Float64[AnyArray, "n_rows n_masks"]:
        """Features of the holes in these columns."""
        return (holes - self.centre) / self.scale


@dataclass(frozen=True)
class Imputer:
    """Fills holes among encoded numbers with what the rest of the row makes most likely.

    A hole that were filled with the column's mean would break the correlation of the other
    sensors, and make a row strange that only lacks a value. The conditional mean of a Gaussian
    does not.

    Parameters
    ----------
    mean, spread : ndarray of shape (n_numbers,)
        Mean and standard deviation of the training rows, in encoded units; a column that was
        constant has a spread of 1.
    correlation : ndarray of shape (n_numbers, n_numbers) or (0, 0)
        Of the training rows, shrunk; without one, for a table too wide, holes get the mean.
    """

    mean: np.ndarray
    spread: np.ndarray
    correlation: np.ndarray

    @cached_property
    def precision(self) -> np.ndarray:
        """Inverse of the correlation."""
        return np.linalg.inv(self.correlation)

    def fill(
        self,
        features: Float64[np.ndarray, "n_rows n_columns"],
        holes: Bool[np.ndarray, "n_rows n_columns"],
    ) -> Float64[np.ndarray, "n_rows n_columns"]:
        """Return features with a value in each hole, which depends on the row alone."""
        if not holes.any():
            return features
        z = np.zeros_like(features)
        if len(self.correlation):
            rows = np.flatnonzero(holes.any(axis=1))
            known = (features[rows] - self.mean) / self.spread
            known = np.where(holes[rows], 0.0, np.clip(known, -TRUSTED, TRUSTED))
            patterns, which = np.unique(holes[rows], axis=0, return_inverse=True)
            for i, pattern in enumerate(patterns):
                same = np.flatnonzero(which.ravel() == i)
                z[np.ix_(rows[same], pattern)] = self._guessed(known[same], pattern)
        return np.where(holes, self.mean + self.spread * z, features)

    def _guessed(
        self, known: Float64[np.ndarray, "n_same n_columns"], pattern: Bool[np.ndarray, " n"]
    ) -> Float64[np.ndarray, "n_same n_holes"]:
        weights = self._weights(pattern)
        present = np.ascontiguousarray(known[:, ~pattern])
        # Each row is summed by itself: a matrix product rounds differently for other row counts.
        guessed = [(present * column).sum(axis=1) for column in weights.T]
        return np.stack(guessed, axis=1)

    def _weights(self, pattern: Bool[np.ndarray, " n"]) -> np.ndarray:
        """Regression of the missing on the present columns; shape (n_present, n_holes)."""
        gone, here = np.flatnonzero(pattern), np.flatnonzero(~pattern)
        if len(gone) <= len(here):
            precision = self.precision
            own = precision[np.ix_(gone, gone)]
            return -np.linalg.solve(own, precision[np.ix_(gone, here)]).T
        own = self.correlation[np.ix_(here, here)]
        return np.linalg.solve(own, self.correlation[np.ix_(here, gone)])


def masks_of(n_holes: dict[str, int], n_rows: int, scaling: Scaling) -> MissingIndicator:
    """Return the masks of the columns that have holes.

    Parameters
    ----------
    n_holes : dict of str to int
        Holes of each column.
    n_rows : int
    scaling : {"standard", "minmax", "none"}
        With ``standard`` a mask is scaled like any number; otherwise it is 0 or 1.
    """
    names = tuple(name for name, n in n_holes.items() if n)
    rate = np.array([n_holes[name] / n_rows for name in names])
    if scaling != "standard":
        return MissingIndicator(names, np.zeros(len(names)), np.ones(len(names)))
    expected = np.array([expected_rate(n_holes[name], n_rows) for name in names])
    return MissingIndicator(names, rate, np.sqrt(expected * (1.0 - expected)))


def expected_rate(n_holes: int, n_rows: int) -> float:
    """Share of holes to be expected after so many among so many rows (Jeffreys' prior)."""
    return (n_holes + 0.5) / (n_rows + 1.0)


def lost_deviation(n_rows: int) -> float:
    """How far a hole stands out where so many rows had none, in standard deviations.

    A 0/1 value of rate p lies ``(1 - p) / sqrt(p (1 - p))`` deviations from its mean when it
    is 1.
    """
    rate = expected_rate(0, n_rows)
    return float(np.sqrt((1.0 - rate) / rate))


def imputation_of(statistics: NumberStatistics, numbers: NumberColumns) -> Imputer:
    """Learn how to fill holes from a table's statistics."""
    # In the statistics' own units a column's deviation is never too large to be squared.
    deviation = np.sqrt(statistics.scatter / np.maximum(statistics.present, 1))
    is_constant = (statistics.low == statistics.high) | (deviation == 0.0)
    down = statistics.exponent - numbers.exponent
    mean = (np.ldexp(statistics.mean, down) - numbers.centre) / numbers.scale
    mean = np.where(is_constant, (np.ldexp(statistics.low, down) - numbers.centre), mean)
    spread = np.where(is_constant, 1.0, np.ldexp(deviation, down) / numbers.scale)
    # In float64 the deviation of a column without scaling may be next to nothing.
    spread = np.maximum(spread, np.finfo(np.float64).tiny)
    correlation = np.zeros((0, 0))
    if statistics.pairs is not None:
        correlation = _shrunk_correlation(statistics.pairs, deviation, is_constant)
    return Imputer(mean, spread, correlation)


def _shrunk_correlation(
    pairs: Comoments, deviation: np.ndarray, is_constant: np.ndarray
) -> np.ndarray:
    """Correlations less what few rows would make up, as a matrix that can be inverted."""
    width = len(deviation)
    if not width:
        return np.zeros((0, 0))
    scale = np.where(is_constant, 1.0, deviation)
    correlation = pairs.product / scale[:, None] / scale / (pairs.n + width)
    correlation = np.clip(correlation, -1.0, 1.0)
    correlation[is_constant] = 0.0
    correlation[:, is_constant] = 0.0
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < _EIGENVALUE_FLOOR:
        correlation = (vectors * np.maximum(values, _EIGENVALUE_FLOOR)) @ vectors.T
        root = np.sqrt(correlation.diagonal())
        correlation = correlation / root[:, None] / root
    return (correlation + correlation.T) / 2.0
