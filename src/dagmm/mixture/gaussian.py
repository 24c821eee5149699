"""The Gaussian mixture: its log-densities, its energies (paper, equation 6).

Formulas as in the paper, section 3.3. They take NumPy arrays (float64, exact pass over all
rows) and JAX arrays (float32, inside the compiled training step) alike. Rows lie along the
last axis: z has shape (n_latent, n_rows).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import TINY, Array, floored_cholesky, inverse_lower, log_sum_exp
from dagmm._core.states import Promise, State, check_array
from dagmm.mixture.moments import ABSOLUTE_FLOOR, RELATIVE_FLOOR, Moments

#: At which a normal density is 1 at its mean: a coordinate that is 0 for every row and has this
#: variance adds nothing to an energy.
NEUTRAL_VARIANCE = 0.5 / math.pi
#: Coordinates of z whose energies are computed at a time, so that all of it stays in a processor's
#: cache.
_CACHED_COORDINATES = 2**13


def log_joint(
    z: Float[Array, "n_latent n_rows"],
    phi: Float[Array, " n_components"],
    mu: Float[Array, "n_components n_latent"],
    chol: Float[Array, "n_components n_latent n_latent"],
) -> Float[Array, "n_components n_rows"]:
    """``log(phi_k N(z; mu_k, cov_k))`` of each row and component, in nats.

    Parameters
    ----------
    z : array of shape (n_latent, n_rows)
    phi : array of shape (n_components,)
        Mixing weights.
    mu : array of shape (n_components, n_latent)
    chol : array of shape (n_components, n_latent, n_latent)
        Lower Cholesky factors of the covariances.

    Returns
    -------
    array of shape (n_components, n_rows)
    """
    xp = z.__array_namespace__()
    whitened = xp.matmul(inverse_lower(chol), z[None] - mu[:, :, None])
    return log_norm(phi, chol)[:, None] - 0.5 * (whitened * whitened).sum(axis=1)


def log_norm(
    phi: Float[Array, " n_components"], chol: Float[Array, "n_components n_latent n_latent"]
) -> Float[Array, " n_components"]:
    """Logarithm of what each component's density is at its mean, times phi, in nats."""
    xp = phi.__array_namespace__()
    log_det = xp.log(chol.diagonal(axis1=1, axis2=2)).sum(axis=1)
    constant = 0.5 * chol.shape[1] * math.log(2 * math.pi)
    return xp.log(xp.maximum(phi, TINY)) - log_det - constant


def energy(
    z: Float[Array, "n_latent n_rows"],
    phi: Float[Array, " n_components"],
    mu: Float[Array, "n_components n_latent"],
    chol: Float[Array, "n_components n_latent n_latent"],
) -> Float[Array, " n_rows"]:
    """Sample energy ``-log sum_k phi_k N(z; mu_k, cov_k)`` (equation 6), in nats.

    Parameters as in :func:`log_joint`; the result has shape (n_rows,) and higher is stranger.
    """
    return -log_sum_exp(log_joint(z, phi, mu, chol))


def whitened_energy(
    z: Float[Array, "n_latent n_rows"],
    mu: Float[Array, "n_components n_latent"],
    whitening: Float[Array, "n_components n_latent n_latent"],
    log_peak: Float[Array, " n_components"],
) -> Float[Array, " n_rows"]:
    """Energy of rows (equation 6) under components whose covariances are factored already.

    Parameters
    ----------
    z : array of shape (n_latent, n_rows)
    mu : array of shape (n_components, n_latent)
    whitening : array of shape (n_components, n_latent, n_latent)
        Inverses of the lower Cholesky factors of the covariances.
    log_peak : array of shape (n_components,)
        Logarithm of each component's density at its mean, times its weight.

    Returns
    -------
    array of shape (n_rows,)
        In nats.
    """
    xp = z.__array_namespace__()
    whitened = xp.matmul(whitening, z[None] - mu[:, :, None])
    whitened *= whitened  # in place, where arrays can be changed
    return -log_sum_exp(log_peak[:, None] - 0.5 * whitened.sum(axis=1))


def by_parts(
    energy_of: Callable[[np.ndarray], np.ndarray],
    z: Float[np.ndarray, "n_latent n_rows"],
    size: int | None = None,
) -> Float[np.ndarray, " n_rows"]:
    """Energies of any number of rows in float64, so many at a time as a cache holds.

    Parameters
    ----------
    energy_of : callable
    z : ndarray of shape (n_latent, n_rows)
    size : int, optional
        Rows at a time; by default as many as a cache holds the coordinates of.
    """
    energy = np.empty(z.shape[1])
    size = size or max(1, _CACHED_COORDINATES // len(z))
    for start in range(0, len(energy), size):
        part = slice(start, start + size)
        energy[part] = energy_of(z[:, part].astype(np.float64))
    return energy


@dataclass(frozen=True)
class GaussianMixture:
    """A fitted mixture, float64.

    Parameters
    ----------
    phi : ndarray of shape (n_components,)
    mu : ndarray of shape (n_components, n_latent)
    chol : ndarray of shape (n_components, n_latent, n_latent)
    """

    phi: np.ndarray
    mu: np.ndarray
    chol: np.ndarray

    @classmethod
    def from_moments(
        cls,
        moments: Moments,
        relative_floor: float = RELATIVE_FLOOR,
        floor: Float[np.ndarray, " n_latent"] | float = ABSOLUTE_FLOOR,
    ) -> "GaussianMixture":
        """Fix the mixture that the moments of all rows describe.

        Components with less than one row in sum are empty and left out: their covariance is
        the floor alone, and a strange row that happens to lie there would look normal.

        Parameters
        ----------
        moments : Moments
            NumPy, float64.
        relative_floor : float
            Covariance floor, relative to the variance of z along each axis.
        floor : float or ndarray of shape (n_latent,)
            Covariance floor beside that.
        """
        variance = np.asarray(moments.variance)
        kept = np.asarray(moments.weight >= min(1.0, moments.weight.max()))
        weight, mu, cov = (np.asarray(a)[kept] for a in (moments.weight, moments.mu, moments.cov))
        return cls(
            weight / weight.sum(), mu, floored_cholesky(cov, relative_floor * variance + floor)
        )

    def without(self, least_phi: float) -> "GaussianMixture":
        """Return the mixture without the components that weigh less, if any weighs as much."""
        kept = self.phi >= min(least_phi, self.phi.max())
        return GaussianMixture(
            self.phi[kept] / self.phi[kept].sum(), self.mu[kept], self.chol[kept]
        )

    @property
    def n_components(self) -> int:
        """How many components there are."""
        return len(self.phi)

    @property
    def cov(self) -> np.ndarray:
        """Covariances, shape (n_components, n_latent, n_latent)."""
        return self.chol @ self.chol.mT

    def energy(self, z: Float[np.ndarray, "n_latent n_rows"]) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row in nats; higher is stranger.

        As :func:`energy`, with what does not depend on the rows computed once.
        """
        return by_parts(self._energy, z)

    def _energy(self, z: Float[np.ndarray, "n_latent n_rows"]) -> np.ndarray:
        return np.asarray(whitened_energy(z, *self.terms))

    def slope(
        self, z: Float[np.ndarray, "n_latent n_rows"]
    ) -> Float[np.ndarray, "n_latent n_rows"]:
        """Slope of the energy along each coordinate: ``sum_k r_k cov_k^-1 (z - mu_k)``."""
        z = z.astype(np.float64)
        mu, whitening, log_peak = self.terms
        whitened = whitening @ (z[None] - mu[:, :, None])
        log_joint = log_peak[:, None] - 0.5 * (whitened * whitened).sum(axis=1)
        responsibility = np.exp(log_joint - log_sum_exp(log_joint))
        return np.asarray(np.einsum("kn,kdn->dn", responsibility, whitening.mT @ whitened))

    def membership(
        self, z: Float[np.ndarray, "n_latent n_rows"]
    ) -> Float[np.ndarray, "n_components n_rows"]:
        """Share of each component in the density of each row."""
        joint = np.asarray(log_joint(z.astype(np.float64), self.phi, self.mu, self.chol))
        return np.exp(joint - log_sum_exp(joint))

    @cached_property
    def terms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What :func:`whitened_energy` takes after the rows."""
        whitening, log_peak = inverse_lower(self.chol), log_norm(self.phi, self.chol)
        return self.mu, np.asarray(whitening), np.asarray(log_peak)

    def state(self) -> State:
        """Return the mixture as plain data and arrays."""
        return State(
            {"n_components": len(self.phi)}, {"phi": self.phi, "mu": self.mu, "chol": self.chol}
        )

    @classmethod
    def from_state(cls, plain: JsonField, n_latent: int) -> Promise["GaussianMixture"]:
        """Check the plain data of :meth:`state`, and promise the mixture.

        Raises
        ------
        ValueError
        """
        (n_components,) = plain.fields("n_components")
        k, d = n_components.size(), n_latent
        shapes = {"phi": (k,), "mu": (k, d), "chol": (k, d, d)}
        arrays = {f"{plain.path}.{name}": ("F64", shape) for name, shape in shapes.items()}

        def build(values: Mapping[str, np.ndarray]) -> GaussianMixture:
            phi, mu, chol = (values[name] for name in arrays)
            good = (phi > 0.0) & (abs(phi.sum() - 1.0) < 1e-6)
            check_array(good, f"{plain.path}.phi", "> 0 with sum 1")
            triangular = (np.tril(chol) == chol).all() & (chol.diagonal(axis1=1, axis2=2) > 0.0)
            check_array(triangular, f"{plain.path}.chol", "lower triangular with a diagonal > 0")
            return cls(phi, mu, chol)

        return Promise(arrays, build)
