"""The objective of DAGMM as named terms (paper, equation 7)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, UInt32

from dagmm._core.numerics import Array, sum_of_features
from dagmm.mixture.gaussian import NEUTRAL_VARIANCE
from dagmm.mixture.minibatch import minibatch_energy
from dagmm.mixture.moments import Moments, covariance_penalty, floor_of
from dagmm.networks.dropout import fold_in, keep_mask
from dagmm.networks.network import Network


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
    seed: UInt32[Array, " 2"] | None = None,
    reconstruction_weight: Float[Array, ""] | float = 1.0,
    mask_ratio: float = 0.0,
    blank: Float[Array, " n_latent"] | None = None,
) -> tuple[Float[Array, ""], Terms]:
    """Loss of a minibatch: reconstruction + lambda1 * energy + lambda2 * penalty.

    Parameters
    ----------
    network : Network
    x : array of shape (n_features, n_rows)
    lambda1, lambda2 : float
        Weights of the energy and of the covariance penalty.
    seed : array of shape (2,), uint32, optional
        Of the dropout and of what is hidden; without it nothing is.
    reconstruction_weight : float, default=1
        1 in the paper; 0 leaves the reconstruction error out of the loss (its variant GMM-EN).
    mask_ratio : float, default=0
        Share of the features that are hidden, at random, from the network that the reconstruction
        error is measured on, as in a denoising autoencoder (Vincent et al., 2008); 0 in the paper.
        The energy always sees whole rows.
    blank : array of shape (n_latent,), optional
        1 for each coordinate of z that is padding, which is 0 for every row and counts for
        nothing, 0 for the others.

    Returns
    -------
    loss : float
    terms : Terms
    """
    z, x_hat = network.latent(x)
    if seed is not None and mask_ratio > 0.0:
        seen = keep_mask(fold_in(seed, 0), mask_ratio, x.shape)
        x_hat = network.compression.decode(network.compression.encode(x * seen))
    gamma = network.gamma(z, seed=None if seed is None else fold_in(seed, 1))
    moments = Moments.of(z, gamma)
    floor = jax.lax.stop_gradient(floor_of(moments.variance))
    if blank is not None:
        floor = floor + NEUTRAL_VARIANCE * blank
    cov = moments.cov + jnp.diag(floor)[None]
    terms = Terms(
        reconstruction=sum_of_features((x - x_hat) ** 2).mean(),
        energy=minibatch_energy(z, moments.phi, moments.mu, cov).mean(),
        penalty=covariance_penalty(cov, None if blank is None else 1.0 - blank),
        phi=moments.phi,
        cov=cov,
    )
    loss = reconstruction_weight * terms.reconstruction
    return loss + lambda1 * terms.energy + lambda2 * terms.penalty, terms
