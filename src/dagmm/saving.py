"""Saved models: a directory with a manifest (JSON) and arrays (safetensors), no code.

``manifest.json`` says everything that is not an array and names the file of arrays, whose name
holds its own SHA-256. Writing puts the new arrays beside the old ones and then replaces the
manifest in one step: at every moment the directory holds one whole model.
"""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy

import dagmm
from dagmm.encoder import Encoder, NumberColumns, TextColumn
from dagmm.errors import ModelFileError, ModelSaveError
from dagmm.fitted import FittedModel, Member
from dagmm.mixture import Mixture
from dagmm.networks import Architecture, activation_name
from dagmm.networks.activation import KNOWN
from dagmm.networks.residual import RESIDUALS

#: Version of the directory's format; raised when an older library could not read it.
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
#: A manifest larger than this is not one of ours.
MAX_MANIFEST_BYTES = 64 * 2**20
_ARRAYS_NAME = re.compile(r"arrays-[0-9a-f]{64}\.safetensors")


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
    arrays = _arrays_of(model)
    data = safetensors.numpy.save(arrays)
    name = f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors"
    manifest = {
        "format": "dagmm",
        "format_version": FORMAT_VERSION,
        "library_version": dagmm.__version__,
        "estimator": estimator,
        "arguments": arguments,
        "arrays": name,
        **_plain_of(model),
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    _check_target(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory / name, data)
        _write(directory / MANIFEST, text.encode())
    except OSError as error:
        raise ModelSaveError(
            error.errno, f"save: {str(directory)!r} could not be written: {error.strerror}."
        ) from error
    for old in directory.iterdir():
        if _ARRAYS_NAME.fullmatch(old.name) and old.name != name:
            with contextlib.suppress(OSError):  # a leftover harms nobody
                old.unlink()


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
    """
    file = Path(path) / MANIFEST
    manifest = _read_manifest(file)
    with _named(file):
        architectures = [_architecture_of(part) for part in manifest["members"]]
        encoder_plain = manifest["encoder"]
        name = manifest["arrays"]
        expected = _expected_arrays(architectures, encoder_plain, manifest["members"])
    if not isinstance(name, str) or not _ARRAYS_NAME.fullmatch(name):
        raise ModelFileError(
            f"restore: {str(file)!r} names {name!r} as its file of arrays; expected "
            "'arrays-<sha256>.safetensors' in the same directory. The model is damaged."
        )
    arrays = _read_arrays(Path(path) / name, expected)
    with _named(file):
        model = FittedModel(
            encoder=_encoder_of(encoder_plain, arrays),
            members=tuple(
                _member_of(i, architecture, plain, arrays)
                for i, (architecture, plain) in enumerate(
                    zip(architectures, manifest["members"], strict=True)
                )
            ),
            threshold=None if manifest["threshold"] is None else float(manifest["threshold"]),
            record=dict(manifest["record"]),
        )
        return SavedModel(
            model,
            str(manifest["estimator"]),
            dict(manifest["arguments"]),
            str(manifest["library_version"]),
        )


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    """Whether a directory holds a saved model, readable or not."""
    return (Path(path) / MANIFEST).is_file()


# What is written ---------------------------------------------------------------------------


def _plain_of(model: FittedModel) -> dict[str, Any]:
    encoder = model.encoder
    return {
        "encoder": {
            "columns": list(encoder.columns),
            "scaling": encoder.scaling,
            "numbers": list(encoder.numbers.names),
            "texts": [
                {"name": text.name, "categories": list(text.categories)} for text in encoder.texts
            ],
        },
        "members": [
            {
                "n_features": member.architecture.n_features,
                "comp_hiddens": list(member.architecture.comp_hiddens),
                "comp_activation": activation_name(
                    "comp_activation", member.architecture.comp_activation
                ),
                "est_hiddens": list(member.architecture.est_hiddens),
                "est_activation": activation_name(
                    "est_activation", member.architecture.est_activation
                ),
                "est_dropout_ratio": member.architecture.est_dropout_ratio,
                "residuals": list(member.architecture.residuals),
                "n_components": len(member.mixture.phi),
                "location": member.location,
                "spread": member.spread,
            }
            for member in model.members
        ],
        "threshold": model.threshold,
        "record": model.record,
    }


def _arrays_of(model: FittedModel) -> dict[str, np.ndarray]:
    numbers = model.encoder.numbers
    arrays = {
        "encoder.exponent": numbers.exponent,
        "encoder.centre": numbers.centre,
        "encoder.scale": numbers.scale,
    }
    for i, text in enumerate(model.encoder.texts):
        arrays[f"encoder.texts.{i}.centre"] = text.centre
    for i, member in enumerate(model.members):
        prefix = f"members.{i}."
        for name, array in member.architecture.named(member.parameters).items():
            arrays[prefix + name] = array
        for name in ("phi", "mu", "chol"):
            arrays[f"{prefix}mixture.{name}"] = getattr(member.mixture, name)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _check_target(directory: Path) -> None:
    if directory.is_dir() and not is_saved_model(directory) and any(directory.iterdir()):
        raise ModelSaveError(
            f"save: {str(directory)!r} holds files that are not a saved model; "
            "choose another directory."
        )
    if directory.exists() and not directory.is_dir():
        raise ModelSaveError(f"save: {str(directory)!r} is a file; a model is a directory.")


def _write(file: Path, data: bytes) -> None:
    """Write a file so that it is either as before or complete, even if the power fails."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# What is read ------------------------------------------------------------------------------


def _read_manifest(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise ModelFileError(
            f"restore: {str(file.parent)!r} is not a saved model: it has no {MANIFEST}."
        )
    with _named(file):
        if file.stat().st_size > MAX_MANIFEST_BYTES:
            raise ValueError(f"it is larger than {MAX_MANIFEST_BYTES} bytes")
        manifest = json.loads(file.read_bytes())
    if not isinstance(manifest, dict) or manifest.get("format") != "dagmm":
        raise ModelFileError(f"restore: {str(file)!r} was not written by dagmm.")
    version = manifest.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelFileError(
            f"restore: {str(file)!r} has format {version}, this dagmm "
            f"reads up to {FORMAT_VERSION}; upgrade dagmm."
        )
    return manifest


@contextlib.contextmanager
def _named(file: Path) -> Iterator[None]:
    """Say which file was wrong when its content is not what was written."""
    try:
        yield
    except ModelFileError:
        raise
    except KeyError as error:
        raise ModelFileError(f"restore: {str(file)!r} is damaged: {error} is missing.") from error
    except (ValueError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise ModelFileError(f"restore: {str(file)!r} is damaged: {error}.") from error


def _architecture_of(plain: dict[str, Any]) -> Architecture:
    for name, known in (
        (plain["comp_activation"], KNOWN),
        (plain["est_activation"], KNOWN),
        *((residual, RESIDUALS) for residual in plain["residuals"]),
    ):
        if name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    return Architecture(
        n_features=_size(plain["n_features"]),
        comp_hiddens=tuple(_size(width) for width in plain["comp_hiddens"]),
        comp_activation=plain["comp_activation"],
        est_hiddens=tuple(_size(width) for width in plain["est_hiddens"]),
        est_activation=plain["est_activation"],
        est_dropout_ratio=float(plain["est_dropout_ratio"]),
        residuals=tuple(plain["residuals"]),
    )


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 2**24:
        raise ValueError(f"{value!r} is not a width")
    return value


def _expected_arrays(
    architectures: list[Architecture], encoder: dict[str, Any], members: list[dict[str, Any]]
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of every array a manifest promises, without making any of them."""
    width = (len(encoder["numbers"]),)
    expected = {
        "encoder.exponent": ("I64", width),
        "encoder.centre": ("F64", width),
        "encoder.scale": ("F64", width),
    }
    for i, text in enumerate(encoder["texts"]):
        expected[f"encoder.texts.{i}.centre"] = ("F64", (len(text["categories"]) + 1,))
    for i, (architecture, plain) in enumerate(zip(architectures, members, strict=True)):
        for name, shape in architecture.shapes().items():
            expected[f"members.{i}.{name}"] = ("F32", shape)
        k, d = _size(plain["n_components"]), architecture.n_latent
        for name, shape in (("phi", (k,)), ("mu", (k, d)), ("chol", (k, d, d))):
            expected[f"members.{i}.mixture.{name}"] = ("F64", shape)
    return expected


def _read_arrays(
    file: Path, expected: dict[str, tuple[str, tuple[int, ...]]]
) -> dict[str, np.ndarray]:
    """Read the arrays once everything about them is as the manifest promises."""
    if not file.is_file():
        raise ModelFileError(f"restore: {str(file)!r} is missing; the model is incomplete.")
    with _named(file):
        with safetensors.safe_open(file, framework="numpy") as opened:
            _check_arrays(opened, expected)
        data = file.read_bytes()
        if file.name != f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors":
            raise ValueError("its content is not what its name promises")
        arrays = safetensors.numpy.load(data)
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise ValueError(f"array {name!r} holds values that are not finite")
    return arrays


def _check_arrays(opened: Any, expected: dict[str, tuple[str, tuple[int, ...]]]) -> None:
    names = set(opened.keys())
    for name in sorted(expected.keys() - names):
        raise ValueError(f"array {name!r} is missing")
    for name in sorted(names - expected.keys()):
        raise ValueError(f"array {name!r} is not part of such a model")
    for name, (dtype, shape) in expected.items():
        part = opened.get_slice(name)
        got = part.get_dtype(), tuple(part.get_shape())
        if got != (dtype, shape):
            raise ValueError(
                f"array {name!r} must be {dtype} of {shape}, got {got[0]} of {got[1]}"
            )


def _encoder_of(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> Encoder:
    return Encoder(
        columns=tuple(plain["columns"]),
        scaling=plain["scaling"],
        numbers=NumberColumns(
            tuple(plain["numbers"]),
            arrays["encoder.exponent"],
            arrays["encoder.centre"],
            arrays["encoder.scale"],
        ),
        texts=tuple(
            TextColumn(
                text["name"], tuple(text["categories"]), arrays[f"encoder.texts.{i}.centre"]
            )
            for i, text in enumerate(plain["texts"])
        ),
    )


def _member_of(
    i: int, architecture: Architecture, plain: dict[str, Any], arrays: dict[str, np.ndarray]
) -> Member:
    prefix = f"members.{i}."
    parameters = [arrays[prefix + name].ravel() for name in architecture.shapes()]
    mixture = Mixture(*(arrays[f"{prefix}mixture.{name}"] for name in ("phi", "mu", "chol")))
    return Member(
        architecture,
        np.concatenate(parameters),
        mixture,
        float(plain["location"]),
        float(plain["spread"]),
    )
