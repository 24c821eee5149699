"""Numeric columns: how each is scaled, there and back."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float, Float32, Float64

from dagmm._core.errors import InputError
from dagmm.preprocessing.columns.statistics import NumberStatistics, shift_exponent

#: Encoded values are limited to this, so that no square of them overflows in float32. In units
#: of the training rows' spread it is far beyond anything a mixture could tell apart.
ENCODED_LIMIT = 1e6

#: Values that are scaled at a time.
_CACHED_VALUES = 2**17

#: Beyond it, values are brought to a middling magnitude before anything is taken from them.
_MOST_EXPONENT = 256

Scaling: TypeAlias = Literal["standard", "minmax", "none"]
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)


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
        self, values: Float64[np.ndarray, "n_rows n_columns"]
    ) -> Float64[np.ndarray, "n_rows n_columns"]:
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


def _check_within_limit(names: tuple[str, ...], peak: np.ndarray, exponent: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        peak = np.ldexp(peak, exponent)
    for name, value in zip(names, peak, strict=True):
        if value > ENCODED_LIMIT:
            raise InputError(
                f"column {name!r} reaches {value:.3g}; without scaling, values must lie within "
                f"+-{ENCODED_LIMIT:.0e}. Turn scaling on (normalize=True) or scale the column."
            )
