"""A mixture of the encoded rows themselves, which judges them beside the networks.

Not in the paper. What a network does not need to reproduce a row is lost in its code, most of all
a relation between columns that hardly vary against each other: in a plant such relations are what
a fault breaks. A mixture with full covariances has them all (of one component it is the distance
of Mahalanobis, 1936). It has many parameters, so it follows few rows too closely; it counts beside
the networks, not instead of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float, Float32

from dagmm.mixture.combination import scale_of
from dagmm.mixture.em import fit_by_bic, moments_under
from dagmm.mixture.gaussian import ABSOLUTE_FLOOR, GaussianMixture, Moments

#: The number of components is found from no more rows than this, drawn at random, and from fewer
#: of wide tables, whose rows have many products of two columns each.
MAX_ROWS, MAX_PRODUCTS = 4096, 2**24
#: Rows that a component needs at least, for each of its dimensions and one more: of fewer it
#: follows single rows, or the same row where it comes twice.
_ROWS_OF_COMPONENT = 4
#: Moments of a single component are taken of so many rows at once.
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class InputMixture:
    """A mixture of the encoded rows, and the scale of their training energies.

    Parameters
    ----------
    mixture : GaussianMixture
    location, spread : float
        Median and interquartile range of the training energies, in nats.
    share : float
        Of the mixture in the energy of a model, however many networks it has.
    """

    mixture: GaussianMixture
    location: float
    spread: float
    share: float

    @classmethod
    def fit(
        cls,
        features: Float32[np.ndarray, "n_rows n_features"],
        candidates: Sequence[int],
        relative_floor: float,
        least_phi: float,
        share: float,
        rng: np.random.Generator,
    ) -> "InputMixture":
        """Find how many components the rows need, and fit them.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features), float32
            Encoded training rows.
        candidates : sequence of int
            Numbers of components to choose from; those that the rows are too few for are left out,
            and where no other is left, as many are taken as they are enough for.
        relative_floor : float
            What each feature varies by itself beside what it shares with others, relative to its
            variance.
        least_phi : float
            Components that weigh less die.
        share : float
        rng : numpy.random.Generator
        """
        n_features = features.shape[1]
        sample = _some(features, MAX_ROWS, rng)
        # A feature that is constant in training is measured as it is encoded.
        least = np.where(np.ptp(features, axis=0) > 0.0, ABSOLUTE_FLOOR, relative_floor)
        floor = least + _quantisation(sample)
        n_products = (n_features + 1) * (n_features + 2) // 2
        sample = _some(sample, max(1, MAX_PRODUCTS // n_products), rng)
        most = max(1, len(sample) // (_ROWS_OF_COMPONENT * (n_features + 1)))
        possible = [n for n in candidates if n <= most] or [most]
        if possible == [1]:
            moments = _moments(features)
        else:
            chosen = fit_by_bic(sample.T, possible, relative_floor, rng, floor=floor)
            moments = moments_under(chosen, features.T)[0]
        mixture = GaussianMixture.from_moments(moments, relative_floor, floor).without(least_phi)
        return cls(mixture, *scale_of(mixture.energy(features.T)), share)

    def energy(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, " n_rows"]:
        """Energy of encoded rows in nats; higher is stranger."""
        return self.mixture.energy(features.T)


def _some(
    rows: Float32[np.ndarray, "n_rows n_features"], n: int, rng: np.random.Generator
) -> Float32[np.ndarray, "n_some n_features"]:
    """Return all rows, or so many drawn at random where there are more."""
    if len(rows) <= n:
        return rows
    return rows[np.sort(rng.choice(len(rows), n, replace=False))]


def _quantisation(rows: Float32[np.ndarray, "n_rows n_features"]) -> np.ndarray:
    """Variance that rounding takes from each feature (Sheppard, 1898), shape (n_features,).

    Values that are counted, or read in whole steps, lie anywhere within a step, of which neither a
    component nor a distance from it may make anything. The step is the usual one between values
    that follow each other.
    """
    steps = (np.diff(np.unique(values.astype(np.float64))) for values in rows.T)
    step = np.array([np.median(some) if len(some) else 0.0 for some in steps])
    return step**2 / 12.0


def _moments(features: Float32[np.ndarray, "n_rows n_features"]) -> Moments:
    """Moments of all rows in a single component."""
    parts = (
        features[first : first + _ROWS_AT_ONCE].T.astype(np.float64)
        for first in range(0, len(features), _ROWS_AT_ONCE)
    )
    return reduce(Moments.merge, (Moments.of(z, np.ones((1, z.shape[1]))) for z in parts))
