import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.preprocessing.windows.parts import parts_of
from dagmm.preprocessing.windows.segments import first_rows, median_interval, window_ends
from dagmm.training.splits.window_folds import Folds, folds_of

FEW = settings(max_examples=100, derandomize=True, deadline=None)
lengths = st.lists(st.integers(1, 12), min_size=1, max_size=4)


def assets(sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


def test_the_interval_is_that_within_assets():
    asset, time = assets([3, 3]), np.array([0.0, 1, 3, 100, 102, 104])
    assert median_interval(asset, time) == 2.0
    assert median_interval(np.array([0, 1]), np.array([5.0, 9.0])) == 0.0


@FEW
@given(lengths, st.data())
def test_a_segment_ends_with_its_asset_and_at_a_gap(sizes, data):
    asset = assets(sizes)
    n = len(asset)
    steps = data.draw(st.lists(st.sampled_from([0.5, 1.0, 9.0]), min_size=n, max_size=n))
    time = np.cumsum(steps)
    first = first_rows(asset, time, 2.0)
    for i in range(n):
        expected = i
        while expected and asset[expected - 1] == asset[i] and steps[expected] <= 2.0:
            expected -= 1
        assert first[i] == expected


@FEW
@given(lengths, st.integers(2, 5), st.integers(1, 3))
def test_windows_are_whole_and_thinned(sizes, n_steps, step):
    asset = assets(sizes)
    first = first_rows(asset, np.arange(len(asset)) * 1.0, 5.0)
    expected, start = [], 0
    for size in sizes:
        expected += range(start + n_steps - 1, start + size, step)
        start += size
    np.testing.assert_array_equal(window_ends(first, n_steps, step), expected)


# Which windows a network is not fitted to


def rows_of_window(end, n_steps):
    return set(range(end - n_steps + 1, end + 1))


@FEW
@given(st.lists(st.integers(20, 60), min_size=1, max_size=3), st.integers(2, 5))
def test_what_a_network_has_not_seen_shares_no_row_with_what_it_has(sizes, n_steps):
    asset = assets(sizes)
    ends = window_ends(first_rows(asset, np.arange(len(asset)) * 1.0, 5.0), n_steps)
    folds = folds_of(ends, asset, n_steps, 4)
    for fitted, held_out in zip(*folds, strict=True):
        seen = set().union(*(rows_of_window(end, n_steps) for end in ends[fitted]))
        assert all(not seen & rows_of_window(end, n_steps) for end in ends[held_out])
        if len(held_out):
            assert len(fitted) >= 0.4 * len(ends)
            assert {asset[end] for end in ends[fitted]} == set(asset[ends])
    parts = [folds.held_out[group[0]].tolist() for group in folds.groups()]
    held_out = sorted(place for part in parts for place in part)
    assert held_out == sorted(set(held_out))
    if len(parts) == 4:
        assert held_out == list(range(len(ends)))


def test_the_last_quarter_is_left_out_first():
    asset = assets([40, 8])
    np.testing.assert_array_equal(parts_of(asset, 4)[:40], np.repeat([0, 1, 2, 3], 10))
    np.testing.assert_array_equal(parts_of(asset, 4)[40:], np.repeat([0, 1, 2, 3], 2))
    folds = folds_of(np.arange(2, 40), assets([40]), 3, 1)
    np.testing.assert_array_equal(folds.fitted[0] + 2, np.arange(2, 28))
    np.testing.assert_array_equal(folds.held_out[0] + 2, np.arange(30, 40))


@pytest.mark.parametrize(
    ("n_steps", "parts"),
    [
        (20, [(300, 400), (100, 200), (19, 100), (200, 300)]),
        # The middle quarters would cost a network more than half of the windows.
        (60, [(300, 400), (59, 100), (300, 400), (59, 100)]),
        (80, [(300, 400), (79, 100), (300, 400), (79, 100)]),
        # Every other network is fitted to all.
        (110, [(350, 400), (0, 0), (350, 400), (0, 0)]),
        (120, [(0, 0)] * 4),
    ],
)
def test_long_windows_of_a_short_table_leave_out_its_ends(n_steps, parts):
    ends = np.arange(n_steps - 1, 400)
    folds = folds_of(ends, assets([400]), n_steps, 4)
    for held_out, (start, stop) in zip(folds.held_out, parts, strict=True):
        np.testing.assert_array_equal(ends[held_out], np.arange(start, stop))


def test_a_small_table_is_fitted_to_whole():
    ends = np.arange(9, 20)
    folds = folds_of(ends, assets([20]), 10, 2)
    assert isinstance(folds, Folds)
    assert all(fitted.tolist() == list(range(11)) for fitted in folds.fitted)
    assert all(len(held_out) == 0 for held_out in folds.held_out)
