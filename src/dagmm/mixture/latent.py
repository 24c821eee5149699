"""The mixture of z: the paper's, from the estimation network's memberships, or refined by EM.

The paper takes phi, mu and cov from the memberships that the estimation network gives
(equation 5). Refined, EM on the trained z finds its own memberships, and BIC how many components
they need.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dagmm.mixture.density import DensityFit, Sample
from dagmm.mixture.em import fit_by_bic, moments_under
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.mixture_density import MixtureDensity
from dagmm.mixture.moments import RELATIVE_FLOOR, Moments


@dataclass(frozen=True)
class LatentMixture(MixtureDensity):
    """A Gaussian mixture of z.

    Parameters
    ----------
    mixture : GaussianMixture
    """

    kind = "latent_mixture"

    @classmethod
    def fit(
        cls,
        sample: Sample,
        rng: np.random.Generator,
        *,
        candidates: Sequence[int] = (),
        relative_floor: float = RELATIVE_FLOOR,
        least_phi: float = 0.0,
    ) -> "LatentMixture":
        """Fit the mixture to all of some rows.

        Parameters
        ----------
        sample : Sample
        rng : numpy.random.Generator
        candidates : sequence of int
            Numbers of components that EM tries, of which BIC takes one; none to keep the
            memberships of the estimation network, as in the paper.
        relative_floor : float
            Covariance floor, relative to the variance of z along each axis.
        least_phi : float
            Components that weigh less in the end die: the others take their rows.
        """
        found = cls.begin(
            sample,
            rng,
            candidates=candidates,
            relative_floor=relative_floor,
            least_phi=least_phi,
        )
        assert found.moments is not None, "as begin returns it"
        density = found.fix(found.moments(sample))
        assert isinstance(density, LatentMixture), "as begin returns it"
        return density

    @classmethod
    def begin(
        cls,
        sample: Sample,
        rng: np.random.Generator,
        *,
        candidates: Sequence[int] = (),
        relative_floor: float = RELATIVE_FLOOR,
        least_phi: float = 0.0,
    ) -> DensityFit:
        """Choose the components on the rows that are held, to be fixed from moments of all."""
        moments: Callable[[Sample], Moments] = estimated_moments
        if candidates:
            chosen = fit_by_bic(sample.z, candidates, relative_floor, rng)
            moments = partial(moments_of_refined, chosen)

        def fix(total: Moments | None) -> LatentMixture:
            assert total is not None, "moments of all rows"
            return cls(GaussianMixture.from_moments(total, relative_floor).without(least_phi))

        return DensityFit(moments, fix)


def moments_of_refined(mixture: GaussianMixture, sample: Sample) -> Moments:
    """Moments of rows under the memberships that a mixture gives them."""
    return moments_under(mixture, sample.z)[0]


def estimated_moments(sample: Sample) -> Moments:
    """Moments of rows under the memberships of the estimation network, in float64."""
    z, gamma = sample.z, sample.gamma
    assert gamma is not None, "z is of a network"
    return Moments.of_parts(z, gamma)
