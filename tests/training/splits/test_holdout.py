import numpy as np
import pytest

from dagmm.training.splits.folds import FEWEST_ROWS
from dagmm.training.splits.holdout import (
    FROM_ROWS,
    FROM_ROWS_UNCROSSED,
    MOST_ROWS,
    hold_out,
    split_rows,
)
from dagmm.training.splits.time_blocks import TimeOrder


def table(n_rows, padding=50):
    features = np.zeros((n_rows + padding, 2), np.float32)
    features[:n_rows, 0] = np.arange(n_rows)
    return features


@pytest.mark.parametrize(
    ("n_rows", "crossing"),
    [(FROM_ROWS - 1, True), (FROM_ROWS_UNCROSSED - 1, False), (19, True), (1, True)],
)
def test_a_small_table_is_left_as_it_is(n_rows, crossing):
    features = table(n_rows)
    before = features.copy()
    shared = split_rows(features, n_rows, 4, np.random.default_rng(0), crossing=crossing)
    assert shared.n_fitted == n_rows
    np.testing.assert_array_equal(shared.order, np.arange(n_rows))
    np.testing.assert_array_equal(features, before)
    leaves_out = crossing and n_rows >= 20
    assert (shared.folds is not None) == leaves_out
    n_parts = 10 if n_rows >= 1250 else 4
    assert shared.n_each == (n_rows - -(-n_rows // n_parts) if leaves_out else n_rows)
    seen = shared.seen_by(2, features[:n_rows])
    assert len(seen) == (len(shared.folds.fitted[2]) if leaves_out else n_rows)


@pytest.mark.parametrize(("n_rows", "crossing"), [(FROM_ROWS, True), (FROM_ROWS_UNCROSSED, False)])
def test_of_a_large_table_all_networks_are_fitted_to_the_same(n_rows, crossing):
    features = table(n_rows)
    shared = split_rows(features, n_rows, 4, np.random.default_rng(0), crossing=crossing)
    assert shared.folds is None
    assert shared.n_each == shared.n_fitted == n_rows - n_rows // 10
    np.testing.assert_array_equal(features[:n_rows, 0], shared.order)


@pytest.mark.parametrize("n_rows", [5000, 5001, 12_345])
def test_a_tenth_of_others_lies_behind_and_nothing_is_lost(n_rows):
    features = table(n_rows)
    n_fitted, order = hold_out(features, n_rows, np.random.default_rng(0))
    assert n_rows - n_fitted == n_rows // 10
    np.testing.assert_array_equal(features[:n_rows, 0], order)
    np.testing.assert_array_equal(np.sort(order), np.arange(n_rows))
    assert (features[n_rows:] == 0.0).all()
    held = order[n_fitted:]
    # Drawn from the whole table: about half of it from each half.
    assert 0.4 < (held < n_rows / 2).mean() < 0.6


def test_the_seed_decides():
    orders = [hold_out(table(6000), 6000, np.random.default_rng(s))[1] for s in (1, 1, 2)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any()


def test_no_more_than_enough_are_held_out():
    n_rows = 20 * MOST_ROWS
    n_fitted, _ = hold_out(table(n_rows), n_rows, np.random.default_rng(0))
    assert n_rows - n_fitted == MOST_ROWS


def in_time(n_rows):
    """Rows that were measured in the opposite order."""
    return TimeOrder(np.zeros(n_rows, np.int64), -np.arange(float(n_rows)))


def test_rows_in_time_are_held_out_in_stretches():
    features = table(10_000)
    rng, time_order = np.random.default_rng(0), in_time(10_000)
    shared = split_rows(features, 10_000, 4, rng, crossing=True, time_order=time_order)
    assert (shared.n_fitted, shared.in_time) == (9000, True)
    np.testing.assert_array_equal(features[:10_000, 0], shared.order)
    held = np.concatenate([np.arange(start, start + 100) for start in range(0, 10_000, 1000)])
    np.testing.assert_array_equal(np.sort(shared.order[9000:]), held)


def test_networks_leave_out_stretches_of_rows_in_time():
    rng = np.random.default_rng(0)
    shared = split_rows(table(400), 400, 2, rng, crossing=True, time_order=in_time(400))
    assert shared.in_time
    np.testing.assert_array_equal(shared.folds.held_out[0], np.arange(100))
    few = FEWEST_ROWS - 1
    whole = split_rows(table(few), few, 2, rng, crossing=True, time_order=in_time(few))
    assert (whole.folds, whole.in_time) == (None, False)


def test_rows_that_follow_no_others_are_left_out_at_random():
    each_its_own = TimeOrder(np.arange(400), np.arange(400.0))
    rng = np.random.default_rng(0)
    shared = split_rows(table(400), 400, 4, rng, crossing=True, time_order=each_its_own)
    assert not shared.in_time
    by_chance = split_rows(table(400), 400, 4, np.random.default_rng(0), crossing=True)
    np.testing.assert_array_equal(shared.folds.held_out, by_chance.folds.held_out)
