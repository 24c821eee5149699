"""A Gaussian of the encoded rows, which judges wide tables beside the networks.

Not in the paper. A code of 16 coordinates holds little of some hundred columns, and what it
leaves out counts only as the size of an error. How far a row lies from the others in all columns
at once (Mahalanobis, 1936) says more about such tables.
"""

from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from jaxtyping import Float, Float32

from dagmm.common_scale import scale_of
from dagmm.mixture import ABSOLUTE_FLOOR, Moments, by_parts, log_norm
from dagmm.numerics import Array, floored_cholesky, inverse_lower

#: What each column varies by itself beside what it shares with others, relative to its variance:
#: with fewer rows than columns there are directions in which no training row varies at all.
RELATIVE_FLOOR = 0.25
#: Share of the Gaussian in a model's energy, however many networks it has.
SHARE = 0.5
#: Moments of so many rows are taken at once.
_ROWS_AT_ONCE = 4096


def gaussian_energy(
    x: Float[Array, "n_features n_rows"],
    mu: Float[Array, " n_features"],
    whitening: Float[Array, "n_features n_features"],
    log_peak: Float[Array, ""] | float,
) -> Float[Array, " n_rows"]:
    """Energy of rows under a Gaussian: half the squared Mahalanobis distance, and a constant.

    Parameters
    ----------
    x : array of shape (n_features, n_rows)
    mu : array of shape (n_features,)
    whitening : array of shape (n_features, n_features)
        Inverse of the lower Cholesky factor of the covariance.
    log_peak : float
        Logarithm of the density at the mean.

    Returns
    -------
    array of shape (n_rows,)
        In nats.
    """
    whitened = whitening @ (x - mu[:, None])
    return 0.5 * (whitened * whitened).sum(axis=0) - log_peak


@dataclass(frozen=True)
class RowGaussian:
    """A Gaussian of the encoded rows, and the scale of their training energies.

    Parameters
    ----------
    mu : ndarray of shape (n_features,), float64
    chol : ndarray of shape (n_features, n_features), float64
        Lower Cholesky factor of the covariance.
    location, spread : float
        Median and interquartile range of the training energies, in nats.
    share : float
        Of the Gaussian in the energy of a model.
    """

    mu: np.ndarray
    chol: np.ndarray
    location: float = 0.0
    spread: float = 1.0
    share: float = SHARE

    @classmethod
    def fit(cls, features: Float32[np.ndarray, "n_rows n_features"]) -> "RowGaussian":
        """Fit the Gaussian to encoded training rows.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features), float32
        """
        parts = (
            features[first : first + _ROWS_AT_ONCE].T.astype(np.float64)
            for first in range(0, len(features), _ROWS_AT_ONCE)
        )
        moments = reduce(Moments.merge, (Moments.of(z, np.ones((1, z.shape[1]))) for z in parts))
        # A feature that is constant in training is measured as it is encoded.
        varies = np.ptp(features, axis=0) > 0.0
        floor = RELATIVE_FLOOR * np.where(varies, moments.variance, 1.0) + ABSOLUTE_FLOOR
        chol = floored_cholesky(np.asarray(moments.cov), np.asarray(floor))[0]
        mu = np.asarray(moments.mu[0])
        return cls(mu, chol, *scale_of(cls(mu, chol).energy(features)))

    def energy(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, " n_rows"]:
        """Energy of encoded rows in nats; higher is stranger."""
        return by_parts(lambda x: np.asarray(gaussian_energy(x, *self.terms)), features.T)

    @cached_property
    def terms(self) -> tuple[np.ndarray, np.ndarray, float]:
        """What :func:`gaussian_energy` takes after the rows, float64."""
        chol = self.chol[None]
        whitening = np.asarray(inverse_lower(chol)[0])
        return self.mu, whitening, float(log_norm(np.ones(1), chol)[0])
