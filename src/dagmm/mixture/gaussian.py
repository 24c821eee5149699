"""The Gaussian mixture: its log-densities, its energies (paper, equation 6).

Formulas as in the paper, section 3.3. They take NumPy arrays (float64, exact pass over all
rows) and JAX arrays (float32, inside the compiled training step) alike. Rows lie along the
last axis: z has shape (n_latent, n_rows).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from dagmm._core.blocks import BLOCK_ROWS, of_parts, padded_rows, product
from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import (
    TINY,
    AnyArray,
    Array,
    floored_cholesky,
    inverse_lower,
    log_sum_exp,
)
from dagmm._core.states import Promise, State, check_array
from dagmm.mixture.moments import ABSOLUTE_FLOOR, RELATIVE_FLOOR, Moments

#: At which a normal density is 1 at its mean: a coordinate that is 0 for every row and has this
#: variance adds nothing to an energy.
NEUTRAL_VARIANCE = 0.5 / math.pi
#: Numbers that whitened rows are at a time, so that all of them stay in a processor's cache.
_CACHED_NUMBERS, _MOST_BLOCKS = 2**16, 31
#: Matrices of more coordinates are whitened with in parts, of so many rows at least, at most so
#: many: a part need not be multiplied with the zeros beyond its last coordinate.
_PART_ROWS, _MOST_PARTS = 32, 4


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


@dataclass(frozen=True)
class GaussianMixture:
    """A fitted mixture, float64.

    Parameters
    ----------
    phi : ndarray of shape (n_components,)
    mu : ndarray of shape (n_components, n_latent)
    chol : ndarray of shape (n_components, n_latent, n_latent)
    floor : ndarray of shape (n_latent,) or None
        What the diagonal of every covariance has of it; None where that is not known.
    """

    phi: np.ndarray
    mu: np.ndarray
    chol: np.ndarray
    floor: np.ndarray | None = None

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
        added = np.asarray(relative_floor * np.asarray(moments.variance) + floor)
        kept = np.asarray(moments.weight >= min(1.0, moments.weight.max()))
        weight, mu, cov = (np.asarray(a)[kept] for a in (moments.weight, moments.mu, moments.cov))
        return cls(weight / weight.sum(), mu, floored_cholesky(cov, added), added)

    def moments(self, n_rows: float) -> Moments | None:
        """Moments of so many rows that the mixture describes; None where its floor is unknown."""
        if self.floor is None:
            return None
        weight = n_rows * self.phi
        return Moments(weight, self.mu, weight[:, None, None] * (self.cov - np.diag(self.floor)))

    def without(self, least_phi: float) -> "GaussianMixture":
        """Return the mixture without the components that weigh less, if any weighs as much."""
        kept = self.phi >= min(least_phi, self.phi.max())
        phi = self.phi[kept] / self.phi[kept].sum()
        return replace(self, phi=phi, mu=self.mu[kept], chol=self.chol[kept])

    @property
    def n_components(self) -> int:
        """How many components there are."""
        return len(self.phi)

    @property
    def cov(self) -> np.ndarray:
        """Covariances, shape (n_components, n_latent, n_latent)."""
        return self.chol @ self.chol.mT

    def energy(self, z: Float[AnyArray, "n_latent n_rows"]) -> Float[AnyArray, " n_rows"]:
        """Energy of each row in nats; higher is stranger.

        As :func:`energy`, with what does not depend on the rows computed once, and of each row as
        of that row alone.
        """
        return of_parts(self._energy, z, self._rows_at_once)

    def _energy(self, z: Float[AnyArray, "n_latent n_rows"]) -> Float[AnyArray, " more_rows"]:
        """Energy of rows, and of those that fill the last block."""
        x = padded_rows(z, np.float64, ones=True)
        distance: Any = 0.0
        for part in self._parts:
            whitened: Any = product(part, x[: part.shape[1]])
            whitened *= whitened
            distance = distance + whitened.reshape(self.n_components, -1, x.shape[1]).sum(axis=1)
        distance *= -0.5
        distance += self.terms[2][:, None]
        return -distance[0] if self.n_components == 1 else -log_sum_exp(distance)

    @cached_property
    def _rows_at_once(self) -> int:
        """Rows whose energies are computed at a time."""
        n_blocks = min(_MOST_BLOCKS, _CACHED_NUMBERS // (self.mu.size * BLOCK_ROWS))
        # An odd number: an even one may put all coordinates of a row at one place of the cache.
        return (n_blocks | 1) * BLOCK_ROWS

    @cached_property
    def _parts(self) -> list[Float[np.ndarray, "n_whitened n_coordinates"]]:
        """Matrices that make whitened coordinates of ``[1, z]``, of all components at once.

        Of a lower triangular matrix the first rows see the first coordinates only.
        """
        mu, whitening, _ = self.terms
        d = mu.shape[1]
        shift = -(whitening @ mu[:, :, None])
        whole = np.concatenate([shift, whitening], axis=2)
        n_parts = min(_MOST_PARTS, max(1, d // _PART_ROWS))
        cuts = np.linspace(0, d, n_parts + 1).round().astype(int)
        return [
            np.ascontiguousarray(whole[:, first:last, : last + 1]).reshape(-1, last + 1)
            for first, last in pairwise(cuts)
        ]

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
        """Means, inverse Cholesky factors, and logarithms of weighted densities at the means."""
        whitening, log_peak = inverse_lower(self.chol), log_norm(self.phi, self.chol)
        return self.mu, np.asarray(whitening), np.asarray(log_peak)

    def state(self) -> State:
        """Return the mixture as plain data and arrays."""
        plain = {
            "n_components": len(self.phi),
            "has_floor": self.floor is not None,
        }
        arrays = {"phi": self.phi, "mu": self.mu, "chol": self.chol}
        if self.floor is not None:
            arrays["floor"] = self.floor
        return State(plain, arrays)

    @classmethod
    def from_state(cls, plain: JsonField, n_latent: int) -> Promise["GaussianMixture"]:
        """Check the plain data of :meth:`state`, and promise the mixture.

        Raises
        ------
        ValueError
        """
        n_components, has_floor = plain.fields("n_components", "has_floor")
        k, d = n_components.size(), n_latent
        shapes: dict[str, tuple[int, ...]] = {"phi": (k,), "mu": (k, d), "chol": (k, d, d)}
        if has_floor.flag():
            shapes["floor"] = (d,)
        arrays = {f"{plain.path}.{name}": ("F64", shape) for name, shape in shapes.items()}

        def build(values: Mapping[str, np.ndarray]) -> GaussianMixture:
            phi, mu, chol, *floor = (values[name] for name in arrays)
            good = (phi > 0.0) & (abs(phi.sum() - 1.0) < 1e-6)
            check_array(good, f"{plain.path}.phi", "> 0 with sum 1")
            triangular = (np.tril(chol) == chol).all() & (chol.diagonal(axis1=1, axis2=2) > 0.0)
            check_array(triangular, f"{plain.path}.chol", "lower triangular with a diagonal > 0")
            for one in floor:
                check_array(one >= 0.0, f"{plain.path}.floor", ">= 0")
            return cls(phi, mu, chol, *floor)

        return Promise(arrays, build)
