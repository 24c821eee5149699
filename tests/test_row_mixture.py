"""The Gaussian of the rows: its energy is scipy's, its covariance what it says."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import EmpiricalCovariance
from sklearn.metrics import roc_auc_score

from dagmm import row_gaussian
from dagmm.row_gaussian import RELATIVE_FLOOR, RowGaussian, gaussian_energy

quick = settings(deadline=None, derandomize=True, max_examples=50)


def table(n_rows=500, seed=0):
    """Three columns that hang together, on different scales, and a constant one."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_rows, 1))
    rows = (shared + 0.3 * rng.normal(size=(n_rows, 3))) * [1.0, 50.0, 0.01] + [0.0, 7.0, 3.0]
    return np.concatenate([rows, np.full((n_rows, 1), 0.1)], axis=1).astype(np.float32)


def test_the_energy_is_that_of_scipys_normal_density():
    gaussian, rows = RowGaussian.fit(table()), table(40, seed=1)
    oracle = scipy.stats.multivariate_normal(gaussian.mu, gaussian.chol @ gaussian.chol.T)
    expected = -oracle.logpdf(rows.astype(np.float64))
    np.testing.assert_allclose(gaussian.energy(rows), expected, rtol=1e-9)


def test_jax_arrays_have_the_same_energy():
    gaussian, rows = RowGaussian.fit(table()), table(40, seed=1)
    terms = (jnp.asarray(part) for part in gaussian.terms)
    got = np.asarray(gaussian_energy(jnp.asarray(rows.T), *terms))
    np.testing.assert_allclose(got, gaussian.energy(rows), rtol=1e-3)


def test_the_covariance_is_scikit_learns_and_the_floor():
    rows = table()
    gaussian, oracle = RowGaussian.fit(rows), EmpiricalCovariance().fit(rows.astype(np.float64))
    expected = oracle.covariance_ + RELATIVE_FLOOR * np.diag(oracle.covariance_.diagonal())
    # A constant column has the variance 1 of what is scaled.
    expected[3, 3] = RELATIVE_FLOOR
    np.testing.assert_allclose(gaussian.chol @ gaussian.chol.T, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(gaussian.mu, oracle.location_, rtol=1e-6)


def test_rows_are_taken_some_at_a_time(monkeypatch):
    whole = RowGaussian.fit(table())
    monkeypatch.setattr(row_gaussian, "_ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(RowGaussian.fit(table()).chol, whole.chol, rtol=1e-9, atol=1e-12)


def test_fewer_rows_than_columns_are_enough():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(90, 3)) @ rng.normal(size=(3, 200))
    rows = (shared + 0.5 * rng.normal(size=(90, 200))).astype(np.float32)
    strange = np.arange(60) >= 40
    others = rows[30:].copy()
    # Each value is usual, but not beside the others.
    others[strange] = rng.permuted(others[strange], axis=1)
    assert roc_auc_score(strange, RowGaussian.fit(rows[:30]).energy(others)) > 0.95


def test_a_constant_column_speaks_up_when_it_moves():
    gaussian = RowGaussian.fit(table())
    rows = np.repeat(table(1), 3, axis=0)
    rows[1:, 3] += [0.5, 50.0]
    energy = gaussian.energy(rows)
    assert energy[0] < energy[1] < energy[2] < 1e5


def test_the_scale_is_that_of_the_training_energies():
    gaussian = RowGaussian.fit(table())
    low, median, high = np.percentile(gaussian.energy(table()), (25, 50, 75))
    assert (gaussian.location, gaussian.spread) == (median, high - low)


def test_the_rows_beside_a_row_change_nothing():
    rows, gaussian = table(3000, seed=1), RowGaussian.fit(table())
    alone = np.concatenate([gaussian.energy(rows[i : i + 1]) for i in range(0, 3000, 100)])
    np.testing.assert_allclose(alone, gaussian.energy(rows)[::100], rtol=1e-10)


def test_the_order_of_columns_changes_nothing():
    rows, order = table(300, seed=1), [2, 0, 3, 1]
    got = RowGaussian.fit(table()[:, order]).energy(rows[:, order])
    np.testing.assert_allclose(got, RowGaussian.fit(table()).energy(rows), rtol=1e-6)


@quick
@given(
    st.integers(1, 9),
    st.integers(1, 5),
    st.sampled_from([0.0, 1e-30, 1.0, 1e6]),
    st.integers(0, 99),
)
def test_no_table_is_a_hazard(n_rows, n_features, scale, seed):
    rng = np.random.default_rng(seed)
    rows = (scale * rng.normal(size=(n_rows, n_features))).astype(np.float32)
    gaussian = RowGaussian.fit(rows)
    energy = gaussian.energy(np.concatenate([rows, rows + 1.0, rows - 1e6]))
    assert np.isfinite(energy).all()
    assert gaussian.spread > 0.0
    assert gaussian.share == pytest.approx(0.5)
