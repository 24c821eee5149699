"""A mixture of whole rows: of the encoded row itself, or of a network's code and residuals.

The paper's z holds what the code leaves of a row as one or two numbers, in which a relation
between columns that hardly vary against each other is lost: in a plant such relations are what a
fault breaks. A mixture with full covariances of code and residuals has them all, and a floor so
low that they count. Of rows themselves, with one component, it is the distance of Mahalanobis
(1936).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from dagmm.mixture.density import Sample
from dagmm.mixture.em import fit_by_bic, moments_under
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.mixture_density import MixtureDensity
from dagmm.mixture.moments import ABSOLUTE_FLOOR, Moments

#: The number of components is found from no more rows than this, drawn at random, and from fewer
#: of wide tables, whose rows have many products of two columns each.
MAX_ROWS, MAX_PRODUCTS = 4096, 2**24
#: Rows that a component needs at least, where their number is chosen, and for each of its
#: dimensions and one more: of fewer it follows single rows, or the same row where it comes twice.
_LEAST_ROWS, _ROWS_OF_DIMENSION = 100, 4


@dataclass(frozen=True)
class RowMixture(MixtureDensity):
    """A Gaussian mixture of whole rows: of a network's codes and residuals.

    Parameters
    ----------
    mixture : GaussianMixture
    """

    kind = "row_mixture"

    @classmethod
    def fit(
        cls,
        sample: Sample,
        rng: np.random.Generator,
        *,
        candidates: Sequence[int],
        relative_floor: float,
        least_phi: float,
        least_floor: float = ABSOLUTE_FLOOR,
    ) -> "RowMixture":
        """Find how many components the rows need, and fit them.

        Parameters
        ----------
        sample : Sample
        rng : numpy.random.Generator
        candidates : sequence of int
            Numbers of components to choose from; those that the rows are too few for are left out,
            and where no other is left, as many are taken as they are enough for.
        relative_floor : float
            What each feature varies by itself beside what it shares with others, relative to its
            variance.
        least_phi : float
            Components that weigh less die.
        least_floor : float
            Of the variance along each axis, at least.
        """
        features = sample.z.T
        n_features = features.shape[1]
        some = _some(features, MAX_ROWS, rng)
        # A feature that is constant in training is measured as it is encoded.
        least = np.where(np.ptp(features, axis=0) > 0.0, least_floor, relative_floor)
        floor = least + _quantisation(some)
        n_products = (n_features + 1) * (n_features + 2) // 2
        some = _some(some, max(1, MAX_PRODUCTS // n_products), rng)
        least_rows = _ROWS_OF_DIMENSION * (n_features + 1)
        if len(candidates) > 1:  # a number that is said is wanted
            least_rows = max(_LEAST_ROWS, least_rows)
        most = max(1, len(some) // least_rows)
        possible = [n for n in candidates if n <= most] or [most]
        if possible == [1]:
            moments = Moments.of_parts(features.T, np.ones((1, len(features)), np.float32))
        else:
            chosen = fit_by_bic(some.T, possible, relative_floor, rng, floor=floor)
            moments = moments_under(chosen, features.T)[0]
        return cls(GaussianMixture.from_moments(moments, relative_floor, floor).without(least_phi))

    def refit(self, sample: Sample, rng: np.random.Generator, **options: Any) -> "RowMixture":
        """Fit as many components to fewer rows."""
        return self.fit(sample, rng, **options | {"candidates": (self.n_components,)})


class InputMixture(RowMixture):
    """A Gaussian mixture of encoded rows, as a view shows them, beside those of the networks."""

    kind = "input_mixture"


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
