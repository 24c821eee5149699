"""Mergeable statistics of numeric columns: any split of the rows gives the same sums."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

#: Most columns whose products are summed, for holes to be filled from the other columns.
MAX_PAIRED = 512

#: Exponent of a column without a value; below that of any number.
_NO_EXPONENT = -1100


def shift_exponent(
    values: Float64[np.ndarray, "n_rows n_columns"], exponent: np.ndarray
) -> Float64[np.ndarray, "n_rows n_columns"]:
    """``values * 2**exponent`` as a new array, also where the power alone would overflow."""
    with np.errstate(over="ignore", under="ignore"):
        power = np.ldexp(1.0, exponent)
        # A product of powers is exact and several times as fast as ldexp on each value.
        if (np.isfinite(power) & (power >= np.finfo(np.float64).tiny)).all():
            return values * power
        return np.ldexp(values, exponent)


@dataclass(frozen=True)
class Comoments:
    """For each two columns, what the rows say that have a value in both.

    Parameters
    ----------
    n : ndarray of shape (n_columns, n_columns)
        Number of such rows.
    mean : ndarray of shape (n_columns, n_columns)
        ``mean[i, j]`` is column i's mean over them.
    product : ndarray of shape (n_columns, n_columns)
        Sum of the products of both deviations from these means.
    """

    n: np.ndarray
    mean: np.ndarray
    product: np.ndarray

    @classmethod
    def of(
        cls,
        centred: Float64[np.ndarray, "n_rows n_columns"],
        holes: Bool[np.ndarray, "n_rows n_columns"],
        mean: Float64[np.ndarray, " n_columns"],
    ) -> "Comoments":
        """Statistics of values less ``mean``, zero in holes."""
        width = centred.shape[1]
        product = centred.T @ centred
        means = np.repeat(mean[:, None], width, axis=1)
        if not holes.any():
            return cls(np.full((width, width), float(len(centred))), means, product)
        present = (~holes).astype(np.float64)
        n, sums = present.T @ present, centred.T @ present
        share = sums / np.maximum(n, 1.0)
        return cls(n, means + share, product - share * sums.T)

    def merge(self, other: "Comoments") -> "Comoments":
        """Statistics of both sets of rows."""
        n = self.n + other.n
        part = other.n / np.maximum(n, 1.0)
        shift = other.mean - self.mean
        product = self.product + other.product + shift * shift.T * (self.n * part)
        return Comoments(n, self.mean + shift * part, product)

    def shifted(self, down: np.ndarray) -> "Comoments":
        """Statistics of values multiplied by ``2**down``."""
        return Comoments(
            self.n,
            np.ldexp(self.mean, down[:, None]),
            np.ldexp(self.product, down[:, None] + down),
        )

    def select(self, index: np.ndarray) -> "Comoments":
        """Statistics of some columns."""
        pairs = np.ix_(index, index)
        return Comoments(self.n[pairs], self.mean[pairs], self.product[pairs])


@dataclass(frozen=True)
class NumberStatistics:
    """Sums over the values of each column, in units of a power of two of its own.

    Parameters
    ----------
    n_rows : int
    present : ndarray of shape (n_columns,), int64
        Number of values that are no holes.
    exponent, low, high, mean, scatter : ndarray of shape (n_columns,)
    pairs : Comoments or None
        None where there are too many columns.
    """

    n_rows: int
    present: np.ndarray
    exponent: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray
    pairs: Comoments | None

    @classmethod
    def of(cls, values: Float64[np.ndarray, "n_rows n_columns"]) -> "NumberStatistics":
        """Statistics of rows; NaN is a hole."""
        holes = np.isnan(values)
        present = (~holes).sum(axis=0)
        filled = np.where(holes, 0.0, values)
        exponent = np.frexp(np.abs(filled).max(axis=0))[1]
        scaled = shift_exponent(filled, -exponent)
        mean = scaled.sum(axis=0) / np.maximum(present, 1)
        centred = np.where(holes, 0.0, scaled - mean)
        return cls(
            len(values),
            present,
            np.where(present > 0, exponent, _NO_EXPONENT),
            np.where(holes, np.inf, scaled).min(axis=0),
            np.where(holes, -np.inf, scaled).max(axis=0),
            mean,
            (centred**2).sum(axis=0),
            Comoments.of(centred, holes, mean) if values.shape[1] <= MAX_PAIRED else None,
        )

    def merge(self, other: "NumberStatistics") -> "NumberStatistics":
        """Statistics of both sets of rows."""
        exponent = np.maximum(self.exponent, other.exponent)
        a, b = self._in_units(exponent), other._in_units(exponent)
        present = a.present + b.present
        n = np.maximum(present, 1)
        shift = b.mean - a.mean
        pairs = None
        if a.pairs is not None and b.pairs is not None:
            pairs = a.pairs.merge(b.pairs)
        return NumberStatistics(
            a.n_rows + b.n_rows,
            present,
            exponent,
            np.minimum(a.low, b.low),
            np.maximum(a.high, b.high),
            a.mean + shift * (b.present / n),
            a.scatter + b.scatter + shift**2 * (a.present * b.present / n),
            pairs,
        )

    def select(self, index: np.ndarray) -> "NumberStatistics":
        """Statistics of some columns."""
        return NumberStatistics(
            self.n_rows,
            self.present[index],
            self.exponent[index],
            self.low[index],
            self.high[index],
            self.mean[index],
            self.scatter[index],
            None if self.pairs is None else self.pairs.select(index),
        )

    def _in_units(self, exponent: np.ndarray) -> "NumberStatistics":
        down = self.exponent - exponent
        return NumberStatistics(
            self.n_rows,
            self.present,
            exponent,
            np.ldexp(self.low, down),
            np.ldexp(self.high, down),
            np.ldexp(self.mean, down),
            np.ldexp(self.scatter, 2 * down),
            None if self.pairs is None else self.pairs.shifted(down),
        )
