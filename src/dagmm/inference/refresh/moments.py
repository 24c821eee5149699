"""What new rows add to each density of a model, and what each makes of them.

A mixture is brought up to date by its moments: of the rows it describes, which the mixture tells,
and of the new ones, under the memberships that it gives them. That is one step of incremental EM
(Neal and Hinton, 1998): memberships of old rows, which are not there any more, stay as they were.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float, Float32, Int64

from dagmm._core.errors import ArgumentError
from dagmm._core.parallel import parallel_map
from dagmm.data.base import Chunk, Rows
from dagmm.inference.ensemble import Component, Ensemble
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.reference_values import every_sampled

_T = TypeVar("_T")

#: Blocks of rows, each of which is scored by mixtures that it is no part of.
N_BLOCKS = 4
#: Rows, at most, whose energies are kept; of longer tables they are taken evenly.
_MOST_ENERGIES = 2**20


class NewMoments(NamedTuple):
    """What new rows add up to."""

    of_blocks: list[list[Moments]]
    """By block and component."""
    sample: Float32[np.ndarray, "n_sampled n_inputs"]
    """Some of the encoded rows, evenly over the table."""


class NewEnergies(NamedTuple):
    """What components make of new rows, or of as many as are kept."""

    of_all: Float[np.ndarray, "n_components n_kept"]
    """By mixtures that the rows are part of."""
    of_others: Float[np.ndarray, "n_components n_kept"]
    """By mixtures that the rows are no part of, in nats."""


def moments_of(model: FittedModel, rows: Rows) -> NewMoments:
    """Add up the moments of a table under the memberships of a model, in one pass.

    Parameters
    ----------
    model : FittedModel
    rows : Rows
        At least as many as there are blocks.
    """
    every = every_sampled(rows.n_rows, model.n_inputs)

    def of_chunk(chunk: Chunk) -> tuple[np.ndarray, list[tuple[int, list[Moments]]]]:
        features = model.encoder.encode(chunk)
        latents, block = model.ensemble.latents(features), block_of(chunk, rows.n_rows)
        found = [
            (
                int(i),
                [
                    one.density.moments_of(z[:, block == i])
                    for one, z in zip(model.components, latents, strict=True)
                ],
            )
            for i in np.unique(block)
        ]
        return features[-chunk.start % every :: every], found

    samples: list[np.ndarray] = []
    totals: dict[int, list[Moments]] = {}
    for sample, found in _by_chunk(model, rows, of_chunk):
        samples.append(sample)
        for i, moments in found:
            totals[i] = _merged(totals[i], moments) if i in totals else moments
    return NewMoments([totals[i] for i in range(N_BLOCKS)], np.concatenate(samples))


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
    model: FittedModel, rows: Rows, weight: float, new: NewMoments
) -> tuple[tuple[Component, ...], NewEnergies]:
    """Merge new rows into a model, and score them by what they are part of and what they are not.

    Parameters
    ----------
    model : FittedModel
    rows : Rows
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
    blocks = new.of_blocks
    whole = with_new_moments(model, weight, blocks)
    without = [
        with_new_moments(model, weight, [*blocks[:i], *blocks[i + 1 :]]) for i in range(N_BLOCKS)
    ]
    every = -(-rows.n_rows // _MOST_ENERGIES)

    def of_chunk(chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
        kept = slice(-chunk.start % every, None, every)
        features, block = model.encoder.encode(chunk)[kept], block_of(chunk, rows.n_rows)[kept]
        latents = Ensemble(whole).latents(features)
        of_others = np.empty((len(whole), len(features)))
        for i in np.unique(block):
            own = block == i
            for energy, one, z in zip(of_others, without[i], latents, strict=True):
                energy[own] = one.density.energy(z[:, own])
        energies = [one.density.energy(z) for one, z in zip(whole, latents, strict=True)]
        return np.stack(energies), of_others

    parts = list(_by_chunk(model, rows, of_chunk))
    of_all, of_others = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return whole, NewEnergies(of_all, of_others)


def block_of(chunk: Chunk, n_rows: int) -> Int64[np.ndarray, " n_rows"]:
    """Return the block that each row of a chunk is in: neighbours are in the same."""
    return (chunk.start + np.arange(chunk.n_rows)) * N_BLOCKS // n_rows


def _by_chunk(model: FittedModel, rows: Rows, function: Callable[[Chunk], _T]) -> Iterator[_T]:
    return parallel_map(function, rows.only(model.columns).chunks(model.chunk_rows))


def _merged(before: Sequence[Moments], new: Sequence[Moments]) -> list[Moments]:
    return [a.merge(b) for a, b in zip(before, new, strict=True)]
