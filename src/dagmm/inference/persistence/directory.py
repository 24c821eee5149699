"""Saved models: a directory with a manifest (JSON) and arrays (safetensors), no code.

``manifest.json`` says everything that is not an array and names the file of arrays, whose name
holds its own SHA-256. Writing puts the new arrays beside the old ones and then replaces the
manifest in one step: at every moment the directory holds one whole model. Those who save there
take turns; who reads while a model is replaced gets the one or the other, whole.
"""

import contextlib
import hashlib
import json
import os
import re
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import safetensors.numpy

from dagmm._core.atomic_files import PART, ArraySpecs, check_arrays, checksum_of, write_atomically
from dagmm._core.errors import ModelFileError, ModelSaveError
from dagmm._core.file_locks import alone_in
from dagmm._version import __version__
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.formats import FORMAT_VERSION, as_present, can_be_read
from dagmm.inference.persistence.manifest import read_manifest, state_of_model

MANIFEST = "manifest.json"
#: What a fleet of models has in its place.
FLEET = "fleet.json"
#: A manifest larger than this is not one of ours: a table of 100,000 columns with long names has
#: one of 13 MB, and so have 2,000 columns of text with 256 categories each.
MAX_MANIFEST_BYTES = 32 * 2**20
#: Most lists and objects in a manifest, which take a hundred times the memory of their text. Each
#: column of text has two, all others one in all.
_MOST_PARTS = 2**19
#: How deep lists and objects may lie in each other; ours lie in six.
_MOST_DEPTH = 32
#: A model that is replaced while it is read is read again, so many times at most.
_MOST_READINGS = 100
_ARRAYS_NAME = re.compile(r"arrays-[0-9a-f]{64}\.safetensors")
#: What an interrupted save leaves behind.
_LEFTOVER = re.compile(rf"{_ARRAYS_NAME.pattern}|{PART.pattern}")


class SavedModel(NamedTuple):
    """What a saved model holds."""

    model: FittedModel
    estimator: str
    """Name of the class that made it."""
    arguments: dict[str, Any]
    """That class's constructor arguments."""
    library_version: str
    """Version of dagmm that wrote it."""


def save_model(
    path: str | os.PathLike[str], model: FittedModel, estimator: str, arguments: dict[str, Any]
) -> None:
    """Write a fitted model to a directory, whole or not at all.

    Parameters
    ----------
    path : path-like
        A directory: new, empty, or with a saved model, which is replaced.
    model : FittedModel
    estimator : str
        Name of the class that made it.
    arguments : dict
        That class's constructor arguments, as plain data.

    Raises
    ------
    ArgumentError
        If an activation is a function that has no known name.
    ModelSaveError
        If the directory holds something else, or cannot be written.
    """
    directory = Path(path)
    state = state_of_model(model)
    data = safetensors.numpy.save(dict(state.arrays))
    name = f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors"
    manifest = {
        "format": "dagmm",
        "format_version": FORMAT_VERSION,
        "library_version": __version__,
        "estimator": estimator,
        "arguments": arguments,
        "arrays": name,
        **state.plain,
    }
    manifest["checksum"] = checksum_of(manifest)
    # Column names may hold lone surrogates, which JSON reads back as they are.
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    encoded = text.encode("utf-8", "surrogatepass")
    try:
        _check_size(len(encoded), encoded)
    except ValueError as error:
        raise ModelSaveError(
            f"save: {str(directory)!r} was not written, because its manifest could not be read "
            f"again: {error}; fit to fewer columns."
        ) from error
    try:
        _check_target(directory)
        directory.mkdir(parents=True, exist_ok=True)
        with alone_in(directory):
            before = _leftovers(directory)
            write_atomically(directory / name, data)
            write_atomically(directory / MANIFEST, encoded)
            with contextlib.suppress(OSError):  # a leftover harms nobody
                for entry in before - {directory / name}:
                    entry.unlink()
    except ModelSaveError:
        raise
    except OSError as error:
        raise ModelSaveError(
            error.errno, f"save: {str(directory)!r} could not be written: {error.strerror}."
        ) from error


def load_model(path: str | os.PathLike[str]) -> SavedModel:
    """Read a saved model; nothing in it is ever executed.

    Parameters
    ----------
    path : path-like
        A directory written by :func:`save_model`.

    Returns
    -------
    SavedModel

    Raises
    ------
    ModelFileError
        If it is missing, damaged, foreign, or of a newer format.

    Examples
    --------
    With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(folder)
    ...     saved = dagmm.load_model(folder)
    >>> saved.estimator
    'DAGMMDetector'
    """
    file = Path(path) / MANIFEST
    for _ in range(_MOST_READINGS):
        read = _read_whole(file)
        try:
            return _read_model(file, read.data)
        except ModelFileError:
            # The arrays of a model that was replaced meanwhile are gone.
            if _read_whole(file) == read:
                raise
    raise ModelFileError(
        f"restore: {str(Path(path))!r} was replaced {_MOST_READINGS} times while it was read; try "
        "again when less is saved there."
    )


def _read_model(file: Path, data: bytes) -> SavedModel:
    plain = _checked(file, data)
    with _named(file):
        name = plain.pop("arrays", None)
        if not isinstance(name, str) or not _ARRAYS_NAME.fullmatch(name):
            raise ValueError(
                "arrays must be 'arrays-<sha256>.safetensors', a file in the same directory, "
                f"got {reprlib.repr(name)}"
            )
        manifest = read_manifest(plain)
    arrays_file = file.parent / name
    arrays = _read_arrays(arrays_file, manifest.model.arrays)
    with _named(arrays_file):
        model = manifest.model.build(arrays)
    return SavedModel(model, manifest.estimator, manifest.arguments, manifest.library_version)


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    """Whether a directory holds a saved model, readable or not."""
    return (Path(path) / MANIFEST).is_file()


def is_free(path: str | os.PathLike[str]) -> bool:
    """Whether a directory holds nothing but what a save leaves behind that was stopped."""
    return all(_LEFTOVER.fullmatch(entry.name) for entry in Path(path).iterdir())


def remove_model(path: str | os.PathLike[str]) -> None:
    """Delete a saved model, and its directory unless something else lies there."""
    directory = Path(path)
    with contextlib.suppress(OSError), alone_in(directory):  # a leftover harms nobody
        (directory / MANIFEST).unlink()
        for entry in _leftovers(directory):
            entry.unlink()
        directory.rmdir()


# Writing -----------------------------------------------------------------------------------


def _check_target(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise ModelSaveError(f"save: {str(directory)!r} is a file; a model is a directory.")
    # In this order: somebody else's save may end between the two.
    if directory.exists() and not is_free(directory) and not is_saved_model(directory):
        raise ModelSaveError(
            f"save: {str(directory)!r} holds files that are not a saved model; "
            "choose another directory."
        )


def _leftovers(directory: Path) -> set[Path]:
    """Arrays of the model that is about to be replaced, and what killed saves left behind."""
    return {entry for entry in directory.iterdir() if _LEFTOVER.fullmatch(entry.name)}


# Reading -----------------------------------------------------------------------------------


class _ManifestFile(NamedTuple):
    """A manifest as it was read; one that was written anew differs even if its text does not."""

    data: bytes
    number: int
    written: int


def _read_whole(file: Path) -> _ManifestFile:
    with _named(file):
        if not file.is_file():
            state = "is not a saved model: it has no manifest.json"
            if (file.parent / FLEET).is_file():
                state = "is a fleet, and not one model: give the folder of an asset's in models"
            raise ModelFileError(
                f"restore: {str(file.parent)!r} "
                f"{state if file.parent.exists() else 'does not exist'}."
            )
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            _check_size(status.st_size)
            return _ManifestFile(stream.read(), status.st_ino, status.st_mtime_ns)


def _checked(file: Path, data: bytes) -> dict[str, Any]:
    """Return a manifest that this version can read, less the fields that say what it is."""
    with _named(file):
        _check_size(len(data), data)
        plain = json.loads(data, parse_constant=_refuse_constant)
        _check_depth(plain)
        if not isinstance(plain, dict) or plain.get("format") != "dagmm":
            raise ModelFileError(f"restore: {str(file)!r} was not written by dagmm.")
        version = plain.get("format_version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise ValueError(
                f"format_version must be a whole number >= 1, got {reprlib.repr(version)}"
            )
        if version > FORMAT_VERSION:
            raise ModelFileError(
                f"restore: {str(file)!r} has format {reprlib.repr(version)}, this dagmm "
                f"reads up to {FORMAT_VERSION}; upgrade dagmm."
            )
        if not can_be_read(plain, version):
            raise ModelFileError(
                f"restore: {str(file)!r} has format {version}, whose windows do not say how much "
                "each column moves; fit the model again."
            )
        if plain.get("checksum") != checksum_of(plain):
            raise ValueError("its checksum does not belong to its content")
    present = as_present(plain, version)
    return {
        name: value
        for name, value in present.items()
        if name not in ("format", "format_version", "checksum")
    }


def _check_size(n_bytes: int, data: bytes = b"") -> None:
    """Refuse a manifest that would take time and memory, before it is parsed."""
    if n_bytes > MAX_MANIFEST_BYTES:
        raise ValueError(f"it is larger than {MAX_MANIFEST_BYTES} bytes")
    n_parts = data.count(b"[") + data.count(b"{")
    if n_parts > _MOST_PARTS:
        raise ValueError(f"it has {n_parts} lists and objects, more than {_MOST_PARTS}")


def _check_depth(plain: object) -> None:
    """Refuse what functions that call themselves could not go through."""
    level = [plain] if isinstance(plain, dict | list) else []
    for _ in range(_MOST_DEPTH):
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return
    raise ValueError(f"its lists and objects lie more than {_MOST_DEPTH} deep in each other")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is not a number")


@contextlib.contextmanager
def _named(file: Path) -> Iterator[None]:
    """Say which file was wrong when its content is not what was written."""
    try:
        yield
    except ModelFileError:
        raise
    except (ValueError, RecursionError, safetensors.SafetensorError) as error:
        raise ModelFileError(f"restore: {str(file)!r} is damaged: {error}.") from error
    except OSError as error:
        raise ModelFileError(
            f"restore: {str(file)!r} cannot be read: {error.strerror or error}."
        ) from error


def _read_arrays(file: Path, promised: ArraySpecs) -> dict[str, np.ndarray]:
    """Read the arrays once everything about them is as the manifest promises."""
    with _named(file):
        if file.is_symlink():
            raise ValueError("it is a link; the arrays must lie in the model's own directory")
        if not file.is_file():
            raise ModelFileError(f"restore: {str(file)!r} is missing; the model is incomplete.")
        with safetensors.safe_open(file, framework="numpy") as opened:
            check_arrays(opened, promised)
        data = file.read_bytes()
        if file.name != f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors":
            raise ValueError("its content is not what its name promises")
        arrays = safetensors.numpy.load(data)
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise ValueError(f"array {name!r} holds values that are not finite")
    return arrays
