"""The sufficient statistic of a mixture (paper, equation 5), and the floor under covariances.

Formulas take NumPy arrays (float64, exact pass over all rows) and JAX arrays (float32, inside the
compiled training step) alike. Rows lie along the last axis.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import EMPTY, Array

#: Covariance floor relative to the variance of all rows, along each axis of z. At 1e-6 a
#: Cholesky factorisation in float32 was seen to fail now and then, at this not.
RELATIVE_FLOOR = 1e-5
#: Covariance floor where z does not vary at all.
ABSOLUTE_FLOOR = 1e-12
#: Rows whose moments are added up at a time.
_ROWS_AT_ONCE = 8192


class Moments(NamedTuple):
    """Sufficient statistic of a mixture: what any number of rows adds up to.

    The same statistic serves a minibatch, a pass over all rows, a step of EM and the sum over
    processes; ``merge`` makes it independent of how rows were split.
    """

    weight: Float[Array, " n_components"]
    """Sum of gamma over rows."""
    mean: Float[Array, "n_components n_latent"]
    """Weighted mean of z."""
    scatter: Float[Array, "n_components n_latent n_latent"]
    """Weighted sum of (z - mean)(z - mean)^T; centred before squaring, as float32 cancels."""

    @classmethod
    def of(
        cls, z: Float[Array, "n_latent n_rows"], gamma: Float[Array, "n_components n_rows"]
    ) -> "Moments":
        """Moments of some rows.

        Parameters
        ----------
        z : array of shape (n_latent, n_rows)
        gamma : array of shape (n_components, n_rows)
        """
        xp = z.__array_namespace__()
        weight = gamma.sum(axis=1)
        mean = (gamma @ z.T) / xp.maximum(weight, EMPTY)[:, None]
        centred = z[None] - mean[:, :, None]
        scatter = xp.matmul(gamma[:, None, :] * centred, centred.mT)
        return cls(weight, mean, scatter)

    @classmethod
    def of_parts(
        cls,
        z: Float[np.ndarray, "n_latent n_rows"],
        gamma: Float[np.ndarray, "n_components n_rows"],
    ) -> "Moments":
        """Moments of any number of rows in float64, in bounded memory."""
        parts = (
            slice(start, start + _ROWS_AT_ONCE) for start in range(0, z.shape[1], _ROWS_AT_ONCE)
        )
        of_parts = (
            cls.of(z[:, part].astype(np.float64), gamma[:, part].astype(np.float64))
            for part in parts
        )
        return reduce(cls.merge, of_parts)

    def merge(self, other: "Moments") -> "Moments":
        """Moments of the rows of both (Chan, Golub and LeVeque, 1979)."""
        xp = self.mean.__array_namespace__()
        weight = self.weight + other.weight
        share = other.weight / xp.maximum(weight, EMPTY)
        shift = other.mean - self.mean
        between = shift[:, :, None] * shift[:, None, :]
        return Moments(
            weight,
            self.mean + share[:, None] * shift,
            self.scatter + other.scatter + (self.weight * share)[:, None, None] * between,
        )

    @property
    def phi(self) -> Float[Array, " n_components"]:
        """Mixing weights (equation 5, first part)."""
        return self.weight / self.weight.sum()

    @property
    def mu(self) -> Float[Array, "n_components n_latent"]:
        """Means of the components (equation 5, second part)."""
        return self.mean

    @property
    def cov(self) -> Float[Array, "n_components n_latent n_latent"]:
        """Covariances of the components (equation 5, third part), without a floor."""
        xp = self.mean.__array_namespace__()
        return self.scatter / xp.maximum(self.weight, EMPTY)[:, None, None]

    @property
    def variance(self) -> Float[Array, " n_latent"]:
        """Variance of z over all rows, within and between components."""
        phi = self.phi
        centre = phi @ self.mean
        within = (phi[:, None, None] * self.cov).sum(axis=0).diagonal()
        return within + phi @ (self.mean - centre[None]) ** 2


def floor_of(variance: Float[Array, " n_latent"]) -> Float[Array, " n_latent"]:
    """Return what is added to the diagonal of every covariance.

    The paper adds nothing and the reference implementation a fixed 1e-6; neither survives a
    table on another scale. Here the floor follows the variance of z itself.
    """
    return RELATIVE_FLOOR * variance + ABSOLUTE_FLOOR


def covariance_penalty(
    cov: Float[Array, "n_components n_latent n_latent"],
    counted: Float[Array, " n_latent"] | None = None,
) -> Array:
    """``sum_k sum_j 1 / cov_kjj`` (equation 7, last term).

    Parameters
    ----------
    cov : array of shape (n_components, n_latent, n_latent)
    counted : array of shape (n_latent,), optional
        1 for each coordinate of z that is counted, 0 for the others; all are by default.
    """
    xp = cov.__array_namespace__()
    variance = cov.diagonal(axis1=1, axis2=2)
    numerator = xp.ones_like(variance[0]) if counted is None else counted
    return xp.asarray((numerator[None] / variance).sum())
