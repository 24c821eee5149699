"""Statistics of numeric columns: as NumPy's, however the rows are split."""

import numpy as np
import pytest

from dagmm.preprocessing.columns.statistics import NumberStatistics


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
