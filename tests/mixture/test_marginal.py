"""Mixtures of columns: their energy is scipy's, and what they are fitted to is what they say."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from dagmm.mixture import marginal
from dagmm.mixture.density import Sample
from dagmm.mixture.marginal import VARIANCE_FLOOR, MarginalMixtures

quick = settings(deadline=None, derandomize=True, max_examples=50)


def table(n_rows=500, seed=0):
    """A normal column, one of two levels, one that is nearly always 0, and a constant one."""
    rng = np.random.default_rng(seed)
    columns = (
        rng.normal(3.0, 2.0, n_rows),
        np.where(rng.random(n_rows) < 0.3, 5.0, -5.0) + rng.normal(size=n_rows),
        (rng.random(n_rows) < 0.01).astype(float),
        np.full(n_rows, 0.1),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def fitted(features, n_components=4, seed=0):
    sample = Sample(features.T, features.shape[1])
    return MarginalMixtures.fit(sample, np.random.default_rng(seed), n_components=n_components)


def test_the_energy_is_that_of_scipys_normal_densities():
    mixtures, rows = fitted(table()), table(40, seed=1)
    density = np.sum(
        [
            phi * scipy.stats.norm(mu, deviation).pdf(rows.astype(np.float64))
            for phi, mu, deviation in zip(
                mixtures.phi, mixtures.mu, mixtures.deviation, strict=True
            )
        ],
        axis=0,
    )
    np.testing.assert_allclose(mixtures.energy(rows.T), -np.log(density).sum(axis=1), rtol=1e-4)


def test_em_finds_what_scikit_learn_finds():
    column = table(2000)[:, 1:2]
    mixtures = fitted(column, 2)
    oracle = GaussianMixture(2, random_state=0, tol=1e-8, max_iter=500).fit(column)
    order = np.argsort(oracle.means_[:, 0])
    np.testing.assert_allclose(np.sort(mixtures.mu[:, 0]), oracle.means_[order, 0], atol=0.01)
    by_mean = np.argsort(mixtures.mu[:, 0])
    np.testing.assert_allclose(mixtures.phi[by_mean, 0], oracle.weights_[order], atol=1e-3)
    # The floor is a share of the variance of the column.
    variance = oracle.covariances_[order, 0, 0] + VARIANCE_FLOOR * column.var()
    np.testing.assert_allclose(mixtures.deviation[by_mean, 0] ** 2, variance, rtol=0.01)


def test_scale_and_origin_of_a_column_change_nothing_but_the_unit():
    one, rows = table(), table(50, seed=1)
    scaled = one * np.float32(8.0) + np.float32(16.0)
    got = fitted(scaled[:, :2]).energy((rows[:, :2] * np.float32(8.0) + np.float32(16.0)).T)
    expected = fitted(one[:, :2]).energy(rows[:, :2].T) + 2.0 * np.log(8.0)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_a_rare_value_is_as_strange_as_it_is_rare():
    # All quantiles of the rows are 0: one Gaussian would put 1 a hundred nats away.
    rows = table(4000)[:, 2:3]
    energy = fitted(rows).energy((np.array([[0.0], [1.0], [0.5]], np.float32)).T)
    assert energy[1] - energy[0] == pytest.approx(-np.log((rows == 1.0).mean()), abs=0.5)
    assert energy[2] > energy[1] + 5.0


def test_a_constant_column_speaks_up_when_it_moves():
    mixtures = fitted(table())
    rows = np.repeat(table(1), 3, axis=0)
    rows[1:, 3] += [0.5, 50.0]
    energy = mixtures.energy(rows.T)
    assert np.isfinite(energy).all()
    assert energy[0] < energy[1] < energy[2]


def test_a_cluster_of_strange_training_rows_is_given_away():
    # A twentieth of the training rows lie far away together in all columns.
    rng = np.random.default_rng(0)
    strange = np.arange(1000) < 50
    rows = (rng.normal(size=(1000, 6)) + 8.0 * strange[:, None]).astype(np.float32)
    assert roc_auc_score(strange, fitted(rows).energy(rows.T)) > 0.95


def test_the_rows_beside_a_row_change_nothing(monkeypatch):
    rows, mixtures = table(300, seed=1), fitted(table())
    energy = mixtures.energy(rows.T)
    alone = np.concatenate([mixtures.energy(rows[i : i + 1].T) for i in range(300)])
    np.testing.assert_array_equal(alone, energy)
    monkeypatch.setattr(marginal, "_CACHED_INPUTS", 7)
    np.testing.assert_array_equal(mixtures.energy(rows.T), energy)


def test_the_order_of_columns_changes_nothing():
    rows = table(300, seed=1)
    order = [2, 0, 3, 1]
    got = fitted(table()[:, order]).energy(rows[:, order].T)
    np.testing.assert_allclose(got, fitted(table()).energy(rows.T), rtol=1e-6)


def test_wide_tables_are_fitted_some_columns_at_a_time(monkeypatch):
    whole = fitted(table())
    monkeypatch.setattr(marginal, "_FEATURES_AT_ONCE", 3)
    parts = fitted(table())
    np.testing.assert_allclose(parts.mu, whole.mu, rtol=1e-12)


def test_long_tables_are_fitted_to_some_rows():
    rows = table(10_000)
    mixtures = fitted(rows)
    np.testing.assert_array_equal(mixtures.mu, fitted(rows).mu)
    assert (mixtures.mu != fitted(rows, seed=1).mu).any()
    assert mixtures.mu[:, 0].min() > 3.0 - 4.0 * 2.0


@quick
@given(
    st.integers(1, 9),
    st.integers(1, 3),
    st.sampled_from([0.0, 1e-30, 1.0, 1e6]),
    st.integers(0, 99),
)
def test_no_table_is_a_hazard(n_rows, n_features, scale, seed):
    rng = np.random.default_rng(seed)
    rows = (scale * rng.normal(size=(n_rows, n_features))).astype(np.float32)
    mixtures = fitted(rows)
    assert (mixtures.deviation > 0.0).all()
    np.testing.assert_allclose(mixtures.phi.sum(axis=0), 1.0)
    energy = mixtures.energy((np.concatenate([rows, rows + 1.0, rows - 1e6])).T)
    assert np.isfinite(energy).all()
