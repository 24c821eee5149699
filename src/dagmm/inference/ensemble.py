"""What gives a row an energy of its own, and how several such energies become one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from dagmm.inference.forward import Buffers, CompiledNetwork, chunks_of
from dagmm.mixture.combination import combine_scores, mean_scale, symmetric_exp, symmetric_log
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.input_space import InputMixture
from dagmm.mixture.kernel_density import DrawnMixtures, energies_of
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.networks.network import Architecture
from dagmm.preprocessing.row_views import FeatureMatrix

#: What gives a row an energy of its own.
Judge: TypeAlias = "Member | MarginalMixtures | InputMixture"
#: What judges rows beside the members.
Beside: TypeAlias = tuple[MarginalMixtures | None, InputMixture | None]
#: Makes one value for each row from the judges' energies, shape (n_judges, n_rows).
Joined: TypeAlias = Callable[[tuple["Judge", ...], np.ndarray], np.ndarray]

#: Stands for a coordinate of z that is not finite.
FARTHEST = 1e38


@dataclass(frozen=True)
class Member:
    """One trained network with its mixture, and the scale of its training energies.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,), float32
    mixture : GaussianMixture
    location, spread : float
        Median and interquartile range of the training energies, in nats.
    drawn : DrawnMixtures or None
        Mixtures whose energies are averaged with that of ``mixture``.
    """

    architecture: Architecture
    parameters: np.ndarray
    mixture: GaussianMixture
    location: float
    spread: float
    drawn: DrawnMixtures | None = None

    @property
    def drawn_components(self) -> tuple[int, ...]:
        """Number of components of each mixture beside the member's own."""
        return () if self.drawn is None else tuple(len(one.mu) for one in self.drawn.mixtures)

    def energy(self, features: FeatureMatrix) -> Float[np.ndarray, " n_rows"]:
        """Energy of any number of encoded rows under this member alone, in nats."""
        energy = np.empty(len(features))
        for part in chunks_of(features):
            energy[part] = self.start(Buffers.of(features[part], self.architecture))()
        return energy

    @cached_property
    def scorer(self) -> CompiledNetwork:
        """The network, its parameters on the device."""
        return CompiledNetwork(self.architecture, self.parameters)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what lies on the device."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def start(self, rows: Buffers) -> Callable[[], np.ndarray]:
        """Hand encoded rows over to the network; what is returned waits for their energies."""
        latent = self.scorer.start(rows)

        def finish() -> np.ndarray:
            z = latent()
            if not np.isfinite(z).all():
                # A row far beyond the training rows overflows the network: it is as far as can be.
                z = np.nan_to_num(z, nan=FARTHEST, posinf=FARTHEST, neginf=-FARTHEST)
            if self.drawn is None:
                return self.mixture.energy(z)
            return self.drawn.join(energies_of((self.mixture, *self.drawn.mixtures), z))

        return finish


def combine(
    judges: tuple[Judge, ...], energies: Float[np.ndarray, "n_judges n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """One energy for each row from those of all judges, in nats; see :func:`combine_scores`."""
    return np.asarray(combine_scores(energies, *scales_of(judges), shares_of(judges)))


def combine_held_out(
    judges: tuple[Judge, ...],
    parts: Iterable[tuple[tuple[Judge, ...], np.ndarray]],
) -> Float[np.ndarray, " n_held_out"]:
    """One energy for each row that some of the judges were not fitted to, in nats.

    Parameters
    ----------
    judges : tuple of Member, MarginalMixtures or InputMixture
        All of a model, on whose scale the energies are put, to be compared with those of
        :func:`combine`.
    parts : iterable of (judges, ndarray of shape (n_judges, n_rows))
        Some rows after others: who was not fitted to them, and the energies they give.
    """
    onto = mean_scale(*scales_of(judges), shares_of(judges))
    return np.concatenate(
        [
            combine_scores(energies, *scales_of(some), shares_of(some), onto)
            for some, energies in parts
        ]
    )


def disagreement(
    judges: tuple[Judge, ...], energies: Float[np.ndarray, "n_judges n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """How much the members disagree about each row, in nats.

    Half the distance between the energies that lie one standard deviation of the members below
    and above their mean, taken on the scale on which :func:`combine_scores` averages.

    Parameters
    ----------
    judges : tuple of Member, MarginalMixtures or InputMixture
        Members first.
    energies : ndarray of shape (n_judges, n_rows)

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    members = tuple(judge for judge in judges if isinstance(judge, Member))
    location, spread = scales_of(members)
    relative = symmetric_log((energies[: len(members)] - location[:, None]) / spread[:, None])
    mean, deviation = relative.mean(axis=0), relative.std(axis=0)
    width = symmetric_exp(mean + deviation) - symmetric_exp(mean - deviation)
    return np.asarray(0.5 * spread.mean() * width)


def scales_of(judges: tuple[Judge, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Location and spread of the training energies of each."""
    location, spread = (
        np.array([getattr(judge, name) for judge in judges]) for name in ("location", "spread")
    )
    return location, spread


def shares_of(judges: tuple[Judge, ...]) -> np.ndarray | None:
    """Return what each counts in the mean, with sum 1; None where all count alike."""
    beside = [judge.share for judge in judges if not isinstance(judge, Member)]
    if not beside:
        return None
    n_members = len(judges) - len(beside)
    return np.array([(1.0 - sum(beside)) / n_members] * n_members + beside)
