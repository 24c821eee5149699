"""The ensemble: densities of what networks make of a row, and of the row itself, made one energy.

A model is a tuple of components. Each has a transform (a trained network, whose z or whole row it
looks at, or none: the encoded row; both may see rows as they are or their normal scores), a
density, the surprisal of its energies, and what it counts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import AnyArray, is_known
from dagmm._core.parallel import parallel_map
from dagmm.inference.chunks import chunks_of
from dagmm.inference.forward import (
    DenseNetworks,
    Outputs,
    blocks_of,
    compiled_networks,
    decoded_rows,
    outputs_of,
)
from dagmm.inference.surprisal import Surprisal
from dagmm.mixture.density import Density
from dagmm.networks.network import Architecture
from dagmm.networks.residual import RESIDUALS
from dagmm.preprocessing.input_part import InputPart
from dagmm.preprocessing.row_views import FeatureMatrix, RowView

if TYPE_CHECKING:
    from dagmm.inference.compiled import Buffers, CompiledNetwork

#: Most that a coordinate of z is, and what stands for one that is not finite.
FARTHEST = 1e38

#: Makes one value for each row of the components' energies, shape (n_components, n_rows).
Combination: TypeAlias = Callable[[Sequence["Component"], np.ndarray], np.ndarray]


class EncodedRows:
    """Some encoded rows that all transforms take: each view, and blocks of it, made once.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features), float32
    """

    def __init__(self, features: Float[np.ndarray, "n_rows n_features"]) -> None:
        self.n_rows = len(features)
        self._seen: dict[int, np.ndarray] = {id(None): features}
        self._blocks: dict[int, np.ndarray] = {}
        self._buffers: dict[int, Buffers] = {}

    def seen_as(self, view: RowView | None) -> Float[np.ndarray, "n_rows n_features"]:
        """Return the rows as a view shows them."""
        if id(view) not in self._seen:
            assert view is not None, "the rows as they are come first"
            self._seen[id(view)] = view(self._seen[id(None)])
        return self._seen[id(view)]

    def blocks(self, view: RowView | None) -> Float[np.ndarray, "n_blocks n_features block_rows"]:
        """Return the rows in blocks, as dense networks take them."""
        if id(view) not in self._blocks:
            self._blocks[id(view)] = blocks_of(self.seen_as(view).T)
        return self._blocks[id(view)]

    def buffers(self, view: RowView | None) -> "Buffers":
        """Return the rows as compiled networks take them."""
        if id(view) not in self._buffers:
            self._buffers[id(view)] = compiled_networks().Buffers.of(self.seen_as(view))
        return self._buffers[id(view)]


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network: what densities see of a row is z, or its code and residuals.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
        In float32, or in float64 where the network is to compute so.
    view : NormalScores, InputPart or None
        As what it sees encoded rows; None for the rows as they are.
    """

    architecture: Architecture
    parameters: np.ndarray
    view: RowView | None = None

    @cached_property
    def compiled(self) -> "CompiledNetwork":
        """The network, its parameters on the device."""
        return compiled_networks().CompiledNetwork(self.architecture, self.parameters)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what lies on the device."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def viewed(
        self, features: Float[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, "n_rows n_shown"]:
        """Return encoded rows as the network sees them."""
        return features if self.view is None else self.view(features)

    def outputs(self, features: Float[np.ndarray, "n_rows n_features"]) -> Outputs:
        """Everything that the network makes of encoded rows, dropout off."""
        return outputs_of(self.architecture, self.parameters, self.viewed(features))

    def latent(
        self, features: Float[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, "n_latent n_rows"]:
        """Z of encoded rows: their code and residual features."""
        seen = self.seen(features)
        if not self.architecture.whole_row:
            return seen
        x, n_code = self.viewed(features).T, self.architecture.n_code
        # In blocks, as sums over features round by how many rows there are.
        rows, rebuilt = (blocks_of(one, seen.dtype) for one in (x, x - seen[n_code:]))
        residual = [
            RESIDUALS[name](rows, rebuilt).reshape(1, -1)[:, : len(features)]
            for name in self.architecture.residuals
        ]
        return np.concatenate([seen[:n_code], *residual])

    def decode(
        self, code: Float[np.ndarray, "n_code n_rows"]
    ) -> Float[np.ndarray, "n_rows n_features"]:
        """Return the encoded rows that codes stand for, in float32 as all encoded rows are."""
        assert not isinstance(self.view, InputPart), "a part does not tell the others"
        rows = decoded_rows(self.architecture, self.parameters, code)
        rows = rows.astype(np.float32, copy=False)
        return rows if self.view is None else self.view.values_of(rows)

    def seen(
        self, features: Float[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, "n_seen n_rows"]:
        """Return what densities see of encoded rows."""
        return SideBySide([self]).seen(EncodedRows(features))[0]


class SideBySide:
    """Trained networks, ready to run on the same rows.

    Parameters
    ----------
    networks : sequence of TrainedNetwork
    """

    def __init__(self, networks: Sequence[TrainedNetwork]) -> None:
        self._networks = networks
        kinds: dict[tuple[Architecture, np.dtype], list[int]] = {}
        for i, network in enumerate(networks):
            if not network.architecture.is_compiled:
                kind = network.architecture, network.parameters.dtype
                kinds.setdefault(kind, []).append(i)
        self._dense = [
            (own, DenseNetworks(kind, [networks[i].parameters for i in own]))
            for (kind, _), own in kinds.items()
        ]

    def seen(self, rows: EncodedRows) -> list[Float[np.ndarray, "n_seen n_rows"]]:
        """Return what densities see of rows by each network.

        A row far beyond the training rows overflows a network: it is as far as can be.
        """
        # All are started before the first is waited for, so that they run side by side.
        waiting = {
            i: network.compiled.start(rows.buffers(network.view))
            for i, network in enumerate(self._networks)
            if network.architecture.is_compiled
        }
        found = {i: finish() for i, finish in waiting.items()}
        for own, dense in self._dense:
            shown = [rows.blocks(self._networks[i].view) for i in own]
            found |= zip(own, dense.seen(shown, rows.n_rows), strict=True)
        return [bounded(found[i]) for i in range(len(self._networks))]


def bounded(seen: Float[AnyArray, "n_seen n_rows"]) -> Float[AnyArray, "n_seen n_rows"]:
    """Return what densities see with numbers alone that are no farther than can be."""
    if is_known((np.abs(seen) <= FARTHEST).all()):
        return seen
    seen = np.nan_to_num(seen, copy=False, nan=FARTHEST, posinf=FARTHEST, neginf=-FARTHEST)
    return np.clip(seen, -FARTHEST, FARTHEST)


@dataclass(frozen=True)
class Identity:
    """No network: what a density sees is the encoded row.

    Parameters
    ----------
    view : NormalScores, InputPart or None
    """

    view: RowView | None = None


@dataclass(frozen=True)
class Component:
    """A density of the ensemble.

    Parameters
    ----------
    transform : TrainedNetwork or Identity
        What makes the z that the density is of.
    density : Density
    surprisal : Surprisal or None
        Of its energies among those of rows that it was not fitted to, where there are any; None
        for a model's only component, whose energy is the model's.
    weight : float
        What it counts in the mean of all; those of a model add up to 1.
    """

    transform: TrainedNetwork | Identity
    density: Density
    surprisal: Surprisal | None = None
    weight: float = 1.0


def with_shares(components: Iterable[Component]) -> tuple[Component, ...]:
    """Scale weights to sum 1: densities of encoded rows keep theirs, networks share what is left.

    So a density of encoded rows counts the same however many networks there are.
    """
    parts = [(one, isinstance(one.transform, TrainedNetwork)) for one in components]
    taken = sum(one.weight for one, is_latent in parts if not is_latent)
    total = sum(one.weight for one, is_latent in parts if is_latent)
    return tuple(
        replace(one, weight=(1.0 - taken) * one.weight / total) if is_latent else one
        for one, is_latent in parts
    )


class Ensemble:
    """Components, and their networks ready to run.

    Parameters
    ----------
    components : sequence of Component
    """

    def __init__(self, components: Sequence[Component]) -> None:
        self.components = tuple(components)
        self._networks = networks_of(components)
        self._side_by_side = SideBySide(self._networks)

    def latents(self, features: Float[np.ndarray, "n_rows n_features"]) -> list[np.ndarray]:
        """Make what each component's density is of, shape (n_seen, n_rows); once a transform."""
        rows = EncodedRows(features)
        made = {
            id(network): seen
            for network, seen in zip(self._networks, self._side_by_side.seen(rows), strict=True)
        }
        return [
            made[id(one.transform)]
            if isinstance(one.transform, TrainedNetwork)
            else rows.seen_as(one.transform.view).T
            for one in self.components
        ]

    def energies(
        self, features: Float[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, "n_components n_rows"]:
        """Energy of encoded rows under each component, in nats."""
        energies = np.empty((len(self.components), len(features)))
        for one, z, energy in zip(self.components, self.latents(features), energies, strict=True):
            energy[:] = one.density.energy(z)
        return energies


def energies_of(
    components: Sequence[Component], features: Float[np.ndarray, "n_rows n_features"]
) -> Float[np.ndarray, "n_components n_rows"]:
    """Energy of encoded rows under each component, in nats."""
    return Ensemble(components).energies(features)


def energies_of_all(
    components: Sequence[Component], features: FeatureMatrix
) -> Float[np.ndarray, "n_components n_rows"]:
    """Energy of any number of encoded rows under each component, on all cores, in nats."""
    energies, ensemble = np.empty((len(components), len(features))), Ensemble(components)

    def of_part(part: slice) -> tuple[slice, np.ndarray]:
        return part, ensemble.energies(features[part])

    for part, found in parallel_map(of_part, chunks_of(features)):
        energies[:, part] = found
    return energies


def combine(
    components: Sequence[Component],
    energies: Sequence[AnyArray] | Float[AnyArray, "n_components n_rows"],
) -> Float[AnyArray, " n_rows"]:
    """One energy for each row from those of all components, in nats.

    The mean of the components' surprisals by their weights; of a component that has no
    surprisal, which is a model's only one, its energy.
    """
    if len(components) == 1 and components[0].surprisal is None:
        return energies[0]
    # Not a matrix product, which rounds by the number of rows.
    energy: Any = 0.0
    for one, of_one in zip(components, energies, strict=True):
        energy = energy + one.weight * _surprisal_of(one, of_one)
    return energy


def surprisals_of(
    components: Sequence[Component], energies: Float[np.ndarray, "n_components n_rows"]
) -> Float[np.ndarray, "n_components n_rows"]:
    """Surprisal of each energy among those that the component knows, in nats."""
    return np.stack(
        [_surprisal_of(one, energy) for one, energy in zip(components, energies, strict=True)]
    )


def _surprisal_of(
    component: Component, energy: Float[AnyArray, " n_rows"]
) -> Float[AnyArray, " n_rows"]:
    return energy if component.surprisal is None else component.surprisal(energy)


def combined_slopes(
    components: Sequence[Component], energies: Float[np.ndarray, "n_components n_rows"]
) -> Float[np.ndarray, "n_components n_rows"]:
    """Slope of the energy that :func:`combine` makes, by each of the energies."""
    return np.stack(
        [
            np.full(len(energy), one.weight)
            if one.surprisal is None
            else one.weight * one.surprisal.slope(energy)
            for one, energy in zip(components, energies, strict=True)
        ]
    )


def disagreement(
    components: Sequence[Component], energies: Float[np.ndarray, "n_components n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """How much the networks disagree about each row: the deviation of their surprisals, in nats.

    Parameters
    ----------
    components : sequence of Component
    energies : ndarray of shape (n_components, n_rows)

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    surprisals, weight = surprisals_of(components, energies), weights_of(components)
    of_networks = []
    for network in networks_of(components):
        own = [i for i, one in enumerate(components) if one.transform is network]
        of_networks.append(np.average(surprisals[own], axis=0, weights=weight[own]))
    return np.asarray(np.std(of_networks, axis=0))


def networks_of(components: Sequence[Component]) -> tuple[TrainedNetwork, ...]:
    """Return the networks of an ensemble, in their order."""
    networks: list[TrainedNetwork] = []
    for component in components:
        transform = component.transform
        if isinstance(transform, TrainedNetwork) and all(transform is not n for n in networks):
            networks.append(transform)
    return tuple(networks)


def views_of(components: Sequence[Component]) -> tuple[RowView, ...]:
    """Return the views that an ensemble sees rows by, but for the rows as they are."""
    views = {id(one.transform.view): one.transform.view for one in components}
    return tuple(view for view in views.values() if view is not None)


def weights_of(components: Sequence[Component]) -> np.ndarray:
    """Return what each counts in the mean."""
    return np.array([component.weight for component in components])
