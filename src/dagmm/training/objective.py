"""The objective of DAGMM as named terms (paper, equation 7)."""

from typing import NamedTuple

from jaxtyping import Float, UInt32

from dagmm._core.numerics import Array, sum_of_features
from dagmm.mixture.moments import Moments
from dagmm.networks.dropout import fold_in, keep_mask
from dagmm.networks.network import Network
from dagmm.training.minibatch import NO_PADDING, LatentPadding, minibatch_energy


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
    padding: LatentPadding = NO_PADDING,
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
    padding : LatentPadding, optional
        Coordinates of z that count for nothing; by default there are none.

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
    cov = padding.covariances(moments)
    terms = Terms(
        reconstruction=sum_of_features((x - x_hat) ** 2).mean(),
        energy=minibatch_energy(z, moments.phi, moments.mu, cov).mean(),
        penalty=padding.penalty(cov),
        phi=moments.phi,
        cov=cov,
    )
    loss = reconstruction_weight * terms.reconstruction
    return loss + lambda1 * terms.energy + lambda2 * terms.penalty, terms
