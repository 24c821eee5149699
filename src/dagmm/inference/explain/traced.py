"""A fitted model's energy inside compiled programs, for searches and gradients.

In float32, without mixtures about many drawn rows, which would take most of the time, and a row
that was drawn is judged by itself as well: it decides where to look. Energies that are reported
come from the model itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm.inference.ensemble import Member, scales_of, shares_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.combination import combine_scores, mean_scale
from dagmm.mixture.gaussian import energy as mixture_energy
from dagmm.mixture.gaussian import whitened_energy
from dagmm.mixture.input_space import InputMixture
from dagmm.mixture.kernel_density import DrawnMixtures, SphericalTerms, spherical_energy
from dagmm.mixture.marginal import MarginalMixtures, marginal_energies
from dagmm.networks.network import Architecture

#: Mixtures about more drawn rows are left out.
MOST_COMPONENTS = 128


class _Drawn(NamedTuple):
    """The arrays of the mixtures beside a member's own, float32."""

    mixtures: tuple[tuple[Array, Array], ...]
    """Mu and deviation of each."""
    location: Array
    spread: Array
    onto: tuple[Array, Array]
    """Location and spread that all of them are put back on, those that are left out as well."""

    @classmethod
    def of(cls, drawn: DrawnMixtures) -> "_Drawn":
        few = [i for i, one in enumerate(drawn.mixtures) if len(one.mu) <= MOST_COMPONENTS]
        mixtures = [
            (
                drawn.mixtures[i].mu.astype(np.float32),
                drawn.mixtures[i].deviation.astype(np.float32),
            )
            for i in few
        ]
        kept = [0, *(1 + i for i in few)]  # that of the member's own comes first
        location, spread = (
            scale[kept].astype(np.float32) for scale in (drawn.location, drawn.spread)
        )
        at, width = mean_scale(drawn.location, drawn.spread)
        return cls(
            tuple(mixtures),
            location,
            spread,
            (np.asarray(at, np.float32), np.asarray(width, np.float32)),
        )

    def joined(
        self, energy: Float[Array, " n_rows"], z: Float[Array, "n_latent n_rows"]
    ) -> Float[Array, " n_rows"]:
        """Energy of rows under the member's own mixture and these."""
        others = [spherical_energy(z, SphericalTerms.of(*mixture)) for mixture in self.mixtures]
        energies = jnp.stack([energy, *others])
        return combine_scores(energies, self.location, self.spread, onto=self.onto)


class TracedModel(NamedTuple):
    """The arrays of a model's members, float32."""

    parameters: tuple[Array, ...]
    mixtures: tuple[tuple[Array, Array, Array], ...]
    """Phi, mu and chol of each member."""
    drawn: tuple["_Drawn | None", ...]
    """Mixtures beside that of each member."""
    columns: tuple[Array, Array, Array] | None
    """Terms of the mixtures of columns; see :func:`marginal_energies`."""
    rows: tuple[Array, Array, Array] | None
    """Terms of the mixture of the rows; see :func:`whitened_energy`."""
    location: Array
    spread: Array
    """Of the training energies of each judge."""
    share: Array | None
    """Of each judge in their mean."""

    @classmethod
    def of(cls, model: FittedModel) -> "TracedModel":
        """Arrays of a model."""
        (location, spread), share = scales_of(model.judges), shares_of(model.judges)
        return cls(
            tuple(member.parameters for member in model.members),
            tuple(_mixture(member) for member in model.members),
            tuple(_drawn(member) for member in model.members),
            _columns(model.column_mixtures),
            _rows(model.row_mixture),
            location.astype(np.float32),
            spread.astype(np.float32),
            None if share is None else share.astype(np.float32),
        )

    def energy(
        self,
        architectures: Sequence[Architecture],
        x: Float[Array, "n_features n_rows"],
        of_columns: Float[Array, " n_rows"] | None = None,
    ) -> Float[Array, " n_rows"]:
        """Energy of rows that lie along the last axis, as :meth:`FittedModel.energy` has it.

        ``of_columns`` is that under the mixtures of columns alone, where it is known already.
        """
        energies = []
        for architecture, parameters, mixture, drawn in zip(
            architectures, self.parameters, self.mixtures, self.drawn, strict=True
        ):
            z, _ = architecture.unflatten(parameters).latent(x)
            energy = mixture_energy(z, *mixture)
            energies.append(energy if drawn is None else drawn.joined(energy, z))
        if self.columns is not None:
            if of_columns is None:
                of_columns = marginal_energies(x.T, *self.columns).sum(axis=1)
            energies.append(of_columns)
        if self.rows is not None:
            energies.append(whitened_energy(x, *self.rows))
        return combine_scores(jnp.stack(energies), self.location, self.spread, self.share)


def _columns(
    mixtures: MarginalMixtures | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    return None if mixtures is None else mixtures.terms


def _rows(rows: InputMixture | None) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    if rows is None:
        return None
    mu, whitening, log_peak = (part.astype(np.float32) for part in rows.mixture.terms)
    return mu, whitening, log_peak


def _mixture(member: Member) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    phi, mu, chol = (getattr(member.mixture, name) for name in ("phi", "mu", "chol"))
    return phi.astype(np.float32), mu.astype(np.float32), chol.astype(np.float32)


def _drawn(member: Member) -> _Drawn | None:
    return None if member.drawn is None else _Drawn.of(member.drawn)
