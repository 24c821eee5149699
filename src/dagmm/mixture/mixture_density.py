"""Densities that are a Gaussian mixture, and differ in how it is fitted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import AnyArray
from dagmm._core.states import Promise, State
from dagmm.mixture.density import Density
from dagmm.mixture.em import moments_under
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.moments import Moments


@dataclass(frozen=True)
class MixtureDensity(Density):
    """A Gaussian mixture; subclasses fit it.

    Parameters
    ----------
    mixture : GaussianMixture
    """

    mixture: GaussianMixture

    @property
    def n_components(self) -> int:
        """Components of the mixture."""
        return self.mixture.n_components

    def energy(self, z: Float[AnyArray, "n_latent n_rows"]) -> Float[AnyArray, " n_rows"]:
        """Energy of each row in nats (equation 6); higher is stranger."""
        return self.mixture.energy(z)

    def slope(
        self, z: Float[np.ndarray, "n_latent n_rows"]
    ) -> Float[np.ndarray, "n_latent n_rows"]:
        """Slope of the energy along each coordinate."""
        return self.mixture.slope(z)

    def known_moments(self, n_rows: float) -> Moments | None:
        """Moments of so many rows that the mixture describes; None where its floor is unknown."""
        return self.mixture.moments(n_rows)

    def moments_of(self, z: Float[np.ndarray, "n_latent n_rows"]) -> Moments:
        """Moments of rows under the memberships that the mixture gives them."""
        if self.n_components == 1:
            return Moments.of_parts(z, np.ones((1, z.shape[1])))
        return moments_under(self.mixture, z)[0]

    def with_moments(self, total: Moments) -> "MixtureDensity":
        """Return the mixture that moments describe, with the floor of this one."""
        assert self.mixture.floor is not None, "as known_moments says"
        return type(self)(GaussianMixture.from_moments(total, 0.0, self.mixture.floor))

    def state(self) -> State:
        """Return the mixture as plain data and arrays."""
        return self.mixture.state()

    @classmethod
    def from_state(cls, plain: JsonField, n_latent: int) -> Promise["Density"]:
        """Check the plain data of :meth:`state`, and promise the mixture."""
        mixture = GaussianMixture.from_state(plain, n_latent)
        return Promise(mixture.arrays, lambda arrays: cls(mixture.build(arrays)))
