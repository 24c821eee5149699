import jax
import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm._core import traced
from dagmm.mixture.gaussian import energy
from dagmm.training.minibatch import minibatch_energy

N_LATENT, N_COMPONENTS, N_ROWS = 3, 4, 30


def arguments(seed=0):
    rng = np.random.default_rng(seed)
    z = 2.0 * rng.normal(size=(N_LATENT, N_ROWS))
    phi = rng.dirichlet(np.ones(N_COMPONENTS))
    mu = rng.normal(size=(N_COMPONENTS, N_LATENT))
    factor = rng.normal(size=(N_COMPONENTS, N_LATENT, N_LATENT + 2))
    return z, phi, mu, factor @ factor.mT / N_LATENT


def weighted(function, weights):
    return lambda *args: (jnp.asarray(weights) * function(*args)).sum()


def through_cholesky(z, phi, mu, cov):
    return energy(z, phi, mu, traced.cholesky(cov))


def test_it_is_equation_6():
    z, phi, mu, cov = arguments()
    with jax.enable_x64(True):
        found = minibatch_energy(*map(jnp.asarray, (z, phi, mu, cov)))
    np.testing.assert_allclose(found, oracle.energies(z.T, phi, mu, cov), rtol=1e-12)


@pytest.mark.parametrize("which", range(4), ids=["z", "phi", "mu", "cov"])
def test_its_gradient_is_the_one_through_cholesky_factors(which):
    weights = np.random.default_rng(1).normal(size=N_ROWS)
    with jax.enable_x64(True):
        args = [jnp.asarray(arg) for arg in arguments()]
        found = jax.grad(weighted(minibatch_energy, weights), which)(*args)
        expected = jax.grad(weighted(through_cholesky, weights), which)(*args)
        if which == 3:  # JAX leaves half of it on each side of the diagonal as it comes
            expected = 0.5 * (expected + expected.mT)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("which", range(4), ids=["z", "phi", "mu", "cov"])
def test_its_gradient_is_that_of_finite_differences(which):
    rng = np.random.default_rng(2)
    args = list(arguments(3))
    direction = rng.normal(size=args[which].shape)
    if which == 3:
        direction = direction + direction.mT
    weights = rng.normal(size=N_ROWS)

    def loss(move):
        moved = [arg + move * direction if i == which else arg for i, arg in enumerate(args)]
        return weights @ oracle.energies(moved[0].T, *moved[1:])

    with jax.enable_x64(True):
        slope = jax.grad(weighted(minibatch_energy, weights), which)(*map(jnp.asarray, args))
    difference = (loss(1e-6) - loss(-1e-6)) / 2e-6
    assert (np.asarray(slope) * direction).sum() == pytest.approx(difference, rel=1e-6, abs=1e-6)


def test_a_component_without_weight_has_no_say_and_no_gradient_of_its_own():
    z, phi, mu, cov = (arg.astype(np.float32) for arg in arguments())
    phi[0] = 0.0
    with_it = minibatch_energy(z, phi, mu, cov)
    without = minibatch_energy(z, phi[1:], mu[1:], cov[1:])
    np.testing.assert_allclose(with_it, without, rtol=1e-5)
    slopes = jax.grad(weighted(minibatch_energy, np.ones(N_ROWS, np.float32)), (1, 2, 3))(
        z, phi, mu, cov
    )
    for slope in slopes:
        assert np.isfinite(slope).all()
        np.testing.assert_allclose(slope[0], 0.0, atol=1e-20)


def test_rows_far_from_everything_have_finite_gradients():
    z, phi, mu, cov = (arg.astype(np.float32) for arg in arguments())
    slopes = jax.grad(weighted(minibatch_energy, np.ones(N_ROWS, np.float32)), (0, 1, 2, 3))(
        1e6 * z, phi, mu, cov
    )
    assert all(np.isfinite(slope).all() for slope in slopes)
