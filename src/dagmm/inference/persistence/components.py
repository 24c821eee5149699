"""The ensemble, saved and back: its networks, and its components; every field is checked."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dagmm._core.atomic_files import ArraySpecs
from dagmm._core.json_fields import JsonField
from dagmm._core.states import Promise, State, check_array
from dagmm.inference.ensemble import (
    FARTHEST,
    Component,
    Identity,
    TrainedNetwork,
    networks_of,
)
from dagmm.mixture.density import Density, known_densities
from dagmm.networks.activations import KNOWN, activation_name
from dagmm.networks.network import Architecture
from dagmm.networks.residual import RESIDUALS
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT

#: Most layers of a network, networks and components of a model that are read.
_MOST_LAYERS, _MOST_NETWORKS, _MOST_COMPONENTS = 256, 4096, 2**16
#: Locations and spreads of energies beyond this are none.
_LARGEST_SCALE = 1e100
#: What the weights of all components may differ from 1 in sum.
_ROUNDING = 1e-6


def state_of_ensemble(components: Sequence[Component]) -> State:
    """Return networks and components as plain data and arrays.

    Raises
    ------
    ArgumentError
        If an activation is a function that has no known name.
    """
    networks = networks_of(components)
    number = {id(network): i for i, network in enumerate(networks)}
    plain: dict[str, Any] = {"networks": [], "components": []}
    arrays: dict[str, np.ndarray] = {}
    for i, network in enumerate(networks):
        plain["networks"].append(_plain_architecture(network.architecture))
        for name, array in network.architecture.named(network.parameters).items():
            arrays[f"networks.{i}.{name}"] = np.asarray(array)
    for i, one in enumerate(components):
        density = one.density.state()
        plain["components"].append(
            {
                "network": number.get(id(one.transform)),
                "kind": one.density.kind,
                "density": density.plain,
                "location": one.location,
                "spread": one.spread,
                "weight": one.weight,
            }
        )
        arrays |= density.under(f"components.{i}.density")
    return State(plain, arrays)


def read_ensemble(
    networks: JsonField, components: JsonField, width: int, whole: str
) -> Promise[tuple[Component, ...]]:
    """Check the plain data of networks and components.

    Parameters
    ----------
    networks, components : JsonField
    width : int
        Of what the networks see.
    whole : str
        What that is, in words.

    Raises
    ------
    ValueError
        Naming the first field that is missing, unknown, or not as it must be.
    """
    of_networks = [
        _read_network(one, width, whole) for one in networks.items(_MOST_NETWORKS, least=1)
    ]
    widths = [architecture.n_latent for architecture, _ in of_networks]
    parts = [
        _read_component(one, widths, width) for one in components.items(_MOST_COMPONENTS, least=1)
    ]
    if {number for number, _ in parts} - {None} != set(range(len(of_networks))):
        components.fail("components of every network")
    total = sum(one.value["weight"] for one in components.items(_MOST_COMPONENTS))
    if abs(total - 1.0) > _ROUNDING:
        components.fail("components whose weights add up to 1")

    def build(arrays: Mapping[str, np.ndarray]) -> tuple[Component, ...]:
        made = [promise.build(arrays) for _, promise in of_networks]
        identity = Identity()
        return tuple(
            _with_transform(identity if number is None else made[number], promise.build(arrays))
            for number, promise in parts
        )

    promised: ArraySpecs = {}
    for arrays in (*(one.arrays for _, one in of_networks), *(one.arrays for _, one in parts)):
        promised |= arrays
    return Promise(promised, build)


def _with_transform(transform: TrainedNetwork | Identity, one: Component) -> Component:
    return Component(transform, one.density, one.location, one.spread, one.weight)


def _read_component(
    field: JsonField, widths: Sequence[int], n_inputs: int
) -> tuple[int | None, Promise[Component]]:
    """Check a component; it comes back without the network that it looks at."""
    network, kind, density, location, spread, weight = field.fields(
        "network", "kind", "density", "location", "spread", "weight"
    )
    if network.value is not None and network.whole() >= len(widths):
        network.fail(f"null or a network, of which there are {len(widths)}")
    if not -_LARGEST_SCALE <= location.number() <= _LARGEST_SCALE:
        location.fail(f"within +-{_LARGEST_SCALE:g}")
    if not 1.0 / _LARGEST_SCALE <= spread.number() <= _LARGEST_SCALE:
        spread.fail(f"from {1.0 / _LARGEST_SCALE:g} to {_LARGEST_SCALE:g}")
    if not 0.0 < weight.number() <= 1.0:
        weight.fail("in (0, 1]")
    n_latent = n_inputs if network.value is None else widths[network.value]
    known = known_densities()
    promise = known[kind.choice(known)].from_state(density, n_latent)
    scale = (location.number(), spread.number(), weight.number())
    farthest = ENCODED_LIMIT if network.value is None else FARTHEST

    def build(arrays: Mapping[str, np.ndarray]) -> Component:
        for name in promise.arrays:
            check_array(np.abs(arrays[name]) <= FARTHEST, name, f"within +-{FARTHEST:g}")
        made = promise.build(arrays)
        _check_energies(made, density.path, n_latent, farthest)
        return Component(Identity(), made, *scale)

    return network.value, Promise(promise.arrays, build)


def _check_energies(density: Density, path: str, n_latent: int, farthest: float) -> None:
    """Check that a density has an energy for all that may come: in its midst, and as far away."""
    z = np.repeat([[-farthest, 0.0, farthest]], n_latent, axis=0)
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            is_finite = np.isfinite(density.energy(z)).all()
    except FloatingPointError:
        is_finite = False
    if not is_finite:
        raise ValueError(f"{path} has arrays that give some rows no finite energy")


def _plain_architecture(architecture: Architecture) -> dict[str, Any]:
    return {
        "n_features": architecture.n_features,
        "comp_hiddens": list(architecture.comp_hiddens),
        "comp_activation": activation_name("comp_activation", architecture.comp_activation),
        "est_hiddens": list(architecture.est_hiddens),
        "est_activation": activation_name("est_activation", architecture.est_activation),
        "est_dropout_ratio": architecture.est_dropout_ratio,
        "residuals": list(architecture.residuals),
        "mask_ratio": architecture.mask_ratio,
        "shape": list(architecture.shape),
    }


def _read_network(
    field: JsonField, width: int, whole: str
) -> tuple[Architecture, Promise[TrainedNetwork]]:
    names = (
        *("n_features", "comp_hiddens", "comp_activation", "est_hiddens", "est_activation"),
        *("est_dropout_ratio", "residuals", "mask_ratio", "shape"),
    )
    parts = dict(zip(names, field.fields(*names), strict=True))
    if parts["n_features"].size() != width:
        parts["n_features"].fail(f"{width}, the width of {whole}")
    for name in ("est_dropout_ratio", "mask_ratio"):
        if not 0.0 <= parts[name].number() < 1.0:
            parts[name].fail("in [0, 1)")
    comp_hiddens, est_hiddens = (
        tuple(part.size() for part in parts[name].items(_MOST_LAYERS, least=1))
        for name in ("comp_hiddens", "est_hiddens")
    )
    architecture = Architecture(
        n_features=width,
        comp_hiddens=comp_hiddens,
        comp_activation=parts["comp_activation"].choice(KNOWN),
        est_hiddens=est_hiddens,
        est_activation=parts["est_activation"].choice(KNOWN),
        est_dropout_ratio=parts["est_dropout_ratio"].number(),
        residuals=tuple(one.choice(RESIDUALS) for one in parts["residuals"].items(len(RESIDUALS))),
        mask_ratio=parts["mask_ratio"].number(),
        shape=_shape(parts["shape"], width),
    )
    promised = {
        f"{field.path}.{name}": ("F32", shape) for name, shape in architecture.shapes().items()
    }

    def build(arrays: Mapping[str, np.ndarray]) -> TrainedNetwork:
        return TrainedNetwork(
            architecture, np.concatenate([arrays[name].ravel() for name in promised])
        )

    return architecture, Promise(promised, build)


def _shape(field: JsonField, width: int) -> tuple[int, ...]:
    """Shape of an encoded row: () or that of a window or an image."""
    shape = tuple(part.size() for part in field.items(3))
    if shape and (len(shape) == 1 or math.prod(shape) != width):
        field.fail(f"[], or 2 or 3 sizes whose product is {width}, the width of an encoded row")
    return shape
