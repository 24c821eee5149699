import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings
from scipy.stats import multivariate_normal
from sklearn import mixture as sklearn_mixture

import oracle
from dagmm.mixture.gaussian import NEUTRAL_VARIANCE, GaussianMixture, energy, log_joint
from dagmm.mixture.moments import (
    ABSOLUTE_FLOOR,
)
from mixture_rows import moments_of, random_rows

quick = settings(deadline=None, derandomize=True, max_examples=20)


def random_mixture(seed, n_components=3, n_latent=3):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n_components, n_latent, n_latent))
    cov = root @ root.mT + 0.1 * np.eye(n_latent)
    phi = rng.dirichlet(np.ones(n_components))
    return phi, rng.normal(size=(n_components, n_latent)), cov


# Energies


def test_energy_is_equation_6():
    phi, mu, cov = random_mixture(0)
    z = np.random.default_rng(10).normal(size=(40, 3))
    expected = oracle.energies(z, phi, mu, cov)
    mixture = GaussianMixture(phi, mu, np.linalg.cholesky(cov))
    np.testing.assert_allclose(mixture.energy(z.T), expected, rtol=1e-9, atol=1e-9)
    single = [jnp.asarray(a, jnp.float32) for a in (z.T, phi, mu, np.linalg.cholesky(cov))]
    np.testing.assert_allclose(energy(*single), expected, rtol=1e-4, atol=1e-4)


def test_log_joint_is_scipys_density():
    phi, mu, cov = random_mixture(1)
    z = np.random.default_rng(11).normal(size=(40, 3))
    joint = log_joint(z.T, phi, mu, np.linalg.cholesky(cov))
    for k in range(len(phi)):
        expected = np.log(phi[k]) + multivariate_normal(mu[k], cov[k]).logpdf(z)
        np.testing.assert_allclose(joint[k], expected, rtol=1e-9)


def test_energy_is_minus_the_score_of_scikit_learns_mixture():
    z = np.concatenate([random_rows(12)[0], random_rows(13, offset=5.0)[0]])
    peer = sklearn_mixture.GaussianMixture(2, random_state=0).fit(z)
    mixture = GaussianMixture(peer.weights_, peer.means_, np.linalg.cholesky(peer.covariances_))
    np.testing.assert_allclose(mixture.energy(z.T), -peer.score_samples(z), rtol=1e-9)
    np.testing.assert_allclose(mixture.cov, peer.covariances_, rtol=1e-9, atol=1e-12)


def test_a_row_far_from_everything_has_a_large_finite_energy():
    phi, mu, cov = random_mixture(2)
    mixture = GaussianMixture(phi, mu, np.linalg.cholesky(cov))
    far = mixture.energy(np.full((3, 1), 1e6))
    assert np.isfinite(far).all()
    assert far[0] > 1e9


def test_gradient_of_the_energy_is_that_of_finite_differences():
    phi, mu, cov = random_mixture(3)
    chol = np.linalg.cholesky(cov)
    z = np.random.default_rng(14).normal(size=3)
    with jax.enable_x64(True):
        gradient = jax.grad(
            lambda v: energy(v[:, None], jnp.asarray(phi), jnp.asarray(mu), jnp.asarray(chol))[0]
        )(jnp.asarray(z))
    for j in range(3):
        step = 1e-5 * np.eye(3)[j]
        up, down = oracle.energies(np.stack([z + step, z - step]), phi, mu, cov)
        assert gradient[j] == pytest.approx((up - down) / 2e-5, rel=1e-7, abs=1e-8)


def test_a_coordinate_of_zeros_and_of_the_neutral_variance_adds_nothing_to_an_energy():
    phi, mu, cov = random_mixture(5)
    z = np.random.default_rng(15).normal(size=(3, 20))
    expected = oracle.energies(z.T, phi, mu, cov)
    wide = np.zeros((3, 4, 4))
    wide[:, 0, 0], wide[:, 1:, 1:] = NEUTRAL_VARIANCE, cov
    mu, z = (np.pad(a, ((0, 0), (1, 0))) for a in (mu, z.T))
    np.testing.assert_allclose(energy(z.T, phi, mu, np.linalg.cholesky(wide)), expected, rtol=1e-9)


# From moments to a mixture


def test_a_mixture_has_its_moments_and_the_floor():
    z, gamma = random_rows(15)
    moments = moments_of(z, gamma)
    mixture = GaussianMixture.from_moments(moments, 1e-2)
    np.testing.assert_allclose(mixture.phi, moments.phi, rtol=1e-12)
    np.testing.assert_allclose(mixture.mu, moments.mu, rtol=1e-12)
    raised = moments.cov + np.diag(1e-2 * z.var(axis=0) + ABSOLUTE_FLOOR)
    np.testing.assert_allclose(mixture.cov, raised, rtol=1e-9)


def test_components_with_less_than_one_row_are_left_out():
    z, _ = random_rows(16)
    gamma = np.zeros((60, 4))
    gamma[:, 0], gamma[:, 2], gamma[:, 3] = 0.6, 0.39, 0.01
    mixture = GaussianMixture.from_moments(moments_of(z, gamma))
    np.testing.assert_allclose(mixture.phi, [0.6 / 0.99, 0.39 / 0.99], rtol=1e-12)
    assert mixture.mu.shape == (2, 3)
    assert mixture.chol.shape == (2, 3, 3)


def test_the_heaviest_component_stays_even_with_less_than_one_row():
    z = np.array([[1.0, 2.0]])
    mixture = GaussianMixture.from_moments(moments_of(z, np.array([[0.7, 0.3]])))
    np.testing.assert_array_equal(mixture.phi, [1.0])
    np.testing.assert_allclose(mixture.mu, z, rtol=1e-12)


@pytest.mark.parametrize(
    "z",
    [
        np.zeros((20, 2)),
        np.full((20, 2), 1e6),
        np.repeat([[0.0, 0.0], [1.0, 1.0]], 10, axis=0),
        np.linspace(-1e6, 1e6, 20)[:, None] * np.ones((1, 2)),
    ],
    ids=["zero", "constant", "two points", "perfectly correlated"],
)
def test_rows_without_a_proper_covariance_have_finite_energies(z):
    mixture = GaussianMixture.from_moments(moments_of(z, np.full((20, 3), 1.0 / 3.0)))
    assert np.isfinite(mixture.energy(z.T)).all()
    strange = z[:1] + np.array([[1.0, -1.0]])
    assert mixture.energy(strange.T)[0] > mixture.energy(z.T).max()


def test_energies_keep_float32_rows_in_double_precision():
    z, gamma = random_rows(17, offset=1e4)
    single = z.astype(np.float32)
    mixture = GaussianMixture.from_moments(moments_of(single.astype(np.float64), gamma))
    result = mixture.energy(single.T)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, mixture.energy(single.T.astype(np.float64)))


@pytest.mark.parametrize("n_rows", [0, 1, 7, 1024, 2500])
def test_a_mixtures_energies_are_the_formulas_for_any_number_of_rows(n_rows):
    z, gamma = random_rows(18)
    mixture = GaussianMixture.from_moments(moments_of(z, gamma))
    many = np.random.default_rng(19).normal(size=(3, n_rows)) * 10.0
    expected = energy(many, mixture.phi, mixture.mu, mixture.chol)
    np.testing.assert_allclose(mixture.energy(many), expected, rtol=1e-12)


def test_components_that_weigh_too_little_are_taken_out():
    mixture = GaussianMixture(
        np.array([0.6, 0.39, 0.01]), np.arange(6.0).reshape(3, 2), np.stack([np.eye(2)] * 3)
    )
    left = mixture.without(0.02)
    np.testing.assert_allclose(left.phi, [0.6 / 0.99, 0.39 / 0.99])
    np.testing.assert_array_equal(left.mu, mixture.mu[:2])
    assert left.chol.shape == (2, 2, 2)
    assert len(mixture.without(0.0).phi) == 3
    np.testing.assert_array_equal(mixture.without(0.9).phi, [1.0])
