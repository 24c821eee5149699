"""Holes filled by a graph, beside the conditional mean of a normal distribution."""

import numpy as np
import pytest

from dagmm.inference.export.conditional_mean import filled
from dagmm.preprocessing.columns.missing import Imputer
from recorded_formulas import evaluated


def conditional_mean(row, mean, correlation, spread):
    """The textbook's, of one row; what is far away is trusted no further than six deviations."""
    gone = np.isnan(row)
    known = np.clip((row[~gone] - mean[~gone]) / spread[~gone], -6.0, 6.0)
    between, among = correlation[np.ix_(gone, ~gone)], correlation[np.ix_(~gone, ~gone)]
    filled = row.copy()
    filled[gone] = mean[gone] + spread[gone] * (between @ np.linalg.solve(among, known))
    return filled


def correlation_of(n, seed, floor):
    """Correlations of columns that nearly say the same."""
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(n, n)))[0]
    matrix = (vectors * np.geomspace(n, floor, n)) @ vectors.T
    root = np.sqrt(matrix.diagonal())
    return matrix / root[:, None] / root


@pytest.mark.parametrize(("n", "floor"), [(1, 1.0), (5, 1e-1), (30, 1e-3), (120, 1e-3)])
def test_holes_get_their_conditional_mean(n, floor):
    rng = np.random.default_rng(n)
    correlation, mean, spread = (
        correlation_of(n, n, floor),
        rng.normal(size=n),
        rng.random(n) + 0.1,
    )
    fill = filled(Imputer(mean, spread, correlation))
    rows = rng.normal(size=(60, n)) * np.where(rng.random((60, n)) < 0.1, 1e5, 1.0)
    rows[rng.random(rows.shape) < rng.random((60, 1))] = np.nan
    rows[0], rows[1] = np.nan, 1.0
    expected = [conditional_mean(row, mean, correlation, spread) for row in rows]
    for found in evaluated(lambda x: fill(x, np.isnan(x)), rows):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_rows_without_holes_stay_as_they_are():
    rows = np.random.default_rng(0).normal(size=(5, 3))
    fill = filled(Imputer(np.zeros(3), np.ones(3), np.eye(3)))
    for found in evaluated(lambda x: fill(x, np.isnan(x)), rows):
        np.testing.assert_array_equal(found, rows)


def test_without_correlations_holes_get_the_mean():
    rows = np.array([[1.0, np.nan], [np.nan, 2.0]])
    imputer = Imputer(np.array([3.0, 4.0]), np.ones(2), np.zeros((0, 0)))
    fill = filled(imputer)
    for found in evaluated(lambda x: fill(x, np.isnan(x)), rows):
        np.testing.assert_array_equal(found, [[1.0, 4.0], [3.0, 2.0]])
