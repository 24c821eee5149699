"""The encoder: a table's schema and the numbers that turn its rows into float32 features."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32, Float64

from dagmm.errors import InputError
from dagmm.rows import Chunk, Rows

#: Encoded values are limited to this, so that no square of them overflows in float32. In units
#: of the training rows' spread it is far beyond anything a mixture could tell apart.
ENCODED_LIMIT = 1e6

#: Categories of a text column that get a feature of their own, the most frequent first.
MAX_CATEGORIES = 256

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

    def encode(self, chunk: Chunk) -> Float64[np.ndarray, "n_rows n_columns"]:
        """Scale the columns of a chunk; not yet limited."""
        values = _finite_numbers(chunk, self.names)
        with np.errstate(over="ignore", under="ignore"):
            features = shift_exponent(values, -self.exponent)
            features -= self.centre
            features /= self.scale
        return features


@dataclass(frozen=True)
class TextColumn:
    """A text column as one feature for each category and one for all other texts.

    A category that was not among the training rows, and a hole, count as other.
    """

    name: str
    categories: tuple[str, ...]
    centre: np.ndarray

    @property
    def n_features(self) -> int:
        """Number of encoded features."""
        return len(self.categories) + 1

    def encode(self, chunk: Chunk) -> Float64[np.ndarray, "n_rows n_features"]:
        """One-hot features of a chunk."""
        encoded = chunk.text(self.name).dictionary_encode()
        position = {category: i for i, category in enumerate(self.categories)}
        other = len(self.categories)
        codes = np.array(
            [position.get(text, other) for text in encoded.dictionary.to_pylist()] + [other]
        )
        index = encoded.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)
        return np.eye(self.n_features)[codes[index]] - self.centre


@dataclass(frozen=True)
class Encoder:
    """Frozen description of a table; turns any chunk of such a table into features.

    Parameters
    ----------
    columns : tuple of str
        The columns that are used, in the order of the training table.
    scaling : {"standard", "minmax", "none"}
    numbers : NumberColumns
    texts : tuple of TextColumn
    """

    columns: tuple[str, ...]
    scaling: Scaling
    numbers: NumberColumns
    texts: tuple[TextColumn, ...]

    @classmethod
    def learn(cls, rows: Rows, scaling: Scaling = "standard") -> "Encoder":
        """Read a table once and learn how to encode it.

        Parameters
        ----------
        rows : Rows
        scaling : {"standard", "minmax", "none"}
            ``standard`` takes mean and standard deviation, ``minmax`` the range to 0..1,
            ``none`` leaves numbers as they are. A constant column is measured relative to its
            value, so that it is zero for the training rows and speaks up when it moves.

        Raises
        ------
        InputError
            For values that are not finite, text that is different in most rows, types that
            are neither numbers nor text, and, without scaling, values beyond 1e6.
        """
        first = rows.chunk(0, min(1, rows.n_rows))
        text_names = tuple(name for name in rows.names if first.is_text(name))
        number_names = tuple(name for name in rows.names if name not in set(text_names))
        statistics: _Statistics | None = None
        counts: dict[str, Counter[str]] = {name: Counter() for name in text_names}
        for chunk in rows.chunks():
            part = _Statistics.of(_finite_numbers(chunk, number_names))
            statistics = part if statistics is None else statistics.merge(part)
            for name in text_names:
                counts[name].update(_value_counts(chunk.text(name)))
        assert statistics is not None, "a table without rows is refused before it gets here"
        return cls(
            rows.names,
            scaling,
            _number_columns(number_names, statistics, scaling),
            tuple(_text_column(name, counts[name], rows.n_rows, scaling) for name in text_names),
        )

    @property
    def n_features(self) -> int:
        """Width of an encoded row."""
        return self.numbers.n_features + sum(text.n_features for text in self.texts)

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """The column that each encoded feature comes from."""
        return self.numbers.names + tuple(
            text.name for text in self.texts for _ in range(text.n_features)
        )

    def check(self, names: Sequence[str]) -> None:
        """Check that a table has the columns it needs; their order does not matter.

        Raises
        ------
        InputError
            Naming the columns that are missing.
        """
        present = set(names)
        missing = [name for name in self.columns if name not in present]
        if missing:
            listed = ", ".join(repr(name) for name in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise InputError(
                f"X has {len(names)} columns, this model was fitted with {len(self.columns)}; "
                f"missing: {listed}{more}."
            )

    def encode(self, chunk: Chunk) -> Float32[np.ndarray, "n_rows n_features"]:
        """Features of a chunk, each within +-1e6; a row's features depend on the row alone.

        Raises
        ------
        InputError
            If a number is not finite, or a column has changed between text and numbers.
        """
        parts = [self.numbers.encode(chunk), *(text.encode(chunk) for text in self.texts)]
        features = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return np.clip(features, -ENCODED_LIMIT, ENCODED_LIMIT).astype(np.float32)


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
class _Statistics:
    """Mergeable sums over rows, each column in units of a power of two of its own."""

    n_rows: int
    exponent: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, values: Float64[np.ndarray, "n_rows n_columns"]) -> "_Statistics":
        exponent = np.frexp(np.abs(values).max(axis=0))[1]
        scaled = shift_exponent(values, -exponent)
        mean = scaled.mean(axis=0)
        scatter = ((scaled - mean) ** 2).sum(axis=0)
        return cls(len(values), exponent, scaled.min(axis=0), scaled.max(axis=0), mean, scatter)

    def merge(self, other: "_Statistics") -> "_Statistics":
        exponent = np.maximum(self.exponent, other.exponent)
        a, b = self._in_units(exponent), other._in_units(exponent)
        n_rows = a.n_rows + b.n_rows
        shift = b.mean - a.mean
        return _Statistics(
            n_rows,
            exponent,
            np.minimum(a.low, b.low),
            np.maximum(a.high, b.high),
            a.mean + shift * (b.n_rows / n_rows),
            a.scatter + b.scatter + shift**2 * (a.n_rows * b.n_rows / n_rows),
        )

    def _in_units(self, exponent: np.ndarray) -> "_Statistics":
        down = self.exponent - exponent
        return _Statistics(
            self.n_rows,
            exponent,
            np.ldexp(self.low, down),
            np.ldexp(self.high, down),
            np.ldexp(self.mean, down),
            np.ldexp(self.scatter, 2 * down),
        )


def _number_columns(
    names: tuple[str, ...], statistics: _Statistics, scaling: Scaling
) -> NumberColumns:
    exponent, low, high = statistics.exponent, statistics.low, statistics.high
    if scaling == "none":
        _check_within_limit(names, np.maximum(np.abs(low), np.abs(high)), exponent)
        zeros = np.zeros(len(names))
        return NumberColumns(names, zeros.astype(np.int64), zeros, zeros + 1.0)
    if scaling == "standard":
        centre, scale = statistics.mean, np.sqrt(statistics.scatter / statistics.n_rows)
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


def _text_column(name: str, counts: Counter[str], n_rows: int, scaling: Scaling) -> TextColumn:
    if len(counts) > MAX_CATEGORIES and 2 * len(counts) > n_rows:
        raise InputError(
            f"column {name!r} holds {len(counts)} different texts in {n_rows} rows, which "
            "identifies rows rather than describing them; leave it out of the fit."
        )
    # Ties are broken by the text, so that the order of rows does not matter.
    ranked = sorted(counts, key=lambda text: (-counts[text], text))[:MAX_CATEGORIES]
    centre = np.zeros(len(ranked) + 1)
    if scaling == "standard":
        centre[:-1] = [counts[text] / n_rows for text in ranked]
        centre[-1] = 1.0 - centre[:-1].sum()
    return TextColumn(name, tuple(ranked), centre)


def _value_counts(texts: pa.Array) -> dict[str, int]:
    return {
        str(item["values"]): int(item["counts"].as_py())
        for item in texts.drop_null().value_counts()
    }


def _finite_numbers(chunk: Chunk, names: tuple[str, ...]) -> Float[np.ndarray, "n_rows n_columns"]:
    values = chunk.numbers(names)
    finite = np.isfinite(values)
    if finite.all():
        return values
    column = int(np.argmin(finite.all(axis=0)))
    bad = ~finite[:, column]
    raise InputError(
        f"column {names[column]!r} holds {_count(bad)} (NaN, inf or missing), first at row "
        f"{chunk.start + int(np.argmax(bad))}; fill or drop them."
    )


def _count(bad: np.ndarray) -> str:
    n = int(bad.sum())
    return f"{n} non-finite value" + ("s" if n > 1 else "")
