from dataclasses import replace

import numpy as np
import pytest

from dagmm.training.presets.held_out import (
    FEWEST_ROWS,
    HELD_OUT_FROM_ROWS,
    HELD_OUT_FROM_ROWS_WITHOUT_FOLDS,
    MOST_HELD_OUT,
)
from dagmm.training.splits.holdout import everything, rows_held_out, split_rows
from dagmm.training.splits.time_blocks import TimeOrder


def split(n_rows, n_networks=4, *, by_network=True, time_order=None, seed=0):
    rng = np.random.default_rng(seed)
    return split_rows(n_rows, n_networks, rng, by_network=by_network, time_order=time_order)


@pytest.mark.parametrize(
    ("n_rows", "by_network"),
    [
        (HELD_OUT_FROM_ROWS - 1, True),
        (HELD_OUT_FROM_ROWS_WITHOUT_FOLDS - 1, False),
        (19, True),
        (1, True),
    ],
)
def test_of_a_small_table_nothing_is_held_out(n_rows, by_network):
    found = split(n_rows, by_network=by_network)
    np.testing.assert_array_equal(found.fitted, np.arange(n_rows))
    assert len(found.held_out) == 0
    leaves_out = by_network and n_rows >= FEWEST_ROWS
    assert (found.folds is not None) == leaves_out
    n_parts = 10 if n_rows >= 1250 else 4
    assert found.n_each == (n_rows - -(-n_rows // n_parts) if leaves_out else n_rows)
    expected = found.folds.fitted[2] if leaves_out else np.arange(n_rows)
    np.testing.assert_array_equal(found.of_network(2), expected)
    are = "training rows (by networks that were not fitted to them)"
    assert found.are == (are if leaves_out else "")


@pytest.mark.parametrize(
    ("n_rows", "by_network"),
    [(HELD_OUT_FROM_ROWS, True), (HELD_OUT_FROM_ROWS_WITHOUT_FOLDS, False)],
)
def test_of_a_large_table_all_networks_are_fitted_to_the_same(n_rows, by_network):
    found = split(n_rows, by_network=by_network)
    assert found.folds is None
    assert found.n_each == len(found.fitted) == n_rows - n_rows // 10
    both = np.concatenate([found.fitted, found.held_out])
    np.testing.assert_array_equal(np.sort(both), np.arange(n_rows))
    np.testing.assert_array_equal(found.of_network(3), found.fitted)
    assert found.are == "rows held out of the fit"


@pytest.mark.parametrize("n_rows", [5000, 5001, 12_345])
def test_a_tenth_is_held_out_from_the_whole_table(n_rows):
    held_out = rows_held_out(n_rows, np.random.default_rng(0))
    assert len(held_out) == len(np.unique(held_out)) == n_rows // 10
    # Drawn from the whole table: about half of it from each half.
    assert 0.4 < (held_out < n_rows / 2).mean() < 0.6


def test_the_seed_decides():
    one, again, other = (rows_held_out(6000, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_no_more_than_enough_are_held_out():
    assert len(rows_held_out(20 * MOST_HELD_OUT, np.random.default_rng(0))) == MOST_HELD_OUT


def in_time(n_rows):
    """Rows that were measured in the opposite order."""
    return TimeOrder(np.zeros(n_rows, np.int64), -np.arange(float(n_rows)))


def test_rows_in_time_are_held_out_in_blocks():
    found = split(10_000, time_order=in_time(10_000))
    assert found.are == "rows held out of the fit in blocks of time"
    held = np.concatenate([np.arange(start, start + 100) for start in range(0, 10_000, 1000)])
    np.testing.assert_array_equal(found.held_out, held)


def test_networks_leave_out_blocks_of_rows_in_time():
    found = split(400, 2, time_order=in_time(400))
    assert found.are == ("training rows (by networks that were not fitted to their block of time)")
    np.testing.assert_array_equal(found.folds.held_out[0], np.arange(100))
    few = FEWEST_ROWS - 1
    whole = split(few, 2, time_order=in_time(few))
    assert (whole.folds, whole.are) == (None, "")


def test_rows_that_follow_no_others_are_left_out_at_random():
    each_its_own = TimeOrder(np.arange(400), np.arange(400.0))
    found, by_chance = split(400, time_order=each_its_own), split(400)
    assert found.are == by_chance.are
    np.testing.assert_array_equal(found.folds.held_out, by_chance.folds.held_out)


def test_positions_are_sorted_as_their_rows_follow_each_other():
    places = np.array([4, 0, 3])
    np.testing.assert_array_equal(places[everything(5).as_they_follow(places)], [0, 3, 4])
    by_clock = replace(everything(5), order=np.array([3, 4, 1, 0, 2]))
    np.testing.assert_array_equal(places[by_clock.as_they_follow(places)], [3, 4, 0])
