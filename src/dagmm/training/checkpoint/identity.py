"""Which training a checkpoint belongs to: everything that decides what comes out of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from dagmm._version import __version__
from dagmm.networks.activations import activation_name
from dagmm.networks.network import Architecture
from dagmm.training.schedule import TrainingConfig

#: What is compared by a digest, which says nothing to a reader.
_DIGESTS = ("seed", "training rows", "inputs of each network", "initial parameters")
#: Libraries that the numbers come from.
_LIBRARIES = ("jax", "jaxlib", "numpy", "optax")
#: Differences that are named.
_MOST_NAMED = 4


def identity_of(
    tables: Sequence[np.ndarray],
    inputs: Sequence[np.ndarray],
    n_rows: int,
    architectures: Sequence[Architecture],
    config: TrainingConfig,
    seed: np.random.SeedSequence,
    initial: Sequence[np.ndarray] | None,
) -> dict[str, Any]:
    """Describe a training, as plain data that is the same only where its result is.

    Parameters
    ----------
    tables : sequence of ndarray of shape (padded_rows, n_features), float32
        Rows as networks see them.
    inputs : sequence of ndarray
        Which rows of which table each network is trained on, and what windows are made from; none
        where all are trained on all rows, each by itself.
    n_rows : int
        Rows to train on, those at the beginning.
    architectures : sequence of Architecture
        One for each member.
    config : TrainingConfig
    seed : SeedSequence
    initial : sequence of ndarray of shape (n_parameters,), optional
        Where each network starts, if that is not drawn.

    Raises
    ------
    ArgumentError
        If an activation is a function without a known name: nothing says whether it will be the
        same one when the training goes on.
    """
    device = jax.devices()[0]
    return {
        "dagmm": __version__,
        **{name: version(name) for name in _LIBRARIES},
        "device": f"{device.platform} {device.device_kind}",
        "widest float": str(jax.dtypes.canonicalize_dtype(np.float64)),
        "seed": digest_of([np.array([*_words(seed)], np.uint64)]),
        "members": len(architectures),
        **_networks(architectures),
        **asdict(config),
        "n_rows": n_rows,
        "training rows": digest_of(tables),
        "inputs of each network": digest_of(inputs),
        "initial parameters": digest_of(initial or []),
    }


def differences(there: dict[str, Any], here: dict[str, Any]) -> str:
    """Name what differs between two trainings, with both values where they say something."""
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    told = [
        f"the {name}"
        if name in _DIGESTS
        else f"{name} ({there.get(name)} there, {here.get(name)} here)"
        for name in names
    ]
    more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    return ", ".join(told[:_MOST_NAMED]) + more


def digest_of(arrays: Sequence[np.ndarray]) -> str:
    """SHA-256 of arrays, their types and shapes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _words(seed: np.random.SeedSequence) -> list[int]:
    """Return what decides the numbers that a seed and its children give."""
    return [*seed.generate_state(8).tolist(), seed.n_children_spawned]


def _networks(architectures: Sequence[Architecture]) -> dict[str, Any]:
    """One entry for each field of the networks: of all of them, or of each where they differ."""
    entries: dict[str, Any] = {}
    for field in fields(Architecture):
        values = [_plain(field.name, getattr(one, field.name)) for one in architectures]
        same = all(value == values[0] for value in values)
        entries[field.name] = values[0] if same else values
    return entries


def _plain(name: str, value: Any) -> Any:
    if name.endswith("_activation"):
        return activation_name(name, value)
    return list(value) if isinstance(value, tuple) else value
