import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dagmm._core import traced


@pytest.mark.parametrize("n_latent", [1, 3, 40])
def test_cholesky_factors_one_after_another_are_those_of_numpy(n_latent):
    root = np.random.default_rng(0).normal(size=(3, n_latent, n_latent))
    cov = (root @ root.transpose(0, 2, 1) + np.eye(n_latent)).astype(np.float32)
    expected = np.linalg.cholesky(cov.astype(np.float64))
    np.testing.assert_allclose(traced.cholesky(jnp.asarray(cov)), expected, rtol=1e-3, atol=1e-3)
    slope = jax.grad(lambda c: jnp.log(traced.cholesky(c).diagonal(axis1=1, axis2=2)).sum())(cov)
    np.testing.assert_allclose(slope, 0.5 * np.linalg.inv(cov), rtol=1e-2, atol=1e-3)
