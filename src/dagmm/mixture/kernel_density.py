"""Kernel densities on subsamples: one Gaussian about each of some rows drawn at random.

The refined mixture follows all training rows, strange ones among them as well: where many lie
together, they have a component of their own and look normal. A few rows drawn at random seldom
hold one of them, so that a density about these gives them away; and several such densities see
different rows, as in bagging (Breiman, 1996). An Isolation Forest (Liu, Ting and Zhou, 2008) lives
on small random subsamples for the same reason. A density about many rows sees how dense it is
close by, where a few do not tell, as nearest neighbours do.

Leave-one-out (Habbema, Hermans and van den Broek, 1974): the kernel about a row does not count in
that row's own energy, and of equal rows one is drawn at most. Whoever fits a table and scores the
same table would otherwise find the strange rows that were drawn as normal as can be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from dagmm._core.numerics import Array, log_sum_exp
from dagmm.mixture.combination import combine_scores, scale_of
from dagmm.mixture.gaussian import ABSOLUTE_FLOOR, RELATIVE_FLOOR, GaussianMixture, by_parts

#: The variance of the components is fitted to no more rows than this, drawn at random.
MAX_ROWS = 4096
#: Half the square of the distance, in deviations of a component and for each coordinate, within
#: which a row is taken for the one that the component lies about.
_SAME = 5e-7
#: Nearness of so many rows and components is found at once: as a processor's cache holds.
_CACHED_TERMS = 2**18
#: EM of the variance ends when it changes by less than this share, or after so many steps.
_TOLERANCE, _MAX_ITER = 1e-3, 50


class SphericalTerms(NamedTuple):
    """What the energy takes of a mixture, whatever the rows: means and deviation scaled."""

    centre: Float[Array, "n_latent 1"]
    """About which the squares of :func:`spherical_energy` cancel least."""
    deviation: Float[Array, "n_latent 1"]
    scaled_mu: Float[Array, "n_components n_latent"]
    half_square: Float[Array, "n_components 1"]
    log_norm: Float[Array, ""]

    @classmethod
    def of(
        cls, mu: Float[Array, "n_components n_latent"], deviation: Float[Array, " n_latent"]
    ) -> "SphericalTerms":
        """Return the terms of a mixture of these means and this standard deviation."""
        xp = mu.__array_namespace__()
        centre = mu.mean(axis=0)
        scaled_mu = (mu - centre[None]) / deviation[None]
        half_square = 0.5 * (scaled_mu * scaled_mu).sum(axis=1)[:, None]
        constant = math.log(len(mu)) + 0.5 * len(deviation) * math.log(2.0 * math.pi)
        log_norm = constant + xp.log(deviation).sum()
        return cls(centre[:, None], deviation[:, None], scaled_mu, half_square, log_norm)


def spherical_energy(
    z: Float[Array, "n_latent n_rows"], terms: SphericalTerms
) -> Float[Array, " n_rows"]:
    """Energy of rows under components that weigh the same and share one diagonal covariance.

    Parameters
    ----------
    z : array of shape (n_latent, n_rows)
    terms : SphericalTerms
        Of the mixture.

    Returns
    -------
    array of shape (n_rows,)
        In nats; higher is stranger.
    """
    nearness, away = nearness_of(z, terms)
    return terms.log_norm + away - log_sum_exp(nearness)


def nearness_of(
    z: Float[Array, "n_latent n_rows"], terms: SphericalTerms
) -> tuple[Float[Array, "n_components n_rows"], Float[Array, " n_rows"]]:
    """Return two parts of the squared distance of rows from means, in deviations.

    Returns
    -------
    nearness : array of shape (n_components, n_rows)
    away : array of shape (n_rows,)
        Half of the square is ``away - nearness``; this part is the same for all components.
    """
    scaled = (z - terms.centre) / terms.deviation
    nearness = terms.scaled_mu @ scaled - terms.half_square
    return nearness, 0.5 * (scaled * scaled).sum(axis=0)


@dataclass(frozen=True)
class KernelDensity:
    """Components that weigh the same about some rows, alike in all directions of the code.

    Parameters
    ----------
    mu : ndarray of shape (n_components, n_latent), float64
    deviation : ndarray of shape (n_latent,), float64
        Standard deviation of every component along each axis.
    """

    mu: np.ndarray
    deviation: np.ndarray

    @classmethod
    def draw(
        cls,
        z: Float[np.ndarray, "n_latent n_rows"],
        n_code: int,
        n_components: int,
        rng: np.random.Generator,
    ) -> "KernelDensity":
        """Draw the rows that components lie about, and fit the one variance to others by EM.

        Axes of the code keep their proportions, which are those of the encoded rows as far as
        the network keeps distances; each residual feature is put on the scale of the code.

        Parameters
        ----------
        z : ndarray of shape (n_latent, n_rows)
        n_code : int
            Coordinates of z that are the code; the others are residual features.
        n_components : int
            Half of the rows that differ where there are too few.
        rng : numpy.random.Generator
        """
        n_rows = z.shape[1]
        drawn = rng.choice(n_rows, min(n_rows, n_components + MAX_ROWS), replace=False)
        drawn = drawn[np.sort(np.unique(z[:, drawn], axis=1, return_index=True)[1])]
        n_components = max(1, min(n_components, len(drawn) // 2))
        variance = z.var(axis=1, dtype=np.float64)
        variance[:n_code] = variance[:n_code].max()
        scale = np.sqrt(variance + ABSOLUTE_FLOOR)
        about, others = np.split(z[:, drawn].astype(np.float64), [n_components], axis=1)
        centre = about.mean(axis=1)
        about, others = ((part.T - centre) / scale for part in (about, others))
        squared = cdist(about, others, "sqeuclidean")
        return cls(about * scale + centre, scale * np.sqrt(_variance(squared, z.shape[0])))

    def energy(self, z: Float[np.ndarray, "n_latent n_rows"]) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row in nats; higher is stranger."""
        return by_parts(self._energy, z, max(1, _CACHED_TERMS // len(self.mu)))

    def _energy(self, z: Float[np.ndarray, "n_latent n_rows"]) -> np.ndarray:
        nearness, away = nearness_of(z, self._terms)
        evidence = np.asarray(log_sum_exp(nearness))
        if len(self.mu) > 1:
            # Where a component lies about the row, there is at least the evidence of its mean.
            least = np.asarray(away) - _SAME * len(z)
            for_itself = np.flatnonzero(evidence >= least)
            if len(for_itself):
                evidence[for_itself] = _without_itself(
                    np.asarray(nearness)[:, for_itself], least[for_itself]
                )
        return np.asarray(self._terms.log_norm + away - evidence)

    @cached_property
    def _terms(self) -> SphericalTerms:
        return SphericalTerms.of(self.mu, self.deviation)


def _without_itself(
    nearness: Float[np.ndarray, "n_components n_rows"], least: Float[np.ndarray, " n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """Evidence for rows, without that of a component that is as near as a row is to itself."""
    nearest, rows = nearness.argmax(axis=0), np.arange(nearness.shape[1])
    itself = nearness[nearest, rows] >= least
    nearness[nearest[itself], rows[itself]] = -np.inf
    others = len(nearness) - itself
    return np.asarray(log_sum_exp(nearness) + np.log(len(nearness) / others))


def _variance(squared: Float[np.ndarray, "n_components n_rows"], n_latent: int) -> float:
    """Fit the variance that all components share, their means fixed, by EM.

    Parameters
    ----------
    squared : ndarray of shape (n_components, n_rows)
        Squared distances of rows from the means.
    n_latent : int
    """
    variance = 1.0
    # One number is fitted, for which half the digits do in a quarter of the time.
    nearest = squared.min(axis=0, initial=np.inf)
    beyond = (squared - nearest).astype(np.float32)
    gamma = np.empty_like(beyond)
    for _ in range(_MAX_ITER if squared.size else 0):
        np.exp(np.multiply(beyond, -0.5 / variance, out=gamma), out=gamma)
        usual = nearest + np.einsum("kn,kn->n", gamma, beyond) / gamma.sum(axis=0)
        before, variance = variance, float(usual.mean()) / n_latent
        variance = max(variance, RELATIVE_FLOOR)
        if abs(variance - before) < _TOLERANCE * before:
            break
    return variance


@dataclass(frozen=True)
class DrawnMixtures:
    """Mixtures beside a refined one, and what puts their energies on one scale with its own.

    Parameters
    ----------
    mixtures : tuple of KernelDensity
    location, spread : ndarray of shape (1 + n_mixtures,)
        Median and interquartile range of the training energies in nats: of the refined mixture
        first.
    """

    mixtures: tuple[KernelDensity, ...]
    location: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(
        cls,
        mixtures: Sequence[KernelDensity],
        energies: Float[np.ndarray, "n_energies n_rows"],
    ) -> "DrawnMixtures":
        """Learn the scales from training energies, those of the refined mixture first."""
        location, spread = np.transpose([scale_of(energy) for energy in energies])
        return cls(tuple(mixtures), location, spread)

    def join(
        self, energies: Float[np.ndarray, "n_energies n_rows"]
    ) -> Float[np.ndarray, " n_rows"]:
        """One energy for each row from that of the refined mixture and those of these."""
        return np.asarray(combine_scores(energies, self.location, self.spread))


def energies_of(
    mixtures: Sequence[GaussianMixture | KernelDensity], z: Float[np.ndarray, "n_latent n_rows"]
) -> Float[np.ndarray, "n_mixtures n_rows"]:
    """Energies of rows under each of some mixtures, in nats."""
    return np.stack([mixture.energy(z) for mixture in mixtures])
