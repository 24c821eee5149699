"""From a trained network to a member: its mixture fixed, its training energies measured."""

from typing import NamedTuple, TypeAlias

import numpy as np

from dagmm.inference.ensemble import Member
from dagmm.inference.forward import chunks_of, latent_rows, outputs_of
from dagmm.mixture.combination import scale_of
from dagmm.mixture.em import fit_by_bic, moments_under
from dagmm.mixture.gaussian import GaussianMixture, Moments
from dagmm.mixture.kernel_density import DrawnMixtures, KernelDensity, energies_of
from dagmm.networks.network import Architecture
from dagmm.preprocessing.row_views import FeatureMatrix
from dagmm.training.diagnostics import check_untrained
from dagmm.training.presets import DetectorConfig
from dagmm.training.trainer import TrainedMember

#: A member, and the energies of the rows that are held, in nats.
Finished: TypeAlias = tuple[Member, np.ndarray]


class MixtureFit(NamedTuple):
    """A member whose mixture is not fixed yet."""

    architecture: Architecture
    parameters: np.ndarray
    chosen: GaussianMixture | None
    """What gives memberships instead of the estimation network."""
    drawn: tuple[KernelDensity, ...]
    """Mixtures beside the one that is to be fixed."""

    def moments_of(self, features: np.ndarray) -> Moments:
        """Moments of any rows, for the mixture to be fixed from."""
        if self.chosen is None:
            return latent_moments(self.architecture, self.parameters, features)[1]
        z = latent_rows(self.architecture, self.parameters, features)
        return moments_under(self.chosen, z)[0]

    def mixture_from(
        self, moments: Moments, recipe: DetectorConfig, relative_floor: float
    ) -> GaussianMixture:
        """Fix the mixture from moments of all rows."""
        mixture = GaussianMixture.from_moments(moments, relative_floor)
        return mixture if self.chosen is None else mixture.without(recipe.least_phi)

    def energies(self, mixture: GaussianMixture, z: np.ndarray) -> np.ndarray:
        """Energies of rows under all mixtures of the member, shape (n_mixtures, n_rows)."""
        return energies_of((mixture, *self.drawn), z)

    def member(self, mixture: GaussianMixture, energies: np.ndarray) -> Finished:
        """Return the member, on the scale of the energies of the rows that are held."""
        drawn = DrawnMixtures.of(self.drawn, energies) if self.drawn else None
        energy = energies[0] if drawn is None else drawn.join(energies)
        location, spread = scale_of(energy)
        member = Member(self.architecture, self.parameters, mixture, location, spread, drawn)
        return member, energy


def sketch(
    architecture: Architecture,
    result: TrainedMember,
    features: FeatureMatrix,
    recipe: DetectorConfig,
    relative_floor: float,
    rng: np.random.Generator,
) -> tuple[MixtureFit, np.ndarray, Moments]:
    """Look at the rows that are held, dropout off, and choose how many components they need.

    A network that training drove so far that it overflows is of no use: the one before training
    takes its place, and the verdict says so.

    Returns
    -------
    sketch : MixtureFit
    z : ndarray of shape (n_latent, n_rows), float32
        Of these rows.
    moments : Moments
        Of the same rows, under the memberships that the estimation network gives them.

    Raises
    ------
    ArgumentError
        If the network overflows even before training.
    """
    parameters = result.parameters
    z, moments = latent_moments(architecture, parameters, features)
    if not all(np.isfinite(part).all() for part in (z, *moments)):
        parameters = result.initial
        z, moments = latent_moments(architecture, parameters, features)
        check_untrained(z, *moments)
    chosen = None
    if recipe.components:
        chosen = fit_by_bic(z, recipe.components, relative_floor, rng)
    drawn = tuple(
        KernelDensity.draw(z, architecture.n_code, n_components, rng)
        for n_components in recipe.drawn_components
    )
    return MixtureFit(architecture, parameters, chosen, drawn), z, moments


def latent_moments(
    architecture: Architecture, parameters: np.ndarray, features: FeatureMatrix
) -> tuple[np.ndarray, Moments]:
    """Z of all rows, and the moments of the memberships the estimation network gives them."""
    z = np.empty((architecture.n_latent, len(features)), np.float32)
    total: Moments | None = None
    for part in chunks_of(features):
        z[:, part], gamma, _ = outputs_of(architecture, parameters, features[part])
        moments = Moments.of(z[:, part].astype(np.float64), gamma.astype(np.float64))
        total = moments if total is None else total.merge(moments)
    assert total is not None, "there is at least one row"
    return z, total


def finish_member(
    architecture: Architecture,
    result: TrainedMember,
    features: FeatureMatrix,
    recipe: DetectorConfig,
    relative_floor: float,
    rng: np.random.Generator,
) -> Finished:
    """Fix the mixture from all rows that are held, and measure their energies.

    Raises
    ------
    ArgumentError
        If the network overflows even before training.
    """
    one, z, moments = sketch(architecture, result, features, recipe, relative_floor, rng)
    if one.chosen is not None:
        moments = moments_under(one.chosen, z)[0]
    mixture = one.mixture_from(moments, recipe, relative_floor)
    return one.member(mixture, one.energies(mixture, z))
