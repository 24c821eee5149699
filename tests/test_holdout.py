import numpy as np
import pytest

from dagmm.holdout import FROM_ROWS, MOST_ROWS, hold_out


def table(n_rows, padding=50):
    features = np.zeros((n_rows + padding, 2), np.float32)
    features[:n_rows, 0] = np.arange(n_rows)
    return features


def test_a_small_table_is_fitted_to_whole():
    features = table(FROM_ROWS - 1)
    before = features.copy()
    n_fitted, order = hold_out(features, FROM_ROWS - 1, np.random.default_rng(0))
    assert n_fitted == FROM_ROWS - 1
    np.testing.assert_array_equal(order, np.arange(FROM_ROWS - 1))
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize("n_rows", [FROM_ROWS, FROM_ROWS + 1, 12_345])
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
