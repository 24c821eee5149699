"""One member's training in a file: as it stood after some epoch."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import safetensors
import safetensors.numpy

from dagmm._core.atomic_files import ArraySpecs, check_arrays, write_atomically
from dagmm._core.errors import ModelFileError, ModelSaveError
from dagmm.training.history import History
from dagmm.training.schedule import TrainingConfig

#: Seconds between two writes, at least.
INTERVAL = 5.0
#: How many times as long as a write took is trained before the next: large networks, long
#: histories and slow disks are written less often, and no more than this share goes into it.
PATIENCE = 100.0
#: Names of types in the words of safetensors.
_DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64"}


class Standing(NamedTuple):
    """Where a member's training stands after some epoch."""

    initial: np.ndarray
    """Parameters before training, in one vector."""
    best: np.ndarray
    """Parameters of the best cycle that has ended."""
    state: Any
    """What a step changes: a tree of arrays."""
    history: History


class MemberFile:
    """The file of one member.

    Parameters
    ----------
    file : Path
    training : str
        Digest of the training that it belongs to.
    config : TrainingConfig
    """

    def __init__(self, file: Path, training: str, config: TrainingConfig) -> None:
        self.file, self._training, self._config = file, training, config
        self._epochs = 0
        self._due = time.monotonic() + INTERVAL

    def keep(self, standing: Standing, *, at_once: bool = False) -> None:
        """Write the file if the last time is long enough ago, and there is something new.

        Raises
        ------
        ModelSaveError
        """
        epochs = standing.history.epochs
        began = time.monotonic()
        if epochs == self._epochs or (began < self._due and not at_once):
            return
        arrays = _arrays_of(standing)
        facts = {"training": self._training, "epochs": str(epochs)}
        data = safetensors.numpy.save(
            arrays, {**facts, "format": "dagmm checkpoint", "checksum": _checksum(facts, arrays)}
        )
        try:
            write_atomically(self.file, data)
        except OSError as error:
            raise ModelSaveError(
                error.errno,
                f"checkpoint: {str(self.file)!r} could not be written after epoch {epochs}: "
                f"{error.strerror}; the fit can go on from what was written before, once there "
                "is room for more.",
            ) from error
        ended = time.monotonic()
        self._epochs = epochs
        self._due = ended + max(INTERVAL, PATIENCE * (ended - began))

    def read(self, fresh: Standing) -> Standing | None:
        """Return where the training stood; None where nothing was kept.

        Parameters
        ----------
        fresh : Standing
            The member before training: what is read must have its types and shapes.

        Raises
        ------
        ModelFileError
            If the file is damaged.
        """
        if not self.file.exists():
            return None
        with self._damage_told(), safetensors.safe_open(self.file, framework="numpy") as opened:
            facts = opened.metadata() or {}
            checksum = facts.pop("checksum", None)
            if facts.pop("format", None) != "dagmm checkpoint":
                raise ValueError("it was not written as a checkpoint")
            epochs = self._epochs_of(facts)
            check_arrays(opened, _promised(fresh, epochs))
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            if checksum != _checksum(facts, arrays):
                raise ValueError("its checksum does not belong to its content")
        self._epochs = epochs
        names = _names(fresh.state)
        tree = jax.tree.structure(fresh.state)
        state = jax.tree.unflatten(tree, [arrays.pop(f"state.{name}") for name in names])
        initial, best = arrays.pop("initial"), arrays.pop("best")
        return Standing(initial, best, state, History.of_arrays(arrays))

    def _epochs_of(self, facts: dict[str, str]) -> int:
        if facts.get("training") != self._training:
            raise ValueError("it belongs to another training than checkpoint.json says")
        text, config = facts.get("epochs", ""), self._config
        epochs = int(text) if text.isdecimal() and len(text) < 16 else 0
        if not 0 < epochs <= config.most_epochs or epochs % config.epochs_per_call:
            raise ValueError(
                f"epochs must be a multiple of {config.epochs_per_call} from 1 to "
                f"{config.most_epochs}, got {text[:20]!r}"
            )
        return epochs

    @contextlib.contextmanager
    def _damage_told(self) -> Iterator[None]:
        """Say which file is wrong, and that the others are of use without it."""
        try:
            yield
        except (ValueError, safetensors.SafetensorError) as error:
            raise ModelFileError(
                f"checkpoint: {str(self.file)!r} is damaged: {error}; delete this file to train "
                "its member anew, the others go on."
            ) from error
        except OSError as error:
            raise ModelFileError(
                f"checkpoint: {str(self.file)!r} cannot be read: {error.strerror or error}."
            ) from error


def _arrays_of(standing: Standing) -> dict[str, np.ndarray]:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(standing.state)]
    state = zip(_names(standing.state), leaves, strict=True)
    return {
        "initial": standing.initial,
        "best": standing.best,
        **{f"state.{name}": leaf for name, leaf in state},
        **standing.history.arrays(),
    }


def _promised(fresh: Standing, epochs: int) -> ArraySpecs:
    """Type and shape of every array of a member's file after some epochs."""
    arrays = {"initial": fresh.initial, "best": fresh.best}
    leaves = zip(_names(fresh.state), jax.tree.leaves(fresh.state), strict=True)
    arrays |= {f"state.{name}": leaf for name, leaf in leaves}
    promised = {name: (_DTYPES[str(array.dtype)], array.shape) for name, array in arrays.items()}
    return promised | History.shapes(epochs, len(fresh.state.phi))


def _names(state: Any) -> list[str]:
    """Path of each array of a state, such as ``adam.mu``."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]


def _checksum(facts: dict[str, str], arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(repr(sorted(facts.items())).encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()
