import numpy as np
import pytest

from dagmm.training.splits.row_order import columns_in_order


def series(n, phi, d, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    for i in range(1, n):
        x[i] = phi * x[i - 1] + np.sqrt(1 - phi**2) * x[i]
    return x.astype(np.float32)


def test_rows_of_a_series_follow_each_other_until_they_are_shuffled():
    x = series(500, 0.6, 10, 0)
    assert columns_in_order(x).all()
    assert not columns_in_order(np.random.default_rng(0).permutation(x)).any()


@pytest.mark.parametrize("n", [200, 1000])
def test_independent_rows_do_not(n):
    found = [columns_in_order(series(n, 0.0, 8, seed)).any() for seed in range(200)]
    assert sum(found) <= 2


def test_columns_that_drift_do():
    x = series(400, 0.0, 4, 0)
    x[:, 2] += np.linspace(0.0, 4.0, 400, dtype=np.float32)
    np.testing.assert_array_equal(columns_in_order(x), [False, False, True, False])


def test_one_column_of_many_makes_no_series():
    x = series(400, 0.0, 20, 0)
    x[:, 0] = np.arange(400)
    assert not columns_in_order(x).any()


def test_a_few_odd_rows_beside_each_other_make_no_series():
    x = series(400, 0.0, 4, 0)
    x[:, 1] = 0.0
    x[100:115, 1] = 1.0  # a hole of fifteen rows
    x[50:52, 2] = 100.0
    assert not columns_in_order(x).any()


def test_too_few_rows_and_columns_that_do_not_vary_say_nothing():
    assert not columns_in_order(series(199, 0.9, 3, 0)).any()
    assert not columns_in_order(np.zeros((400, 3), np.float32)).any()
