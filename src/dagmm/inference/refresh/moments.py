"""What new rows add to each density of a model, and what each makes of them.

A mixture is brought up to date by its moments: of the rows it describes, which the mixture tells,
and of the new ones, under the memberships that it gives them. That is one step of incremental EM
(Neal and Hinton, 1998): memberships of old rows, which are not there any more, stay as they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from dagmm._core.errors import ArgumentError
from dagmm.inference.ensemble import Component, Ensemble
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.refresh.new_rows import N_BLOCKS, NewRows
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.reference_values import every_sampled

#: Rows, at most, whose energies are kept; of longer tables they are taken evenly.
_MOST_ENERGIES = 2**20


class NewMoments(NamedTuple):
    """What new rows add up to."""

    parts: Mapping[int, list[Moments]]
    """By component, of rows that must say nothing of the same blocks, by
    :meth:`~dagmm.inference.refresh.new_rows.NewRows.near`."""
    sample: Float32[np.ndarray, "n_sampled n_inputs"]
    """Some of the encoded rows, or windows, evenly over the table."""

    def without(self, block: int) -> list[list[Moments]]:
        """Return those of the rows that may say something of a block."""
        return [part for near, part in self.parts.items() if not near >> block & 1]


class NewEnergies(NamedTuple):
    """What components make of new rows, or of as many as are kept."""

    of_all: Float[np.ndarray, "n_components n_kept"]
    """By mixtures that the rows are part of."""
    of_others: Float[np.ndarray, "n_components n_kept"]
    """By mixtures that the rows are no part of, in nats."""


def moments_of(model: FittedModel, rows: NewRows) -> NewMoments:
    """Add up the moments of new rows under the memberships of a model, in one pass.

    Parameters
    ----------
    model : FittedModel
    rows : NewRows
        At least as many as there are blocks.
    """
    every = every_sampled(rows.n_rows, model.n_inputs)

    def of_part(start: int, inputs: np.ndarray) -> tuple[np.ndarray, dict[int, list[Moments]]]:
        latents = model.ensemble.latents(inputs)
        near = rows.near(start + np.arange(len(inputs)))
        found = {
            int(blocks): [
                one.density.moments_of(z[:, near == blocks])
                for one, z in zip(model.components, latents, strict=True)
            ]
            for blocks in np.unique(near)
        }
        return inputs[-start % every :: every], found

    samples: list[np.ndarray] = []
    totals: dict[int, list[Moments]] = {}
    for sample, found in rows.each(of_part):
        samples.append(sample)
        for blocks, moments in found.items():
            before = totals.get(blocks)
            totals[blocks] = moments if before is None else _merged(before, moments)
    return NewMoments(dict(sorted(totals.items())), np.concatenate(samples))


def with_new_moments(
    model: FittedModel, weight: float, parts: Sequence[Sequence[Moments]]
) -> tuple[Component, ...]:
    """Merge new moments into the densities of a model.

    Parameters
    ----------
    model : FittedModel
    weight : float
        How many new rows the old ones count.
    parts : sequence of sequence of Moments
        Of the new rows, by component.

    Raises
    ------
    ArgumentError
        If a density is not one that moments describe.
    """
    made = []
    for i, one in enumerate(model.components):
        known = one.density.known_moments(weight)
        if known is None:
            raise ArgumentError(
                f"update: new rows cannot be merged into a density of kind {one.density.kind!r} "
                "of this model, of which no moments are kept; fit the model again."
            )
        total = reduce(Moments.merge, (part[i] for part in parts), known)
        made.append(replace(one, density=one.density.with_moments(total)))
    return tuple(made)


def energies_of(
    model: FittedModel, rows: NewRows, weight: float, new: NewMoments
) -> tuple[tuple[Component, ...], NewEnergies]:
    """Merge new rows into a model, and score them by what they are part of and what they are not.

    Parameters
    ----------
    model : FittedModel
    rows : NewRows
    weight : float
        How many new rows the old ones count.
    new : NewMoments
        Of these rows.

    Returns
    -------
    components : tuple of Component
        Of the model, with the new rows in them and surprisals as they were.
    energies : NewEnergies
    """
    whole = with_new_moments(model, weight, list(new.parts.values()))
    without = [with_new_moments(model, weight, new.without(i)) for i in range(N_BLOCKS)]
    every = -(-rows.n_rows // _MOST_ENERGIES)

    def of_part(start: int, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kept = slice(-start % every, None, every)
        block, inputs = rows.blocks(start + np.arange(len(inputs)))[kept], inputs[kept]
        latents = Ensemble(whole).latents(inputs)
        of_others = np.empty((len(whole), len(inputs)))
        for i in np.unique(block):
            own = block == i
            for energy, one, z in zip(of_others, without[i], latents, strict=True):
                energy[own] = one.density.energy(z[:, own])
        energies = [one.density.energy(z) for one, z in zip(whole, latents, strict=True)]
        return np.stack(energies), of_others

    parts = list(rows.each(of_part))
    of_all, of_others = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return whole, NewEnergies(of_all, of_others)


def _merged(before: Sequence[Moments], new: Sequence[Moments]) -> list[Moments]:
    return [a.merge(b) for a, b in zip(before, new, strict=True)]
