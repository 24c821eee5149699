"""Numeric columns: statistics as NumPy's however rows are split; scaling, there and back."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.preprocessing.columns.numeric import NumberColumns, NumberStatistics

quick = settings(deadline=None, derandomize=True, max_examples=100)


def middling():
    return st.floats(-4.0, 4.0).filter(lambda value: abs(value) > 1e-3)


@quick
@given(
    exponent=st.integers(-300, 300),
    centre=middling(),
    scale=middling().map(abs),
    values=st.lists(middling(), min_size=1, max_size=20),
)
def test_values_are_scaled_as_the_formula_says_to_the_bit(exponent, centre, scale, values):
    columns = NumberColumns(("x",), *(np.array([part]) for part in (exponent, centre, scale)))
    values = np.array(values)
    features = columns.encode(np.ldexp(values, exponent)[:, None])
    np.testing.assert_array_equal(features[:, 0], (values - centre) / scale)


@quick
@given(
    n_rows=st.integers(0, 40),
    n_columns=st.integers(1, 5),
    most=st.sampled_from([1, 7, 32, 10**6]),
    narrow=st.booleans(),
    large=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_are_narrowed_alike_in_blocks_of_any_size(
    n_rows, n_columns, most, narrow, large, seed
):
    rng = np.random.default_rng(seed)
    exponent = np.full(n_columns, 500 if large else 3)
    centre, scale = rng.normal(size=n_columns), rng.uniform(0.5, 2.0, n_columns)
    columns = NumberColumns(tuple("abcde"[:n_columns]), exponent, centre, scale)
    values = np.ldexp(rng.normal(size=(n_rows, n_columns)), exponent)
    values[rng.random(values.shape) < 0.1] = np.nan
    if narrow and not large:
        values = values.astype(np.float32)
    narrowed = np.empty(values.shape, np.float32)
    with mock.patch("dagmm.preprocessing.columns.numeric._CACHED_VALUES", most):
        columns.encode_to(values, narrowed)
    expected = columns.encode(values.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(narrowed, expected)


@pytest.mark.parametrize("value", [1e-300, 3e-5, 1.0, 2e7, 1e300])
def test_columns_of_any_magnitude_are_scaled(value):
    exponent = np.array([np.frexp(value)[1], 1])
    columns = NumberColumns(("x", "y"), exponent, np.array([0.5, 0.5]), np.array([0.25, 0.25]))
    features = columns.encode(np.array([[value, 1.0], [np.nan, 1.0]]))
    np.testing.assert_array_equal(features[:, 1], 0.0)
    assert features[0, 0] == (np.frexp(value)[0] - 0.5) / 0.25
    assert np.isnan(features[1, 0])


def with_holes(n_rows=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 4)) * [1.0, 1e-200, 1e200, 1.0] + [0.0, 0.0, 0.0, 1e6]
    x[:, 3] += x[:, 0]
    x[rng.random(x.shape) < 0.3] = np.nan
    return x


def merged(x, size):
    parts = [NumberStatistics.of(x[i : i + size]) for i in range(0, len(x), size)]
    total = parts[0]
    for part in parts[1:]:
        total = total.merge(part)
    return total


@pytest.mark.parametrize("size", [1, 7, 60])
def test_statistics_are_numpys_however_the_rows_are_split(size):
    x = with_holes()
    statistics = merged(x, size)
    assert statistics.n_rows == 60
    assert statistics.present.tolist() == (~np.isnan(x)).sum(axis=0).tolist()
    scaled = np.ldexp(x, -statistics.exponent)
    np.testing.assert_allclose(statistics.mean, np.nanmean(scaled, axis=0), 1e-12)
    deviation = np.sqrt(statistics.scatter / statistics.present)
    np.testing.assert_allclose(deviation, np.nanstd(scaled, axis=0), 1e-9)
    np.testing.assert_array_equal(statistics.low, np.nanmin(scaled, axis=0))
    np.testing.assert_array_equal(statistics.high, np.nanmax(scaled, axis=0))


@pytest.mark.parametrize("size", [1, 7, 60])
def test_products_are_those_of_the_rows_with_both_values(size):
    x = with_holes()
    statistics = merged(x, size)
    scaled = np.ldexp(x, -statistics.exponent)
    for i, j in np.ndindex(4, 4):
        both = scaled[~np.isnan(scaled[:, i] + scaled[:, j])]
        assert statistics.pairs.n[i, j] == len(both)
        mean = both.mean(axis=0)
        product = ((both[:, i] - mean[i]) * (both[:, j] - mean[j])).sum()
        np.testing.assert_allclose(statistics.pairs.mean[i, j], mean[i], 1e-9)
        np.testing.assert_allclose(statistics.pairs.product[i, j], product, 1e-7, 1e-15)


def test_some_columns_are_those_columns():
    x = with_holes()
    some, alone = (
        NumberStatistics.of(x).select(np.array([3, 0])),
        NumberStatistics.of(np.ascontiguousarray(x[:, [3, 0]])),
    )
    for name in ("present", "exponent", "low", "high", "mean", "scatter"):
        np.testing.assert_array_equal(getattr(some, name), getattr(alone, name))
    np.testing.assert_allclose(some.pairs.product, alone.pairs.product)


def test_a_part_without_a_value_changes_nothing():
    x = with_holes()
    empty = np.full((5, 4), np.nan)
    alone, joined = merged(x, 60), merged(np.concatenate([empty, x]), 5)
    np.testing.assert_allclose(joined.mean, alone.mean, 1e-12)
    np.testing.assert_allclose(joined.scatter, alone.scatter, 1e-9)
    np.testing.assert_array_equal(joined.exponent, alone.exponent)


def test_wide_tables_go_without_products():
    assert NumberStatistics.of(np.zeros((2, 513))).pairs is None
    assert NumberStatistics.of(np.zeros((2, 512))).pairs is not None


def test_rounded_statistics_are_the_same_to_the_bit_however_the_rows_are_split():
    rng = np.random.default_rng(5)
    values = rng.normal((1000.0, 0.0, -3e-9, 0.5), (10.0, 1e6, 1e-9, 0.0), (20_000, 4))
    values[:, 3] = rng.integers(0, 2, 20_000)  # a deviation beside a power of two
    values[rng.random(values.shape) < 0.03] = np.nan
    whole = NumberStatistics.of(values)

    def split(*places):
        parts = np.split(values, places)
        found = NumberStatistics.of(parts[0])
        for part in parts[1:]:
            found = found.merge(NumberStatistics.of(part))
        return found

    ways = [split(7, 9000, 9001), split(*range(100, 20_000, 100)), split(8192, 16_384)]
    assert any((one.mean != whole.mean).any() for one in ways)
    for way in ways:
        one, two = way.rounded(), whole.rounded()
        for name in ("present", "exponent", "low", "high", "mean", "scatter"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
        np.testing.assert_array_equal(one.pairs.product, two.pairs.product)
    deviation = np.sqrt(whole.scatter / whole.present)
    np.testing.assert_array_less(abs(whole.rounded().mean - whole.mean) / deviation, 1e-7)
    np.testing.assert_allclose(whole.rounded().scatter, whole.scatter, rtol=1e-7)
