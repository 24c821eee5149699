"""Mixtures of a few spherical components about rows drawn at random, beside the refined one.

The refined mixture follows all training rows, strange ones among them as well: where many lie
together, they have a component of their own and look normal. A few rows drawn at random seldom
hold one of them, so that a mixture about these gives them away; and several such mixtures see
different rows, as in bagging (Breiman, 1996). An Isolation Forest (Liu, Ting and Zhou, 2008) lives
on small random subsamples for the same reason.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from dagmm.common_scale import on_common_scale, scale_of
from dagmm.mixture import ABSOLUTE_FLOOR, RELATIVE_FLOOR, Mixture, by_parts
from dagmm.numerics import Array, log_sum_exp

#: The variance of the components is fitted to no more rows than this, drawn at random.
MAX_ROWS = 4096
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
    scaled = (z - terms.centre) / terms.deviation
    # -|z - mu|^2 / 2, scaled, less the part that is the same for all components.
    nearness = terms.scaled_mu @ scaled - terms.half_square
    away = 0.5 * (scaled * scaled).sum(axis=0)
    return terms.log_norm + away - log_sum_exp(nearness)


@dataclass(frozen=True)
class SphericalMixture:
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
    ) -> "SphericalMixture":
        """Draw the rows that components lie about, and fit the one variance to others by EM.

        Axes of the code keep their proportions, which are those of the encoded rows as far as
        the network keeps distances; each residual feature is put on the scale of the code.

        Parameters
        ----------
        z : ndarray of shape (n_latent, n_rows)
        n_code : int
            Coordinates of z that are the code; the others are residual features.
        n_components : int
            Half of the rows where there are too few.
        rng : numpy.random.Generator
        """
        n_rows = z.shape[1]
        n_components = max(1, min(n_components, n_rows // 2))
        drawn = rng.choice(n_rows, min(n_rows, n_components + MAX_ROWS), replace=False)
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
        return by_parts(self._energy, z)

    def _energy(self, z: Float[np.ndarray, "n_latent n_rows"]) -> np.ndarray:
        return np.asarray(spherical_energy(z, self._terms))

    @cached_property
    def _terms(self) -> SphericalTerms:
        return SphericalTerms.of(self.mu, self.deviation)


def _variance(squared: Float[np.ndarray, "n_components n_rows"], n_latent: int) -> float:
    """Fit the variance that all components share, their means fixed, by EM.

    Parameters
    ----------
    squared : ndarray of shape (n_components, n_rows)
        Squared distances of rows from the means.
    n_latent : int
    """
    variance = 1.0
    for _ in range(_MAX_ITER if squared.size else 0):
        log_joint = -0.5 * squared / variance
        gamma = np.exp(log_joint - log_sum_exp(log_joint))
        before, variance = variance, (gamma * squared).sum() / (n_latent * squared.shape[1])
        variance = max(variance, RELATIVE_FLOOR)
        if abs(variance - before) < _TOLERANCE * before:
            break
    return variance


@dataclass(frozen=True)
class DrawnMixtures:
    """Mixtures beside a refined one, and what puts their energies on one scale with its own.

    Parameters
    ----------
    mixtures : tuple of SphericalMixture
    location, spread : ndarray of shape (1 + n_mixtures,)
        Median and interquartile range of the training energies in nats: of the refined mixture
        first.
    """

    mixtures: tuple[SphericalMixture, ...]
    location: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(
        cls,
        mixtures: Sequence[SphericalMixture],
        energies: Float[np.ndarray, "n_energies n_rows"],
    ) -> "DrawnMixtures":
        """Learn the scales from training energies, those of the refined mixture first."""
        location, spread = np.transpose([scale_of(energy) for energy in energies])
        return cls(tuple(mixtures), location, spread)

    def join(
        self, energies: Float[np.ndarray, "n_energies n_rows"]
    ) -> Float[np.ndarray, " n_rows"]:
        """One energy for each row from that of the refined mixture and those of these."""
        return np.asarray(on_common_scale(energies, self.location, self.spread))


def energies_of(
    mixtures: Sequence[Mixture | SphericalMixture], z: Float[np.ndarray, "n_latent n_rows"]
) -> Float[np.ndarray, "n_mixtures n_rows"]:
    """Energies of rows under each of some mixtures, in nats."""
    return np.stack([mixture.energy(z) for mixture in mixtures])
