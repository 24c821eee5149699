"""Numeric columns: what their values are, mergeable, and how each is scaled, there and back."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from dagmm._core.errors import InputError
from dagmm._core.numerics import AnyArray

#: Encoded values are limited to this, so that no square of them overflows in float32. In units
#: of the training rows' spread it is far beyond anything a mixture could tell apart.
ENCODED_LIMIT = 1e6

#: Values that are scaled at a time.
_CACHED_VALUES = 2**17

#: Beyond it, values are brought to a middling magnitude before anything is taken from them.
_MOST_EXPONENT = 256

Scaling: TypeAlias = Literal["standard", "minmax", "none"]
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)

#: Bits of a long table's statistics that are kept: as many as a feature has.
_KEPT_BITS = 24

#: Most columns whose products are summed, for holes to be filled from the other columns.
MAX_PAIRED = 512

#: Exponent of a column without a value; below that of any number.
_NO_EXPONENT = -1100


def shift_exponent(
    values: Float64[AnyArray, "n_rows n_columns"], exponent: np.ndarray
) -> Float64[AnyArray, "n_rows n_columns"]:
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

    Mergeable: any split of the rows gives the same sums, to rounding.

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

    def rounded(self) -> "NumberStatistics":
        """Return sums without the last digits, which depend on how the rows were cut.

        Sums of the same rows are then the same to the bit, and change features by no more than
        float32 does. Networks that are trained on nearly the same features go different ways.
        """
        scatter = _significant(self.scatter)
        deviation = np.sqrt(scatter / np.maximum(self.present, 1))
        pairs = None
        if self.pairs is not None:
            size = np.sqrt(scatter)
            product = _to_steps(self.pairs.product, size[:, None] * size)
            pairs = Comoments(self.pairs.n, self.pairs.mean, product)
        mean = _to_steps(self.mean, deviation)
        return replace(self, mean=mean, scatter=scatter, pairs=pairs)

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


def _significant(values: np.ndarray) -> np.ndarray:
    """Return numbers of few significant bits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(mantissa, _KEPT_BITS)), exponent - _KEPT_BITS)


def _to_steps(values: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Round numbers to steps that are small beside a size; where that is zero, not at all."""
    step = np.ldexp(1.0, np.frexp(size)[1] - _KEPT_BITS)
    return np.where(size > 0.0, np.round(values / step) * step, values)


@dataclass(frozen=True)
class NumberColumns:
    """Numeric columns and how each is scaled: ``(x / 2**exponent - centre) / scale``.

    The power of two keeps columns of any magnitude, 1e-300 or 1e300, from under- or
    overflowing, and changes no digit of the others.
    """

    names: tuple[str, ...]
    exponent: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    @property
    def n_features(self) -> int:
        """Number of encoded features: one for each column."""
        return len(self.names)

    def encode(
        self, values: Float64[AnyArray, "n_rows n_columns"]
    ) -> Float64[AnyArray, "n_rows n_columns"]:
        """Scale values; not yet limited, and a hole stays NaN."""
        with np.errstate(over="ignore", under="ignore"):
            if self._in_units is not None:
                centre, scale = self._in_units
                features = values - centre
            else:
                centre, scale = self.centre, self.scale
                features = shift_exponent(values, -self.exponent)
                features -= centre
            features /= scale
        return features

    def encode_to(
        self,
        values: Float[np.ndarray, "n_rows n_columns"],
        out: Float32[np.ndarray, "n_rows n_columns"],
    ) -> None:
        """Scale values and narrow them; not yet limited, and a hole stays NaN.

        The same numbers as :meth:`encode` in half the time: in blocks that a processor's cache
        holds, in memory that is used again, and against centres and scales that are repeated for
        each row of a block, so that NumPy goes along one long axis instead of many short ones.
        """
        n_rows, n_columns = values.shape
        size = max(1, min(n_rows, _CACHED_VALUES // max(1, n_columns)))
        blocks = (slice(start, start + size) for start in range(0, n_rows, size))
        if self._in_units is None or size == 1:
            for some in blocks:
                out[some] = self.encode(values[some].astype(np.float64, copy=False))
            return
        centre, scale = (np.tile(part, (size, 1)) for part in self._in_units)
        block = np.empty((size, n_columns))
        for some in blocks:
            features = block[: len(values[some])]
            features[...] = values[some]
            features -= centre[: len(features)]
            features /= scale[: len(features)]
            out[some] = features

    @cached_property
    def _in_units(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Centre and scale in the user's units, which spares values the power of two.

        To no difference in any digit; None where a power is so large that there might be one.
        """
        if (abs(self.exponent) > _MOST_EXPONENT).any():
            return None
        return np.ldexp(self.centre, self.exponent), np.ldexp(self.scale, self.exponent)

    def decode(
        self, features: Float64[np.ndarray, "n_rows n_columns"]
    ) -> Float64[np.ndarray, "n_rows n_columns"]:
        """Return features to the user's units.

        Features hold 24 bits; what they cannot hold is left out, so that a zero comes back as a
        zero.
        """
        values = features * self.scale + self.centre
        noise = 2.0**-20 * np.minimum(np.abs(self.centre), self.scale)
        return shift_exponent(np.where(np.abs(values) < noise, 0.0, values), self.exponent)


def number_columns(
    names: tuple[str, ...], statistics: NumberStatistics, scaling: Scaling
) -> NumberColumns:
    """Return how columns of these statistics are scaled.

    Raises
    ------
    InputError
        Without scaling, for values beyond 1e6.
    """
    exponent, low, high = statistics.exponent, statistics.low, statistics.high
    if scaling == "none":
        _check_within_limit(names, np.maximum(np.abs(low), np.abs(high)), exponent)
        zeros = np.zeros(len(names))
        return NumberColumns(names, zeros.astype(np.int64), zeros, zeros + 1.0)
    if scaling == "standard":
        centre, scale = statistics.mean, np.sqrt(statistics.scatter / statistics.present)
    else:
        centre, scale = low, high - low
    constant = low == high
    centre = np.where(constant, low, centre)
    scale = np.where(constant | (scale == 0.0), np.where(low == 0.0, 1.0, np.abs(low)), scale)
    return NumberColumns(names, exponent.astype(np.int64), centre, scale)


def check_finite(values: np.ndarray, start: int, names: tuple[str, ...]) -> None:
    """Check that numbers, of which the first row is numbered, are finite or NaN, a hole.

    Raises
    ------
    InputError
        If a value is infinite; column and row are named.
    """
    if np.isfinite(values).all():
        return
    infinite = np.isinf(values)
    if not infinite.any():
        return
    column = int(np.argmax(infinite.any(axis=0)))
    bad = infinite[:, column]
    n = int(bad.sum())
    raise InputError(
        f"column {names[column]!r} holds {n} infinite value{'s' if n > 1 else ''}, first at row "
        f"{start + int(np.argmax(bad))}; replace them by numbers, or by NaN where there is "
        "no value."
    )


def _check_within_limit(names: tuple[str, ...], peak: np.ndarray, exponent: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        peak = np.ldexp(peak, exponent)
    for name, value in zip(names, peak, strict=True):
        if value > ENCODED_LIMIT:
            raise InputError(
                f"column {name!r} reaches {value:.3g}; without scaling, values must lie within "
                f"+-{ENCODED_LIMIT:.0e}. Turn scaling on (normalize=True) or scale the column."
            )
