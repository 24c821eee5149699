import numpy as np
import pytest

from dagmm.preprocessing.row_views import RowSubset
from dagmm.training.splits.folds import (
    FEWEST_ROWS,
    MANY_ROWS,
    Folds,
    folds_of_rows,
    whole,
)


@pytest.mark.parametrize("n_rows", [FEWEST_ROWS, 21, MANY_ROWS - 1])
def test_four_networks_leave_out_each_row_once(n_rows):
    folds = folds_of_rows(n_rows, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(np.concatenate(folds.held_out)), np.arange(n_rows))
    for fitted, held_out in zip(folds.fitted, folds.held_out, strict=True):
        np.testing.assert_array_equal(np.union1d(fitted, held_out), np.arange(n_rows))
        assert len(fitted) + len(held_out) == n_rows
        assert n_rows // 4 <= len(held_out) <= n_rows // 4 + 1
    assert folds.n_fitted == n_rows - -(-n_rows // 4)
    assert folds.groups() == [[0], [1], [2], [3]]


def test_of_many_rows_each_network_leaves_out_a_tenth():
    folds = folds_of_rows(MANY_ROWS, 4, np.random.default_rng(0))
    assert folds.groups() == [[0], [1], [2], [3]]
    held_out = np.concatenate(folds.held_out)
    assert len(held_out) == len(np.unique(held_out)) == 500
    assert folds.n_fitted == 1125
    whole_table = folds_of_rows(MANY_ROWS, 10, np.random.default_rng(0))
    np.testing.assert_array_equal(
        np.sort(np.concatenate(whole_table.held_out)), np.arange(MANY_ROWS)
    )


def test_more_networks_leave_out_the_same_in_turn():
    folds = folds_of_rows(100, 6, np.random.default_rng(0))
    assert folds.groups() == [[0, 4], [1, 5], [2], [3]]
    np.testing.assert_array_equal(folds.fitted[1], folds.fitted[5])


def test_rows_are_left_out_at_random_by_the_seed():
    first, same, other = (
        folds_of_rows(1000, 1, np.random.default_rng(seed)).held_out[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    # About half of them from each half.
    assert 0.3 < (first < 500).mean() < 0.7


def test_of_a_few_rows_none_are_left_out():
    assert folds_of_rows(FEWEST_ROWS - 1, 4, np.random.default_rng(0)) is None


def test_what_leaves_nothing_out_has_no_groups():
    folds = whole(7, 3)
    assert folds.groups() == []
    assert folds.n_fitted == 7
    assert isinstance(folds, Folds)


def test_some_rows_are_gathered_as_they_are_asked_for():
    features = np.arange(30, dtype=np.float32).reshape(10, 3)
    some = RowSubset(features, np.array([7, 2, 5, 9]))
    assert (len(some), some.shape) == (4, (4, 3))
    np.testing.assert_array_equal(some[1:3], features[[2, 5]])
    np.testing.assert_array_equal(some[::2], features[[7, 5]])
    np.testing.assert_array_equal(some[:], features[[7, 2, 5, 9]])
