"""Marginal mixtures: a Gaussian mixture of each encoded column, as though they were independent.

Networks score how a row hangs together; a value that is rare in its own column, in a table whose
training rows are strange in many ways, can get lost in that. The energy of a row is here the sum
over its features of what a mixture of one dimension says about each. Under contamination such
densities are hard to mislead (Goldstein and Dengel's HBOS, 2012, has them from histograms; an
Isolation Forest splits one column at a time).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from jaxtyping import Float

from dagmm._core.atomic_files import ArraySpecs
from dagmm._core.blocks import of_parts
from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import TINY, AnyArray, log_sum_exp
from dagmm._core.states import Promise, State, check_array
from dagmm.mixture.density import Density, Sample
from dagmm.mixture.moments import ABSOLUTE_FLOOR, Moments

#: Mixtures are fitted to no more rows than this, drawn at random.
MAX_ROWS = 4096
#: Features that are fitted to at once: memory is taken for so many times the rows.
_FEATURES_AT_ONCE = 64
#: Energies of so many rows, or rather inputs, are found at once: as a processor's cache holds.
_CACHED_INPUTS = 2**15
_ARRAYS = ("phi", "mu", "deviation")
#: Steps of EM.
_N_ITER = 30
#: Smallest variance of a component, relative to that of its feature: repeated values, such as
#: those of a feature that is 0 or 1, have none of their own.
VARIANCE_FLOOR = 1e-3
#: Means of a feature that are no farther apart are one.
_ROUNDING = 1e-9


def marginal_energies(
    x: Float[AnyArray, "n_rows n_features"],
    log_weight: Float[np.ndarray, "n_components n_features"],
    mu: Float[np.ndarray, "n_components n_features"],
    deviation: Float[np.ndarray, "n_components n_features"],
) -> Float[AnyArray, "n_rows n_features"]:
    """Energy of each value under the mixture of its feature.

    Parameters
    ----------
    x : array of shape (n_rows, n_features)
    log_weight : array of shape (n_components, n_features)
        See :func:`log_weights`.
    mu, deviation : array of shape (n_components, n_features)

    Returns
    -------
    array of shape (n_rows, n_features)
        In nats; a row's energy is the sum over its features.
    """
    scaled = (x[None] - mu[:, None]) / deviation[:, None]
    return -log_sum_exp(log_weight[:, None] - 0.5 * scaled * scaled)


def log_weights(
    phi: Float[np.ndarray, "n_components n_features"],
    deviation: Float[np.ndarray, "n_components n_features"],
) -> Float[np.ndarray, "n_components n_features"]:
    """Logarithm of each component's density at its mean, times its weight."""
    return np.log(np.maximum(phi, TINY)) - np.log(deviation) - 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class MarginalMixtures(Density):
    """A mixture of each feature; the energy of a row is the sum over its features.

    Parameters
    ----------
    phi, mu, deviation : ndarray of shape (n_components, n_features), float64
        Weight, mean and standard deviation of each component.
    """

    kind = "marginal_mixtures"
    is_marginal = True

    phi: np.ndarray
    mu: np.ndarray
    deviation: np.ndarray

    @classmethod
    def fit(
        cls, sample: Sample, rng: np.random.Generator, *, n_components: int
    ) -> "MarginalMixtures":
        """Fit the mixture of each feature by EM."""
        rows = sample.z.T
        if len(rows) > MAX_ROWS:
            rows = rows[np.sort(rng.choice(len(rows), MAX_ROWS, replace=False))]
        parts = [
            _fit(rows[:, first : first + _FEATURES_AT_ONCE].astype(np.float64), n_components)
            for first in range(0, rows.shape[1], _FEATURES_AT_ONCE)
        ]
        return cls(*(np.concatenate(part, axis=1) for part in zip(*parts, strict=True)))

    @property
    def n_components(self) -> int:
        """Components of each feature's mixture."""
        return len(self.phi)

    def energy(self, z: Float[AnyArray, "n_features n_rows"]) -> Float[AnyArray, " n_rows"]:
        """Energy of each row in nats, float64; higher is stranger."""
        return of_parts(self._energy, z, max(1, _CACHED_INPUTS // len(z)))

    def _energy(self, z: Float[AnyArray, "n_features n_rows"]) -> Float[AnyArray, " n_rows"]:
        of_values = marginal_energies(z.T, *self.terms)
        return of_values.astype(np.float64).sum(axis=1)

    def known_moments(self, n_rows: float) -> Moments:
        """Moments of so many rows: of each component of each feature by itself."""
        weight = n_rows * self.phi
        scatter = weight * np.maximum(self.deviation**2 - self._floor, 0.0)
        return Moments(weight.ravel(), self.mu.reshape(-1, 1), scatter.reshape(-1, 1, 1))

    def moments_of(self, z: Float[np.ndarray, "n_features n_rows"]) -> Moments:
        """Moments of rows under the memberships that the mixtures give them."""
        size = max(1, _CACHED_INPUTS // len(z))
        parts = (z[:, first : first + size] for first in range(0, z.shape[1], size))
        return reduce(Moments.merge, map(self._moments_of_part, parts))

    def _moments_of_part(self, z: np.ndarray) -> Moments:
        x = z.T.astype(np.float64)
        scaled = (x[None] - self.mu[:, None]) / self.deviation[:, None]
        joint = log_weights(self.phi, self.deviation)[:, None] - 0.5 * scaled * scaled
        gamma = np.exp(joint - log_sum_exp(joint))
        weight = gamma.sum(axis=1)
        mean = (gamma * x[None]).sum(axis=1) / np.maximum(weight, TINY)
        scatter = (gamma * (x[None] - mean[:, None]) ** 2).sum(axis=1)
        return Moments(weight.ravel(), mean.reshape(-1, 1), scatter.reshape(-1, 1, 1))

    def with_moments(self, total: Moments) -> "MarginalMixtures":
        """Return the mixtures that moments describe, with the floors of these."""
        weight, mu, variance = (
            np.asarray(part).reshape(self.phi.shape)
            for part in (total.weight, total.mean, total.cov)
        )
        return MarginalMixtures(weight / weight.sum(axis=0), mu, np.sqrt(variance + self._floor))

    @property
    def _floor(self) -> Float[np.ndarray, " n_features"]:
        """What the variance of each component has of the floor.

        A feature that did not vary has nothing else, whatever new rows added since; of others the
        mixture has the variance of its rows and that of the floor, which is a share of it.
        """
        mean = (self.phi * self.mu).sum(axis=0)
        whole = (self.phi * (self.deviation**2 + (self.mu - mean) ** 2)).sum(axis=0)
        of_rows = (whole - ABSOLUTE_FLOOR) / (1.0 + VARIANCE_FLOOR)
        is_constant = np.ptp(self.mu, axis=0) <= _ROUNDING
        return VARIANCE_FLOOR * np.where(is_constant, 1.0, of_rows) + ABSOLUTE_FLOOR

    def state(self) -> State:
        """Return the mixtures as plain data and arrays."""
        arrays = {"phi": self.phi, "mu": self.mu, "deviation": self.deviation}
        return State({"n_components": self.n_components}, arrays)

    @classmethod
    def from_state(cls, plain: JsonField, n_latent: int) -> Promise["Density"]:
        """Check the plain data of :meth:`state`, and promise the mixtures."""
        (n_components,) = plain.fields("n_components")
        names = [f"{plain.path}.{name}" for name in _ARRAYS]
        arrays: ArraySpecs = dict.fromkeys(names, ("F64", (n_components.size(), n_latent)))

        def build(values: Mapping[str, np.ndarray]) -> MarginalMixtures:
            phi, mu, deviation = (values[name] for name in arrays)
            good = (phi >= 0.0) & (abs(phi.sum(axis=0) - 1.0) < 1e-6)
            check_array(good, f"{plain.path}.phi", ">= 0 with sum 1")
            check_array(deviation > 0.0, f"{plain.path}.deviation", "> 0")
            return cls(phi, mu, deviation)

        return Promise(arrays, build)

    @cached_property
    def terms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What :func:`marginal_energies` takes after the rows, float32."""
        log_weight = log_weights(self.phi, self.deviation)
        log_weight, mu, deviation = (
            array.astype(np.float32) for array in (log_weight, self.mu, self.deviation)
        )
        return log_weight, mu, deviation


def _fit(
    x: Float[np.ndarray, "n_rows n_features"], n_components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """EM for the mixtures of some features at once: weights, means and deviations."""
    # A feature that is constant in training is measured as it is encoded.
    location, scale = x.mean(axis=0), np.where(np.ptp(x, axis=0) > 0.0, x.std(axis=0), 1.0)
    x = (x - location) / scale
    mu = _beginning(x, n_components)
    variance = np.full_like(mu, 1.0 / n_components)
    phi = np.full_like(mu, 1.0 / n_components)
    for _ in range(_N_ITER):
        scaled = (x[None] - mu[:, None]) / np.sqrt(variance)[:, None]
        log_joint = log_weights(phi, np.sqrt(variance))[:, None] - 0.5 * scaled * scaled
        gamma = np.exp(log_joint - log_sum_exp(log_joint))
        n = gamma.sum(axis=1)
        phi, n = n / len(x), np.maximum(n, TINY)
        mu = (gamma * x[None]).sum(axis=1) / n
        variance = (gamma * (x[None] - mu[:, None]) ** 2).sum(axis=1) / n + VARIANCE_FLOOR
    return phi, mu * scale + location, np.sqrt(variance * scale**2 + ABSOLUTE_FLOOR)


def _beginning(
    x: Float[np.ndarray, "n_rows n_features"], n_components: int
) -> Float[np.ndarray, "n_components n_features"]:
    """Means that EM begins with: inner quantiles of the rows, outer ones of the values that occur.

    Where values do not repeat, both are the same. Of a feature that is nearly always 0 all
    quantiles of the rows are, and only those of the values find what else there is.
    """
    quantiles = (np.arange(n_components) + 0.5) / n_components
    low, high = n_components // 4, n_components - (n_components // 2 - n_components // 4)
    outer = np.concatenate([quantiles[:low], quantiles[high:]])
    of_values = [np.quantile(np.unique(values), outer) for values in x.T]
    return np.concatenate([np.quantile(x, quantiles[low:high], axis=0), np.transpose(of_values)])
