"""A mixture that is being trained: its covariances, and the energy of rows under it.

The energy has its gradient in closed form.
Differentiating through Cholesky factors and their inverses gives the same gradient in a longer
program: a hundred small operations more for four components, a quarter of what there is to
compile, and a tenth of a training step.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from dagmm._core import traced
from dagmm._core.numerics import TINY, Array, inverse_lower, log_sum_exp
from dagmm.mixture.gaussian import NEUTRAL_VARIANCE, log_norm
from dagmm.mixture.moments import Moments, covariance_penalty, floor_of


class LatentPadding(NamedTuple):
    """Which coordinates of z are padding, so that networks of many widths share a program.

    They are 0 for every row, and what is said of a mixture here does not count them.
    """

    blank: Float[Array, " n_latent"] | None = None
    """1 for each coordinate that is padding, 0 for the others; None where all count."""

    def covariances(self, moments: Moments) -> Float[Array, "n_components n_latent n_latent"]:
        """Return the covariances of a minibatch, with their floor."""
        floor = jax.lax.stop_gradient(floor_of(moments.variance))
        if self.blank is not None:
            floor = floor + NEUTRAL_VARIANCE * self.blank
        return moments.cov + jnp.diag(floor)[None]

    def penalty(self, cov: Float[Array, "n_components n_latent n_latent"]) -> Float[Array, ""]:
        """Sum of the inverse variances of all components."""
        return covariance_penalty(cov, None if self.blank is None else 1.0 - self.blank)


NO_PADDING = LatentPadding()


class _Saved(NamedTuple):
    """What the gradient needs."""

    phi: Float[Array, " n_components"]
    whitening: Float[Array, "n_components n_latent n_latent"]
    """Inverse of each Cholesky factor, L^-1."""
    whitened: Float[Array, "n_components n_latent n_rows"]
    """L^-1 (z - mu)."""
    responsibility: Float[Array, "n_components n_rows"]
    """Share of each component in the density of a row."""


@jax.custom_vjp
def minibatch_energy(
    z: Float[Array, "n_latent n_rows"],
    phi: Float[Array, " n_components"],
    mu: Float[Array, "n_components n_latent"],
    cov: Float[Array, "n_components n_latent n_latent"],
) -> Float[Array, " n_rows"]:
    """Sample energy of rows (paper, equation 6), in nats, inside a compiled program.

    Parameters
    ----------
    z : array of shape (n_latent, n_rows)
    phi : array of shape (n_components,)
        Mixing weights.
    mu : array of shape (n_components, n_latent)
    cov : array of shape (n_components, n_latent, n_latent)
        Positive definite.
    """
    return _forward(z, phi, mu, cov)[0]


def _forward(z: Array, phi: Array, mu: Array, cov: Array) -> tuple[Array, _Saved]:
    chol = traced.cholesky(cov)
    whitening = inverse_lower(chol)
    whitened = jnp.matmul(whitening, z[None] - mu[:, :, None])
    log_joint = log_norm(phi, chol)[:, None] - 0.5 * (whitened * whitened).sum(axis=1)
    energy = -log_sum_exp(log_joint)
    return energy, _Saved(phi, whitening, whitened, jnp.exp(log_joint + energy[None]))


def _backward(saved: _Saved, slope: Array) -> tuple[Array, Array, Array, Array]:
    """Gradients by z, phi, mu and cov, as the EM algorithm has them.

    With r the responsibilities and p = cov^-1 (z - mu), an energy has the gradients r p by z,
    -r / phi, -r p by mu, and r (cov^-1 - p p^T) / 2 by cov.
    """
    pull = slope[None] * saved.responsibility
    weight = pull.sum(axis=1)
    p = jnp.matmul(saved.whitening.mT, saved.whitened)
    pulled = pull[:, None, :] * p
    precision = jnp.matmul(saved.whitening.mT, saved.whitening)
    return (
        pulled.sum(axis=0),
        jnp.where(saved.phi > TINY, -weight / jnp.maximum(saved.phi, TINY), 0.0),
        -pulled.sum(axis=2),
        0.5 * (weight[:, None, None] * precision - jnp.matmul(pulled, p.mT)),
    )


minibatch_energy.defvjp(_forward, _backward)
