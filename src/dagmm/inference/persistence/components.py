"""The ensemble, saved and back: its networks, and its components; every field is checked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

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
    views_of,
)
from dagmm.inference.surprisal import Surprisal
from dagmm.mixture.density import Density, known_densities
from dagmm.networks.activations import KNOWN, activation_name
from dagmm.networks.network import Architecture
from dagmm.networks.residual import RESIDUALS
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT
from dagmm.preprocessing.input_part import InputPart
from dagmm.preprocessing.normal_scores import NormalScores
from dagmm.preprocessing.row_views import RowView

#: Most layers of a network, networks, components and views of a model that are read.
_MOST_LAYERS, _MOST_NETWORKS, _MOST_COMPONENTS, _MOST_VIEWS = 256, 4096, 2**16, 16
#: Kinds of views, by their names in saved models.
_VIEWS: dict[str, type[NormalScores] | type[InputPart]] = {
    "normal_scores": NormalScores,
    "input_part": InputPart,
}
#: Types that networks compute in.
_PRECISIONS = ("float32", "float64")
#: What the weights of all components may differ from 1 in sum.
_ROUNDING = 1e-6


def state_of_ensemble(components: Sequence[Component]) -> State:
    """Return networks and components as plain data and arrays.

    Raises
    ------
    ArgumentError
        If an activation is a function that has no known name.
    """
    networks, views = networks_of(components), views_of(components)
    number = {id(network): i for i, network in enumerate(networks)}
    view_number = {id(view): i for i, view in enumerate(views)}
    plain: dict[str, Any] = {"views": [], "networks": [], "components": []}
    arrays: dict[str, np.ndarray] = {}
    for i, view in enumerate(views):
        state = view.state()
        kind = next(name for name, known in _VIEWS.items() if isinstance(view, known))
        plain["views"].append({"kind": kind, "view": state.plain})
        arrays |= state.under(f"views.{i}.view")
    for i, network in enumerate(networks):
        view_of = view_number.get(id(network.view))
        plain["networks"].append(
            _plain_architecture(network.architecture)
            | {"view": view_of, "precision": network.parameters.dtype.name}
        )
        # In float64 they have the values of float32, in which networks are trained.
        parameters = network.parameters.astype(np.float32)
        for name, array in network.architecture.named(parameters).items():
            arrays[f"networks.{i}.{name}"] = np.asarray(array)
    for i, one in enumerate(components):
        density = one.density.state()
        plain["components"].append(
            {
                "network": number.get(id(one.transform)),
                "view": view_number.get(id(one.transform.view)),
                "kind": one.density.kind,
                "density": density.plain,
                "surprisal": None,
                "weight": one.weight,
            }
        )
        arrays |= density.under(f"components.{i}.density")
        if one.surprisal is not None:
            surprisal = one.surprisal.state()
            plain["components"][i]["surprisal"] = surprisal.plain
            arrays |= surprisal.under(f"components.{i}.surprisal")
    return State(plain, arrays)


def read_ensemble(
    views: JsonField, networks: JsonField, components: JsonField, width: int, whole: str
) -> Promise[tuple[Component, ...]]:
    """Check the plain data of views, networks and components.

    Parameters
    ----------
    views, networks, components : JsonField
    width : int
        Of what the networks see.
    whole : str
        What that is, in words.

    Raises
    ------
    ValueError
        Naming the first field that is missing, unknown, or not as it must be.
    """
    of_views = [_read_view(one, width) for one in views.items(_MOST_VIEWS)]
    of_networks = [
        _read_network(one, width, whole, of_views)
        for one in networks.items(_MOST_NETWORKS, least=1)
    ]
    of_components = components.items(_MOST_COMPONENTS, least=1)
    parts = [_read_component(one, of_networks, of_views, width) for one in of_components]
    if {part.network for part in parts} - {None} != set(range(len(of_networks))):
        components.fail("components of every network")
    if len(parts) > 1:
        for one, part in zip(of_components, parts, strict=True):
            if not part.has_surprisal:
                one.fail("a surprisal, as there are several components")
    total = sum(one.value["weight"] for one in of_components)
    if abs(total - 1.0) > _ROUNDING:
        components.fail("components whose weights add up to 1")

    def build(arrays: Mapping[str, np.ndarray]) -> tuple[Component, ...]:
        shown = [view.promise.build(arrays) for view in of_views]
        made = [
            replace(one.promise.build(arrays), view=_nth(shown, one.view)) for one in of_networks
        ]
        identities = {
            number: Identity(_nth(shown, number)) for number in (None, *range(len(shown)))
        }
        return tuple(
            replace(
                part.promise.build(arrays),
                transform=identities[part.view] if part.network is None else made[part.network],
            )
            for part in parts
        )

    promised: ArraySpecs = {}
    for of_part in (
        *(view.promise.arrays for view in of_views),
        *(network.promise.arrays for network in of_networks),
        *(part.promise.arrays for part in parts),
    ):
        promised |= of_part
    return Promise(promised, build)


class _PromisedView(NamedTuple):
    """A view, and how many inputs it shows."""

    width: int
    promise: Promise[Any]


class _PromisedNetwork(NamedTuple):
    """A network, without the view that it sees rows by."""

    architecture: Architecture
    view: int | None
    promise: Promise[TrainedNetwork]


class _PromisedComponent(NamedTuple):
    """A component, without its transform."""

    network: int | None
    view: int | None
    has_surprisal: bool
    promise: Promise[Component]


def _read_view(field: JsonField, width: int) -> _PromisedView:
    kind, view = field.fields("kind", "view")
    if _VIEWS[kind.choice(_VIEWS)] is NormalScores:
        return _PromisedView(width, NormalScores.from_state(view, width))
    part = InputPart.of_plain(view, width)
    return _PromisedView(part.width(width), Promise({}, lambda arrays: part))


def _nth(shown: Sequence[RowView], number: int | None) -> RowView | None:
    return None if number is None else shown[number]


def _read_number(field: JsonField, n: int, what: str) -> int | None:
    """Check a field that is null or one of so many."""
    if field.value is None:
        return None
    if field.whole() >= n:
        field.fail(f"null or a {what}, of which there are {n}")
    return field.whole()


def _read_component(
    field: JsonField,
    networks: Sequence[_PromisedNetwork],
    views: Sequence[_PromisedView],
    n_inputs: int,
) -> _PromisedComponent:
    """Check a component; it comes back without the transform that it looks through."""
    network, view, kind, density, surprisal, weight = field.fields(
        "network", "view", "kind", "density", "surprisal", "weight"
    )
    number = _read_number(network, len(networks), "network")
    view_number = _read_number(view, len(views), "view")
    if number is not None and view_number != networks[number].view:
        view.fail("that of its network")
    if not 0.0 < weight.number() <= 1.0:
        weight.fail("in (0, 1]")
    n_latent = n_inputs if view_number is None else views[view_number].width
    if number is not None:
        n_latent = networks[number].architecture.n_seen
    known = known_densities()
    promise = known[kind.choice(known)].from_state(density, n_latent)
    scale = None if surprisal.value is None else Surprisal.from_state(surprisal)
    farthest = ENCODED_LIMIT if number is None else FARTHEST

    def build(arrays: Mapping[str, np.ndarray]) -> Component:
        for name in promise.arrays:
            check_array(np.abs(arrays[name]) <= FARTHEST, name, f"within +-{FARTHEST:g}")
        made = promise.build(arrays)
        _check_energies(made, density.path, n_latent, farthest)
        learnt = None if scale is None else scale.build(arrays)
        return Component(Identity(), made, learnt, weight.number())

    promised = dict(promise.arrays) | ({} if scale is None else dict(scale.arrays))
    return _PromisedComponent(number, view_number, scale is not None, Promise(promised, build))


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
        "whole_row": architecture.whole_row,
        "has_shortcuts": architecture.has_shortcuts,
    }


def _read_network(
    field: JsonField, width: int, whole: str, views: Sequence[_PromisedView]
) -> _PromisedNetwork:
    names = (
        *("n_features", "comp_hiddens", "comp_activation", "est_hiddens", "est_activation"),
        *("est_dropout_ratio", "residuals", "mask_ratio", "shape", "whole_row"),
        *("has_shortcuts", "view", "precision"),
    )
    parts = dict(zip(names, field.fields(*names), strict=True))
    view = _read_number(parts["view"], len(views), "view")
    width = width if view is None else views[view].width
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
        whole_row=parts["whole_row"].flag(),
        has_shortcuts=parts["has_shortcuts"].flag(),
    )
    promised = {
        f"{field.path}.{name}": ("F32", shape) for name, shape in architecture.shapes().items()
    }

    precision = parts["precision"].choice(_PRECISIONS)
    if architecture.is_compiled and precision != "float32":
        parts["precision"].fail("float32, as convolutions compute")

    def build(arrays: Mapping[str, np.ndarray]) -> TrainedNetwork:
        parameters = np.concatenate([arrays[name].ravel() for name in promised])
        return TrainedNetwork(architecture, parameters.astype(precision))

    return _PromisedNetwork(architecture, view, Promise(promised, build))


def _shape(field: JsonField, width: int) -> tuple[int, ...]:
    """Shape of an encoded row: () or that of a window or an image."""
    shape = tuple(part.size() for part in field.items(3))
    if shape and (len(shape) == 1 or math.prod(shape) != width):
        field.fail(f"[], or 2 or 3 sizes whose product is {width}, the width of an encoded row")
    return shape
