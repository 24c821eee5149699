"""The ensemble: densities of what networks make of a row, and of the row itself, made one energy.

A model is a tuple of components. Each has a transform (a trained network, whose z it looks at, or
none: the encoded row), a density, the scale of its training energies, and what it counts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from dagmm._core.parallel import parallel_map
from dagmm.inference.forward import Buffers, CompiledNetwork, chunks_of, decoded_rows
from dagmm.mixture.combination import combine_scores, mean_scale, symmetric_exp, symmetric_log
from dagmm.mixture.density import Density
from dagmm.networks.network import Architecture
from dagmm.preprocessing.row_views import FeatureMatrix

#: Stands for a coordinate of z that is not finite.
FARTHEST = 1e38

#: Makes one value for each row of the components' energies, shape (n_components, n_rows).
Combination: TypeAlias = Callable[[Sequence["Component"], np.ndarray], np.ndarray]


class EncodedRows:
    """Some encoded rows that all transforms take: in buffers, which networks of one width share.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features), float32
    """

    def __init__(self, features: Float[np.ndarray, "n_rows n_features"]) -> None:
        self.features = features
        self._buffers: dict[int, Buffers] = {}

    def buffers(self, network: CompiledNetwork) -> Buffers:
        """Return the rows as a network's program takes them."""
        width = network.padding.wide.n_features
        if width not in self._buffers:
            self._buffers[width] = Buffers.of(self.features, network.padding.architecture)
        return self._buffers[width]


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network: z is its code and residual features.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,), float32
    """

    architecture: Architecture
    parameters: np.ndarray

    @cached_property
    def compiled(self) -> CompiledNetwork:
        """The network, its parameters on the device."""
        return CompiledNetwork(self.architecture, self.parameters)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what lies on the device."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def latent(
        self, features: Float[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, "n_latent n_rows"]:
        """Z of encoded rows."""
        return self.start(EncodedRows(features))()

    def decode(
        self, code: Float[np.ndarray, "n_code n_rows"]
    ) -> Float[np.ndarray, "n_rows n_features"]:
        """Return the encoded rows that codes stand for."""
        return decoded_rows(self.architecture, self.parameters, code)

    def start(self, rows: EncodedRows) -> Callable[[], np.ndarray]:
        """Hand rows over; several networks that are started before one is waited for run at once.

        A row far beyond the training rows overflows the network: it is as far as can be.
        """
        latent = self.compiled.start(rows.buffers(self.compiled))
        return lambda: np.nan_to_num(
            latent(), copy=False, nan=FARTHEST, posinf=FARTHEST, neginf=-FARTHEST
        )


@dataclass(frozen=True)
class Identity:
    """No transform: z is the encoded row."""

    def start(self, rows: EncodedRows) -> Callable[[], np.ndarray]:
        """Return the rows, laid along the last axis."""
        return lambda: rows.features.T


@dataclass(frozen=True)
class Component:
    """A density of the ensemble.

    Parameters
    ----------
    transform : TrainedNetwork or Identity
        What makes the z that the density is of.
    density : Density
    location, spread : float
        Median and interquartile range of its training energies, in nats.
    weight : float
        What it counts in the mean of all; those of a model add up to 1.
    """

    transform: TrainedNetwork | Identity
    density: Density
    location: float = 0.0
    spread: float = 1.0
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


def energies_of(
    components: Sequence[Component], features: Float[np.ndarray, "n_rows n_features"]
) -> Float[np.ndarray, "n_components n_rows"]:
    """Energy of encoded rows under each component, in nats."""
    made = latents_of(components, features)
    return np.stack([one.density.energy(z) for one, z in zip(components, made, strict=True)])


def energies_of_all(
    components: Sequence[Component], features: FeatureMatrix
) -> Float[np.ndarray, "n_components n_rows"]:
    """Energy of any number of encoded rows under each component, on all cores, in nats."""
    energies = np.empty((len(components), len(features)))

    def of_part(part: slice) -> tuple[slice, np.ndarray]:
        return part, energies_of(components, features[part])

    for part, found in parallel_map(of_part, chunks_of(features)):
        energies[:, part] = found
    return energies


def latents_of(
    components: Sequence[Component], features: Float[np.ndarray, "n_rows n_features"]
) -> list[np.ndarray]:
    """Make what each component's density is of, shape (n_latent, n_rows); once a network."""
    rows = EncodedRows(features)
    transforms = {id(one.transform): one.transform for one in components}
    # All are started before the first is waited for, so that they run side by side.
    started = {key: transform.start(rows) for key, transform in transforms.items()}
    made = {key: finish() for key, finish in started.items()}
    return [made[id(one.transform)] for one in components]


def combine(
    components: Sequence[Component], energies: Float[np.ndarray, "n_components n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """One energy for each row from those of all components; see :func:`combine_scores`."""
    return np.asarray(combine_scores(energies, *scales_of(components), weights_of(components)))


def combine_held_out(
    components: Sequence[Component],
    parts: Iterable[tuple[Sequence[Component], np.ndarray]],
) -> Float[np.ndarray, " n_held_out"]:
    """One energy for each row that some of the components were not fitted to, in nats.

    Parameters
    ----------
    components : sequence of Component
        All of a model, on whose scale the energies are put, to be compared with those of
        :func:`combine`.
    parts : iterable of (components, ndarray of shape (n_some, n_rows))
        Some rows after others: which components were not fitted to them, and their energies.
    """
    onto = mean_scale(*scales_of(components), weights_of(components))
    return np.concatenate(
        [
            combine_scores(energies, *scales_of(some), weights_of(some), onto)
            for some, energies in parts
        ]
    )


def disagreement(
    components: Sequence[Component], energies: Float[np.ndarray, "n_components n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """How much the networks disagree about each row, in nats.

    Half the distance between the energies that lie one standard deviation of the networks below
    and above their mean, taken on the scale on which :func:`combine_scores` averages.

    Parameters
    ----------
    components : sequence of Component
    energies : ndarray of shape (n_components, n_rows)

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    location, spread = scales_of(components)
    relative = symmetric_log((energies - location[:, None]) / spread[:, None])
    groups = [
        np.array([one.transform is network for one in components])
        for network in networks_of(components)
    ]
    weight = weights_of(components)
    of_networks = np.stack(
        [np.average(relative[group], axis=0, weights=weight[group]) for group in groups]
    )
    mean, deviation = of_networks.mean(axis=0), of_networks.std(axis=0)
    width = symmetric_exp(mean + deviation) - symmetric_exp(mean - deviation)
    return np.asarray(0.5 * np.mean([spread[group].mean() for group in groups]) * width)


def networks_of(components: Sequence[Component]) -> tuple[TrainedNetwork, ...]:
    """Return the networks of an ensemble, in their order."""
    networks: list[TrainedNetwork] = []
    for component in components:
        transform = component.transform
        if isinstance(transform, TrainedNetwork) and all(transform is not n for n in networks):
            networks.append(transform)
    return tuple(networks)


def scales_of(components: Sequence[Component]) -> tuple[np.ndarray, np.ndarray]:
    """Location and spread of the training energies of each."""
    location = np.array([component.location for component in components])
    return location, np.array([component.spread for component in components])


def weights_of(components: Sequence[Component]) -> np.ndarray:
    """Return what each counts in the mean."""
    return np.array([component.weight for component in components])
