import warnings

import numpy as np
import pyarrow as pa
import pytest

from dagmm._core.errors import InputError, ShortSegmentWarning
from dagmm.data.convert import as_rows
from dagmm.preprocessing.windows.fit import series_of
from dagmm.preprocessing.windows.length import WindowLength


def table(sizes, gaps=(), interval=1.0):
    """Assets a, b, ... of some sizes, one after another; before some rows there is a gap."""
    parts = []
    for name, size in zip("abcdefgh", sizes, strict=False):
        steps = np.full(size, interval)
        steps[[row for row in gaps if row < size]] = 100.0 * interval
        parts.append(pa.table({"t": np.cumsum(steps), "g": [name] * size}))
    return pa.concat_tables(parts)


def series(rows, window, step=1, group="g"):
    features = np.random.default_rng(0).normal(size=(len(rows), 2)).astype(np.float32)
    return series_of(as_rows(rows), WindowLength.of(window, step, "t", group), features)


def test_assets_that_lie_interleaved_are_brought_together():
    rows = table([30, 20])
    order = np.random.default_rng(0).permutation(50)
    order = order[np.argsort(rows["t"].to_numpy()[order], kind="stable")]
    mixed = series(rows.take(pa.array(order)), 5)
    plain = series(rows, 5)
    assert sorted(mixed.names) == plain.names == ["a", "b"]
    sizes = {name: int((mixed.asset == i).sum()) for i, name in enumerate(mixed.names)}
    assert sizes == {"a": 30, "b": 20}
    for i in range(2):
        rows_of_asset = order[mixed.order[mixed.asset == i]]
        assert (np.diff(rows_of_asset) > 0).all()
    assert len(mixed.ends) == len(plain.ends) == 26 + 16


def test_clock_window_and_gap():
    found = series(table([40], gaps=[10, 25], interval=2.0), "10s")
    assert (found.interval, found.gap, found.n_steps) == (2.0, 20.0, 5)
    expected = [*range(4, 10), *range(14, 25), *range(29, 40)]
    np.testing.assert_array_equal(found.ends, expected)
    np.testing.assert_array_equal(found.first[[9, 10, 24, 25]], [0, 10, 10, 25])


def test_step_thins_the_windows():
    assert series(table([40]), 5, step=7).ends.tolist() == [4, 11, 18, 25, 32, 39]


def test_a_clock_that_stands_still_has_no_gaps():
    rows = pa.table({"t": np.repeat([0.0, 1e6], [30, 3]), "g": ["a"] * 33})
    found = series(rows, 4)
    assert found.interval == 0.0
    assert len(found.ends) == 30


def test_too_few_rows_are_refused_and_the_longest_segment_is_named():
    with pytest.raises(InputError) as caught:
        series(table([40], gaps=[20]), "60s")
    assert str(caught.value) == (
        "window '60s', 60 rows: expected at least 2 windows to fit to, got 0; the longest segment "
        "of rows without a gap has 20. Choose a shorter window."
    )
    with pytest.raises(InputError) as caught:
        series(table([10]), 10)
    assert str(caught.value) == (
        "window 10: expected at least 2 windows to fit to, got 1; the longest segment of rows "
        "without a gap has 10. Choose a shorter window."
    )


def test_an_asset_shorter_than_a_window_is_named():
    with pytest.warns(ShortSegmentWarning) as caught:
        series(table([40, 3]), 10)
    assert str(caught[0].message) == (
        "window 10: no segment of 'b' without a gap is as long, so nothing is learnt of it."
    )
    with pytest.warns(ShortSegmentWarning) as caught:
        series(table([3, 40, 3, 3, 3, 3, 3, 3]), 10)
    assert str(caught[0].message) == (
        "window 10: no segment of 'a', 'c', 'd', 'e', 'f' and 2 more without a gap is as long, so "
        "nothing is learnt of them."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        series(table([40, 10]), 10)


def test_a_clock_that_runs_backwards_within_an_asset_is_refused():
    rows = pa.table({"t": [1.0, 5.0, 2.0, 3.0, 1.0], "g": ["a", "b", "a", "a", "b"]})
    with pytest.raises(InputError) as caught:
        series(rows, 2)
    assert str(caught.value) == (
        "column 't' runs backwards in row 4 for g 'b': 1 comes after 5. Sort the rows by 't', "
        "asset by asset."
    )


def test_rows_that_remember_nothing_choose_ten():
    assert series(table([300, 200]), "auto").n_steps == 10
