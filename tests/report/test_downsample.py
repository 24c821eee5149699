import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagmm.report.downsample import MinMaxDownsampler

cells = st.one_of(st.integers(-9, 9).map(float), st.just(np.nan))


@given(st.lists(st.lists(cells, max_size=9), max_size=12))
def test_points_hold_the_ends_of_equal_runs_of_rows(parts):
    series = MinMaxDownsampler(1, most=6)
    for part in parts:
        series.add(np.array(part).reshape(-1, 1))
    values = np.concatenate([np.array(part) for part in parts]) if parts else np.empty(0)
    size = series.rows_per_point
    assert series.n_rows == len(values)
    assert size == 1 or len(values) > 6 * size // 2
    runs = [values[i : i + size] for i in range(0, len(values), size)]
    assert len(series.low) == len(runs) <= 6
    for i, run in enumerate(runs):
        there = run[~np.isnan(run)]
        ends = (there.min(), there.max()) if len(there) else (np.nan, np.nan)
        np.testing.assert_array_equal((series.low[i, 0], series.high[i, 0]), ends)
        assert series.first_row[i] == i * size


def test_few_rows_are_kept_as_they_are():
    series = MinMaxDownsampler(2)
    values = np.random.default_rng(0).normal(size=(1000, 2))
    for start in range(0, 1000, 300):
        series.add(values[start : start + 300])
    np.testing.assert_array_equal(series.low, values)
    np.testing.assert_array_equal(series.high, values)
    series.add(values[:1])
    assert (series.rows_per_point, len(series.low)) == (2, 501)
    assert series.low[0] == pytest.approx(values[:2].min(axis=0))
