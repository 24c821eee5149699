"""Kernel densities on subsamples: one Gaussian about each of some rows drawn at random.

The mixture of z follows all training rows, strange ones among them as well: where many lie
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
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from dagmm._core.atomic_files import ArraySpecs
from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import log_sum_exp
from dagmm._core.states import Promise, State, check_array
from dagmm.mixture.density import Density, Sample
from dagmm.mixture.gaussian import by_parts
from dagmm.mixture.moments import ABSOLUTE_FLOOR, RELATIVE_FLOOR

#: The variance of the components is fitted to no more rows than this, drawn at random.
MAX_ROWS = 4096
#: Half the square of the distance, in deviations of a component and for each coordinate, within
#: which a row is taken for the one that the component lies about.
_SAME = 5e-7
#: Nearness of so many rows and components is found at once: as a processor's cache holds.
_CACHED_TERMS = 2**17
#: EM of the variance ends when it changes by less than this share, or after so many steps.
_TOLERANCE, _MAX_ITER = 1e-3, 50


class _Terms(NamedTuple):
    """What the energy takes of a density, whatever the rows."""

    centre: Float[np.ndarray, "n_latent 1"]
    """About which squares cancel least."""
    deviation: Float[np.ndarray, "n_latent 1"]
    scaled_mu: Float[np.ndarray, "n_components n_latent"]
    """From the centre, in deviations."""
    half_square: Float[np.ndarray, "n_components 1"]
    log_norm: float


@dataclass(frozen=True)
class KernelDensity(Density):
    """Kernels that weigh the same about some rows, alike in all directions of the code.

    Parameters
    ----------
    mu : ndarray of shape (n_components, n_latent), float64
    deviation : ndarray of shape (n_latent,), float64
        Standard deviation of every component along each axis.
    """

    kind = "kernel_density"

    mu: np.ndarray
    deviation: np.ndarray

    @classmethod
    def fit(
        cls, sample: Sample, rng: np.random.Generator, *, n_components: int
    ) -> "KernelDensity":
        """Draw the rows that kernels lie about, and fit their one variance to others by EM.

        Axes of the code keep their proportions, which are those of the encoded rows as far as
        the network keeps distances; each residual feature is put on the scale of the code.

        Parameters
        ----------
        sample : Sample
        rng : numpy.random.Generator
        n_components : int
            Half of the rows that differ where there are too few.
        """
        z, n_code = sample.z, sample.n_code
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

    @property
    def n_components(self) -> int:
        """Number of kernels."""
        return len(self.mu)

    def energy(self, z: Float[np.ndarray, "n_latent n_rows"]) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row in nats; higher is stranger."""
        return by_parts(self._energy, z, max(1, _CACHED_TERMS // len(self.mu)))

    def _energy(self, z: Float[np.ndarray, "n_latent n_rows"]) -> np.ndarray:
        nearness, away = self._nearness(z)
        peak = nearness.max(axis=0)
        # A row that a component lies about is as near to it as to itself.
        least = away - _SAME * len(z)
        for_itself = np.flatnonzero(peak >= least) if len(self.mu) > 1 else np.empty(0, int)
        kept = nearness[:, for_itself]
        # As log_sum_exp, in place: passing over fresh memory would take twice as long.
        nearness -= peak
        evidence = peak + np.log(np.exp(nearness, out=nearness).sum(axis=0))
        if len(for_itself):
            evidence[for_itself] = _without_itself(kept, least[for_itself])
        return np.asarray(self._terms.log_norm + away - evidence)

    def state(self) -> State:
        """Return the density as plain data and arrays."""
        arrays = {"mu": self.mu, "deviation": self.deviation}
        return State({"n_components": self.n_components}, arrays)

    @classmethod
    def from_state(cls, plain: JsonField, n_latent: int) -> Promise["Density"]:
        """Check the plain data of :meth:`state`, and promise the density."""
        (n_components,) = plain.fields("n_components")
        mu, deviation = f"{plain.path}.mu", f"{plain.path}.deviation"
        arrays: ArraySpecs = {
            mu: ("F64", (n_components.size(), n_latent)),
            deviation: ("F64", (n_latent,)),
        }

        def build(values: Mapping[str, np.ndarray]) -> KernelDensity:
            check_array(values[deviation] > 0.0, deviation, "> 0")
            return cls(values[mu], values[deviation])

        return Promise(arrays, build)

    def _nearness(
        self, z: Float[np.ndarray, "n_latent n_rows"]
    ) -> tuple[Float[np.ndarray, "n_components n_rows"], Float[np.ndarray, " n_rows"]]:
        """Two parts of half the squared distance of rows from kernels, in deviations.

        It is the second less the first, and the second is the same for all kernels.
        """
        terms = self._terms
        scaled = (z - terms.centre) / terms.deviation
        nearness = terms.scaled_mu @ scaled
        nearness -= terms.half_square
        return nearness, 0.5 * (scaled * scaled).sum(axis=0)

    @cached_property
    def _terms(self) -> _Terms:
        centre = self.mu.mean(axis=0)
        scaled_mu = (self.mu - centre) / self.deviation
        half_square = 0.5 * (scaled_mu * scaled_mu).sum(axis=1)[:, None]
        constant = math.log(len(self.mu)) + 0.5 * len(centre) * math.log(2.0 * math.pi)
        log_norm = constant + float(np.log(self.deviation).sum())
        return _Terms(centre[:, None], self.deviation[:, None], scaled_mu, half_square, log_norm)


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
