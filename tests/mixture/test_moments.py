"""The sufficient statistic of a mixture, its floor and the covariance penalty."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import mixture as sklearn_mixture

import oracle
from dagmm.mixture.density import Sample
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.mixture.moments import (
    ABSOLUTE_FLOOR,
    RELATIVE_FLOOR,
    Moments,
    covariance_penalty,
    floor_of,
)
from dagmm.mixture.row_mixture import RowMixture
from mixture_rows import moments_of, random_rows

quick = settings(deadline=None, derandomize=True, max_examples=20)


def assert_moments_equal(actual, expected, rtol=1e-10, atol=1e-10):
    for name in Moments._fields:
        np.testing.assert_allclose(
            getattr(actual, name), getattr(expected, name), rtol=rtol, atol=atol, err_msg=name
        )


def test_moments_are_equation_5():
    z, gamma = random_rows(0)
    moments = moments_of(z, gamma)
    phi, mu, cov = oracle.moments(z, gamma)
    np.testing.assert_allclose(moments.phi, phi, rtol=1e-12)
    np.testing.assert_allclose(moments.mu, mu, rtol=1e-10)
    np.testing.assert_allclose(moments.cov, cov, rtol=1e-10)


def test_moments_of_jax_arrays_agree_with_those_of_numpy_arrays():
    z, gamma = random_rows(1)
    single = [jnp.asarray(array.T.astype(np.float32)) for array in (z, gamma)]
    assert_moments_equal(Moments.of(*single), moments_of(z, gamma), rtol=1e-4, atol=1e-4)


def test_moments_of_one_component_are_numpy_mean_and_covariance():
    z, _ = random_rows(2)
    moments = moments_of(z, np.ones((len(z), 1)))
    np.testing.assert_allclose(moments.mu[0], z.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(moments.cov[0], np.cov(z.T, bias=True), rtol=1e-10)
    np.testing.assert_allclose(moments.variance, z.var(axis=0), rtol=1e-10)


def test_moments_are_weighted_covariances_as_numpy_has_them():
    z, gamma = random_rows(3)
    cov = moments_of(z, gamma).cov
    for k, weights in enumerate(gamma.T):
        np.testing.assert_allclose(cov[k], np.cov(z.T, aweights=weights, ddof=0), rtol=1e-9)


def test_moments_are_the_maximisation_step_of_scikit_learn():
    z, gamma = random_rows(4)
    peer = sklearn_mixture.GaussianMixture(gamma.shape[1], reg_covar=0.0)
    peer._m_step(z, np.log(gamma))
    moments = moments_of(z, gamma)
    np.testing.assert_allclose(moments.phi, peer.weights_, rtol=1e-9)
    np.testing.assert_allclose(moments.mu, peer.means_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(moments.cov, peer.covariances_, rtol=1e-9, atol=1e-12)


def test_variance_counts_spread_within_and_between_components():
    z, gamma = random_rows(5)
    np.testing.assert_allclose(moments_of(z, gamma).variance, z.var(axis=0), rtol=1e-10)


@quick
@given(
    cuts=st.sets(st.integers(1, 59), max_size=6),
    order=st.permutations(range(60)),
    tree=st.randoms(use_true_random=False),
    offset=st.sampled_from([0.0, 1e4]),
)
def test_merged_moments_are_those_of_the_whole_whatever_the_split(cuts, order, tree, offset):
    z, gamma = random_rows(6, offset=offset)
    parts = [moments_of(z[rows], gamma[rows]) for rows in np.split(order, sorted(cuts))]
    while len(parts) > 1:
        one, two = (parts.pop(tree.randrange(len(parts))) for _ in range(2))
        parts.append(one.merge(two))
    assert_moments_equal(parts[0], moments_of(z, gamma), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_parts", [1, 7, 40])
def test_moments_in_float32_survive_a_mean_far_from_zero(n_parts):
    z, gamma = random_rows(7, n_rows=400, offset=1e4)
    single = z.astype(np.float32)
    exact = moments_of(single.astype(np.float64), gamma)
    merged = None
    for rows in np.array_split(np.arange(400), n_parts):
        part = Moments.of(jnp.asarray(single[rows].T), jnp.asarray(gamma[rows].T, jnp.float32))
        merged = part if merged is None else merged.merge(part)
    # One unit in the last place of 1e4 is 1e-3, and the spread is about 1.
    np.testing.assert_allclose(merged.mu, exact.mu, atol=5e-3)
    np.testing.assert_allclose(merged.cov, exact.cov, atol=5e-3)
    # Squaring before centring would leave nothing of it.
    naive = np.float32(gamma[:, 0] @ single[:, 0] ** 2 / gamma[:, 0].sum()) - np.float32(
        gamma[:, 0] @ single[:, 0] / gamma[:, 0].sum()
    ) ** np.float32(2.0)
    assert abs(naive - exact.cov[0, 0, 0]) > 0.1


@pytest.mark.parametrize("namespace", [np, jnp])
def test_an_empty_component_has_moments_of_zero_and_merges(namespace):
    z, gamma = random_rows(8)
    gamma[:, 1] = 0.0
    arrays = [namespace.asarray(array.T.astype(np.float32)) for array in (z, gamma)]
    moments = Moments.of(*arrays)
    assert float(moments.weight[1]) == 0.0
    for array in (moments.mu, moments.cov):
        np.testing.assert_array_equal(array[1], 0.0)
    twice = moments.merge(moments)
    assert all(np.isfinite(array).all() for array in twice)
    np.testing.assert_allclose(twice.weight, 2.0 * np.asarray(moments.weight), rtol=1e-6)
    np.testing.assert_array_equal(twice.cov[1], 0.0)
    np.testing.assert_allclose(twice.cov, moments.cov, rtol=1e-4, atol=1e-6)


def test_a_component_that_is_empty_in_one_part_only_is_that_of_the_other():
    z, gamma = random_rows(9)
    gamma[:30, 1] = 0.0
    merged = moments_of(z[:30], gamma[:30]).merge(moments_of(z[30:], gamma[30:]))
    assert_moments_equal(merged, moments_of(z, gamma))


def covariances():
    root = np.random.default_rng(4).normal(size=(3, 3, 3))
    return root @ root.mT + 0.1 * np.eye(3)


def test_covariance_penalty_is_the_last_term_of_equation_7():
    cov = covariances()
    expected = sum(1.0 / cov[k, j, j] for k in range(3) for j in range(3))
    single = jnp.asarray(cov, jnp.float32)
    assert float(covariance_penalty(single)) == pytest.approx(expected, rel=1e-5)


def test_the_penalty_counts_the_coordinates_that_it_is_told_to():
    cov = covariances()
    expected = sum(1.0 / cov[k, j, j] for k in range(3) for j in (0, 2))
    counted = np.array([1.0, 0.0, 1.0])
    assert float(covariance_penalty(cov, counted)) == pytest.approx(expected, rel=1e-12)


def test_the_floor_follows_the_variance_and_is_positive_where_there_is_none():
    floor = floor_of(np.array([4.0, 0.0]))
    np.testing.assert_allclose(
        floor, [4.0 * RELATIVE_FLOOR + ABSOLUTE_FLOOR, ABSOLUTE_FLOOR], rtol=1e-12
    )


# New rows beside those that a density describes ---------------------------------------------


def _pooled(old, new, floor):
    both = np.concatenate([old, new])
    return both.mean(axis=0), np.cov(both.T, bias=True) + np.diag(floor)


def test_a_mixture_of_one_component_with_new_rows_is_that_of_all_rows():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(300, 3)), rng.normal(1.0, 2.0, size=(120, 3))
    moments = Moments.of_parts(old.T, np.ones((1, 300)))
    density = RowMixture(GaussianMixture.from_moments(moments, 1e-2, 1e-3))
    merged = density.known_moments(300.0).merge(density.moments_of(new.T))
    found = density.with_moments(merged)
    mean, cov = _pooled(old, new, 1e-2 * old.var(axis=0) + 1e-3)
    np.testing.assert_allclose(found.mixture.mu[0], mean, rtol=1e-10)
    np.testing.assert_allclose(found.mixture.cov[0], cov, rtol=1e-8)
    assert isinstance(found, RowMixture)


def test_moments_of_a_mixture_are_those_it_was_fixed_from():
    rng = np.random.default_rng(1)
    z, gamma = rng.normal(size=(2, 200)), rng.dirichlet(np.ones(3), size=200).T
    moments = Moments.of_parts(z, gamma)
    mixture = GaussianMixture.from_moments(moments, 1e-3)
    for ours, theirs in zip(mixture.moments(200.0), moments, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
    assert GaussianMixture(mixture.phi, mixture.mu, mixture.chol).moments(200.0) is None


def test_new_rows_belong_to_components_as_sklearn_says():
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.normal(-2.0, 1.0, (200, 2)), rng.normal(2.0, 0.5, (100, 2))])
    peer = sklearn_mixture.GaussianMixture(2, random_state=0).fit(rows)
    chol = np.linalg.cholesky(peer.covariances_)
    density = RowMixture(GaussianMixture(peer.weights_, peer.means_, chol, np.zeros(2)))
    new = rng.normal(size=(50, 2))
    gamma = peer.predict_proba(new).T
    expected = Moments.of(new.T, gamma)
    for ours, theirs in zip(density.moments_of(new.T), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


def test_marginal_mixtures_with_new_rows_keep_mean_and_variance_of_all():
    """Which every step of EM does, whatever the memberships: so do its sums."""
    rng = np.random.default_rng(3)
    old = np.stack([rng.normal(size=400), rng.exponential(size=400), np.zeros(400)], axis=1)
    old = old.astype(np.float32)
    new = np.stack([rng.normal(1.0, size=150), rng.exponential(size=150), np.zeros(150)], axis=1)
    density = MarginalMixtures.fit(Sample(old.T, 3), rng, n_components=4)
    merged = density.known_moments(400.0).merge(density.moments_of(new.T))
    found = density.with_moments(merged)
    both = np.concatenate([old.astype(np.float64), new])
    mean = (found.phi * found.mu).sum(axis=0)
    variance = (found.phi * (found.deviation**2 + (found.mu - mean) ** 2)).sum(axis=0)
    floor = 1e-3 * np.where(np.ptp(old, axis=0) > 0.0, old.var(axis=0, dtype=np.float64), 1.0)
    np.testing.assert_allclose(mean, both.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(variance, both.var(axis=0) + floor + 1e-12, rtol=1e-5)
    np.testing.assert_allclose(found.phi.sum(axis=0), 1.0)


def test_marginal_mixtures_of_the_rows_they_know_stay_as_they_are():
    rng = np.random.default_rng(4)
    density = MarginalMixtures.fit(Sample(rng.normal(size=(2, 300)), 2), rng, n_components=4)
    again = density.with_moments(density.known_moments(300.0))
    for name in ("phi", "mu", "deviation"):
        np.testing.assert_allclose(getattr(again, name), getattr(density, name), rtol=1e-9)
