"""Rows and memberships that tests of mixtures share."""

import numpy as np

from dagmm.mixture.moments import Moments


def random_rows(seed, n_rows=60, n_latent=3, n_components=4, offset=0.0):
    """Rows-first z and gamma in float64."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n_rows, n_latent)) @ rng.normal(size=(n_latent, n_latent)) + offset
    gamma = rng.dirichlet(np.full(n_components, 0.5), n_rows)
    return z, gamma


def moments_of(z, gamma):
    return Moments.of(np.ascontiguousarray(z.T), np.ascontiguousarray(gamma.T))
