"""Refinement of the mixture on the trained codes: EM, and how many components they need."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from sklearn.cluster import KMeans

from dagmm.mixture import Mixture, Moments, log_joint
from dagmm.numerics import log_sum_exp

#: EM and the choice of the number of components look at no more rows than this, drawn at
#: random; the final mixture is computed from all rows.
MAX_ROWS = 20_000
#: Rows that are weighed at a time.
_CHUNK = 8192


def refine(
    z: Float[np.ndarray, "n_latent n_rows"],
    candidates: Sequence[int],
    relative_floor: float,
    rng: np.random.Generator,
    *,
    max_iter: int = 50,
    tol: float = 1e-3,
) -> Mixture:
    """Fit mixtures of several sizes to trained codes and keep the one with the lowest BIC.

    Parameters
    ----------
    z : ndarray of shape (n_latent, n_rows)
    candidates : sequence of int
        Numbers of components to try; those that the rows are too few for are left out.
    relative_floor : float
        Covariance floor, relative to the variance of z along each axis.
    rng : numpy.random.Generator
    max_iter : int
        Most steps of EM for each candidate.
    tol : float
        EM ends when the mean log-likelihood of a row rises by less than this, in nats.

    Returns
    -------
    Mixture
    """
    sample = z if z.shape[1] <= MAX_ROWS else z[:, rng.choice(z.shape[1], MAX_ROWS, False)]
    sample = sample.astype(np.float64)
    best, lowest = None, math.inf
    for n_components in candidates:
        if n_components > 1 and n_components * (z.shape[0] + 1) > sample.shape[1]:
            continue
        gamma = _starting_memberships(sample, n_components, rng)
        mixture = Mixture.from_moments(Moments.of(sample, gamma), relative_floor)
        mixture, log_likelihood = _maximise(sample, mixture, relative_floor, max_iter, tol)
        bic = _bic(log_likelihood, mixture, sample.shape[1])
        if best is None or bic < lowest:
            best, lowest = mixture, bic
    assert best is not None, "a single component is always possible"
    return Mixture.from_moments(moments_under(best, z)[0], relative_floor)


def moments_under(
    mixture: Mixture, z: Float[np.ndarray, "n_latent n_rows"]
) -> tuple[Moments, float]:
    """Moments of rows under the memberships a mixture gives them, and their log-likelihood.

    Parameters
    ----------
    mixture : Mixture
    z : ndarray of shape (n_latent, n_rows)

    Returns
    -------
    moments : Moments
    log_likelihood : float
        Mean over rows, in nats.
    """
    total, moments = 0.0, None
    for part in _parts(z):
        joint = log_joint(part, mixture.phi, mixture.mu, mixture.chol)
        evidence = log_sum_exp(joint)
        total += float(evidence.sum())
        new = Moments.of(part, np.exp(joint - evidence))
        moments = new if moments is None else moments.merge(new)
    assert moments is not None, "there is at least one row"
    return moments, total / z.shape[1]


def _parts(z: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, z.shape[1], _CHUNK):
        yield z[:, start : start + _CHUNK].astype(np.float64)


def _maximise(
    z: np.ndarray, mixture: Mixture, relative_floor: float, max_iter: int, tol: float
) -> tuple[Mixture, float]:
    moments, log_likelihood = moments_under(mixture, z)
    for _ in range(max_iter):
        mixture = Mixture.from_moments(moments, relative_floor)
        moments, new = moments_under(mixture, z)
        if new - log_likelihood < tol:
            return mixture, new
        log_likelihood = new
    return mixture, log_likelihood


def _starting_memberships(
    z: np.ndarray, n_components: int, rng: np.random.Generator
) -> Float[np.ndarray, "n_components n_rows"]:
    """Hard memberships by k-means on standardised codes."""
    if n_components == 1:
        return np.ones((1, z.shape[1]))
    spread = z.std(axis=1, keepdims=True)
    points = ((z - z.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)).T
    n_clusters = min(n_components, len(np.unique(points, axis=0)))
    kmeans = KMeans(n_clusters, n_init=1, random_state=int(rng.integers(2**31)))
    return np.eye(n_clusters)[kmeans.fit(points).labels_].T


def _bic(log_likelihood: float, mixture: Mixture, n_rows: int) -> float:
    """Bayesian information criterion (Schwarz, 1978); lower is better."""
    k, d = mixture.mu.shape
    n_parameters = k * (d + d * (d + 1) // 2) + k - 1
    return n_parameters * math.log(n_rows) - 2.0 * log_likelihood * n_rows
