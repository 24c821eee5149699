"""Kinds of covariances that components may have, from one and the same moments."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

#: ``full``: each component's own; ``tied``: one for all; ``diagonal``: each component's own, axes
#: independent; ``spherical``: one variance a component, in units of the variance of all rows.
Covariance: TypeAlias = Literal["full", "tied", "diagonal", "spherical"]

_Cov: TypeAlias = Float[np.ndarray, "n_components n_latent n_latent"]


def constrained(
    cov: _Cov,
    weight: Float[np.ndarray, " n_components"],
    variance: Float[np.ndarray, " n_latent"],
    covariance: Covariance,
) -> _Cov:
    """Return the covariances of a kind that EM fits where ``cov`` are the full ones.

    Parameters
    ----------
    cov : ndarray of shape (n_components, n_latent, n_latent)
    weight : ndarray of shape (n_components,)
        Sum of the memberships of each component.
    variance : ndarray of shape (n_latent,)
        Of all rows, within and between components: axes of z have scales of their own.
    covariance : {"full", "tied", "diagonal", "spherical"}
    """
    return _KINDS[covariance](cov, weight, variance)


def n_parameters(n_components: int, n_latent: int, covariance: Covariance) -> int:
    """Count the free parameters of a mixture: covariances, means and mixing weights."""
    k, d = n_components, n_latent
    of_covariances = {
        "full": k * d * (d + 1) // 2,
        "tied": d * (d + 1) // 2,
        "diagonal": k * d,
        "spherical": k,
    }
    return of_covariances[covariance] + k * d + k - 1


def _tied(cov: _Cov, weight: np.ndarray, variance: np.ndarray) -> _Cov:
    mean = np.tensordot(weight / weight.sum(), cov, axes=1)
    return np.broadcast_to(mean, cov.shape)


def _diagonal(cov: _Cov, weight: np.ndarray, variance: np.ndarray) -> _Cov:
    return cov * np.eye(len(variance))


def _spherical(cov: _Cov, weight: np.ndarray, variance: np.ndarray) -> _Cov:
    varies = variance > 0.0
    relative = cov.diagonal(axis1=1, axis2=2)[:, varies] / variance[varies]
    share = relative.mean(axis=1) if varies.any() else np.zeros(len(cov))
    return np.asarray(share[:, None, None] * np.diag(variance))


_KINDS: dict[Covariance, Callable[[_Cov, np.ndarray, np.ndarray], _Cov]] = {
    "full": lambda cov, weight, variance: cov,
    "tied": _tied,
    "diagonal": _diagonal,
    "spherical": _spherical,
}
