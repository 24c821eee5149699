"""The objective of DAGMM as named terms (paper, equation 7)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from dagmm.mixture import Moments, covariance_penalty, energy, floor_of
from dagmm.networks import Network
from dagmm.numerics import Array


class Terms(NamedTuple):
    """Parts of the loss of one minibatch, unweighted, and the mixture they belong to."""

    reconstruction: Float[Array, ""]
    """Mean over rows of the squared reconstruction error, in squared encoded units."""
    energy: Float[Array, ""]
    """Mean energy of the rows under the minibatch's own mixture, in nats."""
    penalty: Float[Array, ""]
    """Sum of the inverse variances of all components."""
    phi: Float[Array, " n_components"]
    cov: Float[Array, "n_components n_latent n_latent"]


def objective(
    network: Network,
    x: Float[Array, "n_features n_rows"],
    lambda1: Float[Array, ""] | float,
    lambda2: Float[Array, ""] | float,
    key: Key[Array, ""] | None = None,
) -> tuple[Float[Array, ""], Terms]:
    """Loss of a minibatch: reconstruction + lambda1 * energy + lambda2 * penalty.

    Parameters
    ----------
    network : Network
    x : array of shape (n_features, n_rows)
    lambda1, lambda2 : float
        Weights of the energy and of the covariance penalty.
    key : jax.random.key, optional
        Of the dropout; without it nothing is dropped.

    Returns
    -------
    loss : float
    terms : Terms
    """
    z, x_hat = network.latent(x)
    gamma = network.gamma(z, key=key)
    moments = Moments.of(z, gamma)
    floor = jax.lax.stop_gradient(floor_of(moments.variance))
    cov = moments.cov + jnp.diag(floor)[None]
    terms = Terms(
        reconstruction=((x - x_hat) ** 2).sum(axis=0).mean(),
        energy=energy(z, moments.phi, moments.mu, jnp.linalg.cholesky(cov)).mean(),
        penalty=covariance_penalty(cov),
        phi=moments.phi,
        cov=cov,
    )
    return terms.reconstruction + lambda1 * terms.energy + lambda2 * terms.penalty, terms
