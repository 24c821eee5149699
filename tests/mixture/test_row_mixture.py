"""The mixture of the rows: its energy is scipy's, its parameters are scikit-learn's."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import EmpiricalCovariance
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from dagmm.mixture import row_mixture
from dagmm.mixture.density import Sample
from dagmm.mixture.row_mixture import InputMixture

quick = settings(deadline=None, derandomize=True, max_examples=50)
CANDIDATES = (1, 2, 4, 8, 16)


def fitted(rows, candidates=CANDIDATES, relative_floor=1e-4, least_phi=0.0):
    options = {
        "candidates": candidates,
        "relative_floor": relative_floor,
        "least_phi": least_phi,
    }
    return InputMixture.fit(Sample(rows.T, rows.shape[1]), np.random.default_rng(0), **options)


def table(n_rows=500, seed=0):
    """Three columns that hang together, on different scales, and a constant one."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_rows, 1))
    rows = (shared + 0.3 * rng.normal(size=(n_rows, 3))) * [1.0, 50.0, 0.01] + [0.0, 7.0, 3.0]
    return np.concatenate([rows, np.full((n_rows, 1), 0.1)], axis=1).astype(np.float32)


def clusters(n_rows=600, seed=0):
    """Two groups of rows, in each of which the second column follows the first in its own way."""
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=n_rows)
    first = rng.normal(size=n_rows) + 8.0 * group
    second = np.where(group == 1, first, -first) + 0.1 * rng.normal(size=n_rows)
    return np.stack([first, second], axis=1).astype(np.float32)


def test_the_energy_is_that_of_scipys_normal_densities():
    one, rows = fitted(clusters(), (2,)).mixture, clusters(40, seed=1)
    densities = [
        phi * scipy.stats.multivariate_normal(mu, cov).pdf(rows.astype(np.float64))
        for phi, mu, cov in zip(one.phi, one.mu, one.cov, strict=True)
    ]
    energy = fitted(clusters(), (2,)).energy(rows.T)
    np.testing.assert_allclose(energy, -np.log(np.sum(densities, axis=0)), rtol=1e-8)


def test_em_finds_what_scikit_learn_finds():
    rows = clusters(3000)
    oracle = GaussianMixture(2, random_state=0, tol=1e-6).fit(rows.astype(np.float64))
    mixture = fitted(rows, relative_floor=1e-9).mixture
    assert len(mixture.phi) == 2
    ours, theirs = np.argsort(mixture.mu[:, 0]), np.argsort(oracle.means_[:, 0])
    np.testing.assert_allclose(mixture.phi[ours], oracle.weights_[theirs], atol=1e-3)
    np.testing.assert_allclose(mixture.mu[ours], oracle.means_[theirs], atol=1e-2)
    np.testing.assert_allclose(mixture.cov[ours], oracle.covariances_[theirs], atol=1e-2)


def test_of_one_component_the_covariance_is_scikit_learns_and_the_floor():
    rows = table()
    one = fitted(rows, (1,), relative_floor=0.25).mixture
    oracle = EmpiricalCovariance().fit(rows.astype(np.float64))
    expected = oracle.covariance_ + 0.25 * np.diag(oracle.covariance_.diagonal())
    # A constant column has the variance 1 of what is scaled.
    expected[3, 3] = 0.25
    # Rounding to steps as small as those between 500 values takes next to nothing.
    np.testing.assert_allclose(one.cov[0], expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(one.mu[0], oracle.location_, rtol=1e-6)


@pytest.mark.parametrize("step", [1.0, 0.25])
def test_nothing_is_made_of_what_lies_within_a_step(step):
    # What was rounded varies by a twelfth of the step's square less than what it was.
    whole = np.random.default_rng(0).integers(0, 10, size=(900, 2))
    rows = (step * whole).astype(np.float32)
    rows[:3, 0] = 4.3 * step  # a value that lies between, as one that fills holes does
    one = fitted(rows, (1,), relative_floor=0.0).mixture
    added = one.cov[0] - np.cov(rows.T.astype(np.float64), bias=True)
    np.testing.assert_allclose(added, np.diag([step**2 / 12.0] * 2), rtol=1e-4, atol=1e-6)


def test_a_digit_that_no_row_of_a_component_has_is_strange_and_no_more():
    rng = np.random.default_rng(0)
    group = rng.integers(2, size=2000)
    digits = np.where(group == 1, rng.integers(0, 4, size=2000), 0)
    rows = np.stack([20.0 * group + rng.normal(size=2000), digits], axis=1).astype(np.float32)
    one = fitted(rows, (2,))
    usual, moved = one.energy((np.array([[0.0, 0.0], [0.0, 1.0]], np.float32)).T)
    # Four standard deviations of rounding, not a hundred of the floor.
    assert 3.0 < moved - usual < 12.0


def test_a_broken_relation_between_columns_is_strange():
    # Six columns that are nearly one and the same: what is left of each hardly varies.
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(900, 1)) + 0.02 * rng.normal(size=(900, 6))
    rows[850:, 2] += 0.2  # a fifth of what each column deviates
    rows = rows.astype(np.float32)
    assert roc_auc_score(np.arange(400) >= 350, fitted(rows[:500]).energy(rows[500:].T)) > 0.99


def test_fewer_rows_than_columns_are_enough():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(90, 3)) @ rng.normal(size=(3, 200))
    rows = (shared + 0.5 * rng.normal(size=(90, 200))).astype(np.float32)
    strange = np.arange(60) >= 40
    others = rows[30:].copy()
    # Each value is usual, but not beside the others.
    others[strange] = rng.permuted(others[strange], axis=1)
    assert roc_auc_score(strange, fitted(rows[:30], (1,), 0.25).energy(others.T)) > 0.95


@pytest.mark.parametrize(("n_rows", "expected"), [(23, 1), (24, 2), (40, 3), (400, 8)])
def test_rows_are_never_too_few_for_the_components(n_rows, expected):
    # Each takes four rows for two columns and one more.
    assert len(fitted(clusters(n_rows), (8,)).mixture.phi) == expected
    assert len(fitted(clusters(n_rows)).mixture.phi) <= expected


@pytest.mark.parametrize(("n_rows", "most"), [(199, 1), (399, 2), (800, 8)])
def test_each_of_the_components_that_are_chosen_has_a_hundred_rows(n_rows, most):
    # Eight groups far from each other: without the rows they would all be found.
    rng = np.random.default_rng(0)
    rows = 100.0 * rng.permuted(np.arange(n_rows) % 8)[:, None] + rng.normal(size=(n_rows, 2))
    assert len(fitted(rows.astype(np.float32), (1, 2, 4, 8)).mixture.phi) == most


def test_components_under_their_least_weight_die():
    rows = np.concatenate([clusters(1000), clusters(30, seed=1) + np.float32(50.0)])
    kept, alive = fitted(rows, (4,)), fitted(rows, (4,), least_phi=0.1)
    assert len(alive.mixture.phi) < len(kept.mixture.phi)
    assert alive.energy(rows[-30:].T).min() > kept.energy((rows[-30:]).T).max()


def test_the_number_of_components_is_found_from_a_sample(monkeypatch):
    monkeypatch.setattr(row_mixture, "MAX_ROWS", 300)
    one = fitted(clusters(6000), (1, 2)).mixture
    assert len(one.phi) == 2
    # And what is kept is of all rows.
    centre = one.phi @ one.mu
    np.testing.assert_allclose(centre, clusters(6000).mean(axis=0, dtype=np.float64), rtol=1e-6)


def test_a_constant_column_speaks_up_when_it_moves():
    mixture = fitted(table())
    rows = np.repeat(table(1), 3, axis=0)
    rows[1:, 3] += [0.5, 50.0]
    energy = mixture.energy(rows.T)
    assert energy[0] < energy[1] < energy[2] < 1e8


def test_the_rows_beside_a_row_change_nothing():
    rows, mixture = clusters(3000, seed=1), fitted(clusters())
    alone = np.concatenate([mixture.energy(rows[i : i + 1].T) for i in range(0, 3000, 100)])
    np.testing.assert_allclose(alone, mixture.energy(rows.T)[::100], rtol=1e-10)


def test_the_order_of_columns_changes_nothing():
    rows, order = table(300, seed=1), [2, 0, 3, 1]
    got = fitted(table()[:, order], (1,)).energy(rows[:, order].T)
    np.testing.assert_allclose(got, fitted(table(), (1,)).energy(rows.T), rtol=1e-6)


@quick
@given(
    st.integers(1, 60),
    st.integers(1, 5),
    st.sampled_from([0.0, 1e-30, 1.0, 1e6]),
    st.booleans(),
    st.integers(0, 99),
)
def test_no_table_is_a_hazard(n_rows, n_features, scale, repeats, seed):
    rng = np.random.default_rng(seed)
    rows = (scale * rng.normal(size=(n_rows, n_features))).astype(np.float32)
    if repeats:
        rows = rows[rng.integers(n_rows, size=n_rows)].round(1)
    mixture = fitted(rows, least_phi=0.02)
    energy = mixture.energy((np.concatenate([rows, rows + 1.0, rows - 1e6])).T)
    assert np.isfinite(energy).all()
    assert mixture.mixture.phi.sum() == pytest.approx(1.0)


def test_fitted_again_it_keeps_the_number_of_components():
    one = fitted(clusters())
    assert one.n_components == 2
    few = Sample(clusters(40, seed=1).T, 2)
    again = one.refit(few, np.random.default_rng(0), relative_floor=1e-4, least_phi=0.0)
    assert again.n_components == 2


def test_no_axis_varies_less_than_it_is_said_to():
    rows = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    rows[:, 1] = 1e-3 * rows[:, 1]
    sample = Sample(rows.T, 2)
    options = {"candidates": (1,), "relative_floor": 1e-4, "least_phi": 0.0}
    mixture = InputMixture.fit(sample, np.random.default_rng(0), **options, least_floor=0.01)
    covariance = np.cov(rows.T.astype(np.float64), bias=True)
    expected = covariance + np.diag(1e-4 * np.diag(covariance) + 0.01)
    chol = mixture.mixture.chol[0]
    np.testing.assert_allclose(chol @ chol.T, expected, rtol=1e-3, atol=1e-6)
