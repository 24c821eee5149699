"""Holes among numbers: the conditional mean of a Gaussian, row by row."""

import numpy as np
import pytest

from dagmm.data.arrays import MatrixRows
from dagmm.preprocessing.columns.imputation import Imputer
from dagmm.preprocessing.table_encoder import TableEncoder


def correlated(n_rows=4000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(
        size=(n_rows, 5)
    )


@pytest.mark.parametrize("gone", [[1], [0, 4], [0, 1, 3], [0, 1, 2, 3]])
def test_holes_get_the_conditional_mean(gone):
    correlation = np.corrcoef(correlated().T)
    imputation = Imputer(np.zeros(5), np.ones(5), correlation)
    z = np.random.default_rng(1).normal(size=(3, 5))
    holes = np.zeros((3, 5), bool)
    holes[:, gone] = True
    here = [i for i in range(5) if i not in gone]
    weights = np.linalg.solve(correlation[np.ix_(here, here)], correlation[np.ix_(here, gone)])
    filled = imputation.fill(np.where(holes, np.nan, z), holes)
    np.testing.assert_allclose(filled[:, gone], z[:, here] @ weights, 1e-9)
    np.testing.assert_array_equal(filled[:, here], z[:, here])


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_a_hole_is_filled_close_to_what_was_there(scaling):
    x = correlated() * [1.0, 10.0, 0.1, 1.0, 1.0] + [5.0, 0.0, -3.0, 0.0, 100.0]
    encoder = TableEncoder.learn(MatrixRows(x), scaling)
    y = x[:500].copy()
    y[:, 1] = np.nan
    truth, filled = (encoder.encode(MatrixRows(t).chunk(0, 500))[:, 1] for t in (x[:500], y))
    assert np.corrcoef(truth, filled)[0, 1] > 0.9
    assert np.std(truth - filled) < 0.5 * np.std(truth)


def test_holes_of_a_table_too_wide_get_the_mean():
    x = np.random.default_rng(0).normal(size=(20, 600)) + 3.0
    encoder = TableEncoder.learn(MatrixRows(x), "none")
    y = x[:2].copy()
    y[0, 7] = np.nan
    encoded = encoder.encode(MatrixRows(y).chunk(0, 2))
    np.testing.assert_allclose(encoded[0, 7], x[:, 7].mean(), 1e-5)


def test_columns_that_say_the_same_can_be_filled_from_each_other():
    x = np.repeat(np.random.default_rng(0).normal(size=(500, 1)), 4, axis=1)
    encoder = TableEncoder.learn(MatrixRows(x))
    y = x[:20].copy()
    y[:, :3] = np.nan
    encoded = encoder.encode(MatrixRows(y).chunk(0, 20))
    np.testing.assert_allclose(encoded[:, :3], np.repeat(encoded[:, 3:], 3, axis=1), 0.02, 1e-3)


def test_a_constant_column_is_filled_with_its_value():
    x = np.column_stack([np.full(50, 7.0), np.random.default_rng(0).normal(size=50)])
    encoder = TableEncoder.learn(MatrixRows(x))
    assert encoder.encode(MatrixRows(np.array([[np.nan, 0.0]])).chunk(0, 1))[0, 0] == 0.0
