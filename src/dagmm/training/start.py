"""Where networks start that are not drawn: at those of a fit before, or at those of a fleet."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import safetensors.numpy

from dagmm._core.atomic_files import write_atomically
from dagmm._core.errors import ArgumentError, ModelFileError
from dagmm._core.progress import Progress
from dagmm.inference.fitted_model import FittedModel
from dagmm.networks.network import Architecture
from dagmm.preprocessing.row_views import FeatureMatrix, viewed
from dagmm.training.config import DetectorConfig
from dagmm.training.prepare import Prepared
from dagmm.training.presets.networks import FLEET_EPOCHS
from dagmm.training.trainer import TrainingRows, train

#: Parameters of each network before training.
Initial: TypeAlias = list[np.ndarray]
#: What networks can share: the columns that features come from, and the shapes of their parts.
Kind: TypeAlias = tuple[object, ...]

#: Rows of all assets together that networks of a fleet are trained on, and the share of them that
#: says whether another cycle is of use.
_ROWS, _JUDGED = 2**14, 0.1


@runtime_checkable
class Start(Protocol):
    """Says where the networks of a fit start, and how they are then trained."""

    def begin(
        self, config: DetectorConfig, prepared: Prepared
    ) -> tuple[DetectorConfig, Initial | None]:
        """Return the config of the fit, and where its networks start; None where that is drawn."""
        ...


@dataclass(frozen=True)
class WarmStart:
    """The networks of the fit before, trained on.

    Parameters
    ----------
    model : FittedModel
    """

    model: FittedModel

    def begin(self, config: DetectorConfig, prepared: Prepared) -> tuple[DetectorConfig, Initial]:
        """Return the config as it is, and the networks of the model.

        Raises
        ------
        ArgumentError
            If the networks of the fit have other shapes.
        """
        networks = self.model.networks
        if [network.architecture.shapes() for network in networks] != shapes_of(config):
            raise ArgumentError(
                "warm_start goes on with the networks of the fit before, and this one has others: "
                f"{_in_words(config.architectures)} instead of "
                f"{_in_words([network.architecture for network in networks])}. Fit a table "
                "with the same columns and categories, or without warm_start."
            )
        return config, [network.parameters.astype(np.float32) for network in networks]


@dataclass(frozen=True)
class FleetStart:
    """Networks that were trained on rows of many assets, for those that are encoded alike.

    An asset whose columns are encoded otherwise is fitted as if it were alone.

    Parameters
    ----------
    networks : mapping of Kind to list of ndarray
        Parameters, by what the networks of an asset have to share.
    """

    networks: Mapping[Kind, Initial]

    def save(self, file: Path) -> None:
        """Write the networks to a file.

        Raises
        ------
        OSError
        """
        write_atomically(file, self._bytes)

    @classmethod
    def read(cls, file: Path, digest: str) -> "FleetStart":
        """Read networks that were written.

        Raises
        ------
        ModelFileError
            If they are missing or damaged.
        """
        try:
            data = file.read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise ModelFileError(
                    f"restore: {str(file)!r} is damaged: its content is not what the fleet's "
                    "manifest promises."
                )
        except OSError as error:
            raise ModelFileError(
                f"restore: {str(file)!r} cannot be read: {error.strerror or error}."
            ) from error
        arrays = safetensors.numpy.load(data)
        with safetensors.safe_open(file, framework="numpy") as opened:
            kinds = json.loads(opened.metadata()["kinds"])
        return cls(
            {
                _kind(columns, views, shapes): [arrays[f"{i}.{j}"] for j in range(len(shapes))]
                for i, (columns, views, shapes) in enumerate(kinds)
            }
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self._bytes).hexdigest()

    @cached_property
    def _bytes(self) -> bytes:
        arrays = {
            f"{i}.{j}": network
            for i, networks in enumerate(self.networks.values())
            for j, network in enumerate(networks)
        }
        return safetensors.numpy.save(arrays, {"kinds": json.dumps(list(self.networks))})

    def begin(
        self, config: DetectorConfig, prepared: Prepared
    ) -> tuple[DetectorConfig, Initial | None]:
        """Return a config of few steps and the networks of the fleet, where they fit."""
        initial = self.networks.get(kind_of(config, prepared))
        if initial is None:
            return config, None
        training = replace(
            config.training,
            epochs=min(FLEET_EPOCHS, config.training.epochs),
            cycles=1,
            warm_up=0.0,
        )
        return replace(config, training=training), initial


def shapes_of(config: DetectorConfig) -> list[dict[str, tuple[int, ...]]]:
    """Shapes of all parts of each network."""
    return [architecture.shapes() for architecture in config.architectures]


def kind_of(config: DetectorConfig, prepared: Prepared) -> Kind:
    """Return what two assets have in common whose networks mean the same."""
    shapes = [list(one.items()) for one in shapes_of(config)]
    return _kind(prepared.input_columns, config.views, shapes)


def _kind(columns: Sequence[str], views: Sequence[str], shapes: Sequence[Any]) -> Kind:
    of_networks = tuple(tuple((name, tuple(shape)) for name, shape in one) for one in shapes)
    return tuple(columns), tuple(views), of_networks


def train_together(
    assets: Sequence[Prepared],
    preset: Callable[[Prepared], DetectorConfig],
    seed: np.random.SeedSequence,
    progress: Progress,
) -> FleetStart:
    """Train networks on rows of several assets, each as its own encoder and views show them.

    Parameters
    ----------
    assets : sequence of Prepared
    preset : callable
        Decides the config of one of them.
    seed : SeedSequence
    progress : Progress

    Returns
    -------
    FleetStart
        With networks for each kind that at least two of the assets are of.
    """
    kinds: dict[Kind, list[tuple[Prepared, DetectorConfig]]] = {}
    for prepared in assets:
        config = preset(prepared)
        kinds.setdefault(kind_of(config, prepared), []).append((prepared, config))
    found = {}
    for kind, own in kinds.items():
        if len(own) > 1:
            found[kind] = _trained([one for one, _ in own], own[0][1], seed, progress)
    return FleetStart(found)


def _trained(
    assets: Sequence[Prepared],
    config: DetectorConfig,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> Initial:
    names = [config.view_of(i) for i in range(len(config.architectures))]
    order, rng = np.random.default_rng(seed), np.random.default_rng(seed)
    places = [order.permutation(len(one.inputs))[: -(-_ROWS // len(assets))] for one in assets]
    tables: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(names):
        shown = [_shown(one, name)[place] for one, place in zip(assets, places, strict=True)]
        tables[name] = np.concatenate(shown)
    n_rows = len(tables[names[0]])
    shuffled = rng.permutation(n_rows)
    n_judged = max(1, int(_JUDGED * n_rows))
    judged, fitted = np.sort(shuffled[:n_judged]), np.sort(shuffled[n_judged:])
    rows = TrainingRows(
        None,
        [fitted] * len(names),
        [tables[name][judged] for name in names],
        [tables[name] for name in names],
    )
    (table, *_) = tables.values()
    trained = train(
        table, n_rows, config.architectures, config.training, seed, progress, inputs=rows
    )
    return [member.parameters for member in trained]


def _shown(prepared: Prepared, name: str) -> FeatureMatrix:
    """Return the rows of an asset as networks of a view see them."""
    return viewed(prepared.inputs, prepared.learn(name, prepared.inputs))  # type: ignore[arg-type]


def _in_words(architectures: Sequence[Architecture]) -> str:
    one = architectures[0]
    widths = "-".join(map(str, (one.n_features, *one.comp_hiddens)))
    return f"{len(architectures)} of {widths}"
