"""Mixtures of the encoded columns one by one, as though they were independent of each other.

Networks judge how a row hangs together; a value that is rare in its own column, in a table whose
training rows are strange in many ways, can get lost in that. The energy of a row is here the sum
over its features of what a Gaussian mixture of one dimension says about each. Under contamination
such marginal densities are hard to mislead (Goldstein and Dengel's HBOS, 2012, has them from
histograms; an Isolation Forest splits one column at a time).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32

from dagmm._core.numerics import TINY, Array, log_sum_exp
from dagmm.mixture.combination import scale_of
from dagmm.mixture.gaussian import ABSOLUTE_FLOOR

#: Mixtures are fitted to no more rows than this, drawn at random.
MAX_ROWS = 4096
#: Features that are fitted to at once: memory is taken for so many times the rows.
_FEATURES_AT_ONCE = 64
#: Energies of so many rows, or rather inputs, are found at once: as a processor's cache holds.
_CACHED_INPUTS = 2**15
#: Steps of EM.
_N_ITER = 30
#: Smallest variance of a component, relative to that of its feature: repeated values, such as
#: those of a feature that is 0 or 1, have none of their own.
RELATIVE_FLOOR = 1e-3
#: Share of the column mixtures in a model's energy, however many networks it has.
SHARE = 0.25


def marginal_energies(
    x: Float[Array, "n_rows n_features"],
    log_weight: Float[Array, "n_components n_features"],
    mu: Float[Array, "n_components n_features"],
    deviation: Float[Array, "n_components n_features"],
) -> Float[Array, "n_rows n_features"]:
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
class MarginalMixtures:
    """A mixture of each feature, and the scale of their training energies.

    Parameters
    ----------
    phi, mu, deviation : ndarray of shape (n_components, n_features), float64
        Weight, mean and standard deviation of each component.
    location, spread : float
        Median and interquartile range of the training energies, in nats.
    share : float
        Of these mixtures in the energy of a model.
    """

    phi: np.ndarray
    mu: np.ndarray
    deviation: np.ndarray
    location: float = 0.0
    spread: float = 1.0
    share: float = SHARE

    @classmethod
    def fit(
        cls,
        features: Float32[np.ndarray, "n_rows n_features"],
        n_components: int,
        rng: np.random.Generator,
    ) -> "MarginalMixtures":
        """Fit the mixture of each feature by EM.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features), float32
            Encoded training rows.
        n_components : int
        rng : numpy.random.Generator
        """
        rows = features
        if len(features) > MAX_ROWS:
            rows = features[np.sort(rng.choice(len(features), MAX_ROWS, replace=False))]
        parts = [
            _fit(rows[:, first : first + _FEATURES_AT_ONCE].astype(np.float64), n_components)
            for first in range(0, features.shape[1], _FEATURES_AT_ONCE)
        ]
        phi, mu, deviation = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        location, spread = scale_of(cls(phi, mu, deviation).energy(features))
        return cls(phi, mu, deviation, location, spread)

    def energy(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, " n_rows"]:
        """Energy of encoded rows in nats; higher is stranger."""
        energy = np.empty(len(features))
        size = max(1, _CACHED_INPUTS // features.shape[1])
        for start in range(0, len(features), size):
            part = slice(start, start + size)
            of_values = marginal_energies(features[part], *self.terms)
            energy[part] = of_values.astype(np.float64).sum(axis=1)
        return energy

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
        variance = (gamma * (x[None] - mu[:, None]) ** 2).sum(axis=1) / n + RELATIVE_FLOOR
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
