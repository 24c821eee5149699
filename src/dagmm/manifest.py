"""The manifest of a saved model: everything that is not an array, as plain data and back.

Whatever is read is checked before it is used, field by field: a saved model may come from
anywhere. What is wrong is named by its path, such as ``members.0.spread``.
"""

import hashlib
import json
import math
import reprlib
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from dagmm.encoder import MAX_CATEGORIES, SCALINGS, Encoder, NumberColumns, TextColumn
from dagmm.fitted import FittedModel, Member
from dagmm.health import verdict_of
from dagmm.mixture import Mixture
from dagmm.networks import Architecture, activation_name
from dagmm.networks.activation import KNOWN
from dagmm.networks.residual import RESIDUALS

#: Most layers of a network, members of a model and columns of a table that are read.
_MOST_LAYERS, _MOST_MEMBERS, _MOST_COLUMNS = 256, 4096, 2**20
#: Widest layer that is read.
_WIDEST = 2**24
#: Powers of two a column can have been scaled by, with room to spare.
_EXPONENTS = 1100

#: Type (in the words of safetensors) and shape of each array by its name.
Arrays = dict[str, tuple[str, tuple[int, ...]]]


class Manifest(NamedTuple):
    """What a manifest says, checked: all but the arrays."""

    library_version: str
    estimator: str
    arguments: dict[str, Any]
    encoder: Encoder
    """Without its arrays."""
    members: tuple[Member, ...]
    """Without their arrays."""
    n_components: tuple[int, ...]
    """Of each member's mixture."""
    threshold: float | None
    record: dict[str, Any]


def checksum_of(plain: dict[str, Any]) -> str:
    """SHA-256 of a manifest, its own checksum left out; tells damage, not malice."""
    rest = {name: value for name, value in plain.items() if name != "checksum"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# A model as plain data ---------------------------------------------------------------------


def plain_of(model: FittedModel) -> dict[str, Any]:
    """Return all of a model but its arrays as plain data.

    Raises
    ------
    ArgumentError
        If an activation is a function that has no known name.
    """
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
        "members": [_plain_member(member) for member in model.members],
        "threshold": model.threshold,
        "record": model.record,
    }


def _plain_member(member: Member) -> dict[str, Any]:
    architecture = member.architecture
    return {
        "n_features": architecture.n_features,
        "comp_hiddens": list(architecture.comp_hiddens),
        "comp_activation": activation_name("comp_activation", architecture.comp_activation),
        "est_hiddens": list(architecture.est_hiddens),
        "est_activation": activation_name("est_activation", architecture.est_activation),
        "est_dropout_ratio": architecture.est_dropout_ratio,
        "residuals": list(architecture.residuals),
        "n_components": len(member.mixture.phi),
        "location": member.location,
        "spread": member.spread,
    }


def arrays_of(model: FittedModel) -> dict[str, np.ndarray]:
    """Return a model's arrays by name."""
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
            arrays[prefix + name] = np.asarray(array)
        for name in ("phi", "mu", "chol"):
            arrays[f"{prefix}mixture.{name}"] = getattr(member.mixture, name)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


# And back ----------------------------------------------------------------------------------


def read_manifest(plain: dict[str, Any]) -> Manifest:
    """Check a manifest's content.

    Parameters
    ----------
    plain : dict
        Without the fields that say what it is: format, its version, arrays, checksum.

    Raises
    ------
    ValueError
        Naming the first field that is missing, unknown, or not as it must be.
    """
    version, estimator, arguments, encoder, members, threshold, record = _Field(
        plain, "the manifest"
    ).fields(
        "library_version", "estimator", "arguments", "encoder", "members", "threshold", "record"
    )
    frame = _encoder(encoder)
    parts = [_member(part, frame.n_features) for part in members.items(_MOST_MEMBERS, least=1)]
    if not isinstance(arguments.value, dict):
        arguments.fail("an object")
    if not isinstance(record.value, dict):
        record.fail("an object")
    _check_record(record.value, len(parts))
    return Manifest(
        version.text(),
        estimator.text(),
        arguments.value,
        frame,
        tuple(member for member, _ in parts),
        tuple(n_components for _, n_components in parts),
        None if threshold.value is None else threshold.number(),
        record.value,
    )


def promised_arrays(manifest: Manifest) -> Arrays:
    """Type and shape of every array that a manifest promises, without making any of them."""
    width = (manifest.encoder.numbers.n_features,)
    arrays: Arrays = {
        "encoder.exponent": ("I64", width),
        "encoder.centre": ("F64", width),
        "encoder.scale": ("F64", width),
    }
    for i, text in enumerate(manifest.encoder.texts):
        arrays[f"encoder.texts.{i}.centre"] = ("F64", (text.n_features,))
    for i, (member, k) in enumerate(zip(manifest.members, manifest.n_components, strict=True)):
        for name, shape in member.architecture.shapes().items():
            arrays[f"members.{i}.{name}"] = ("F32", shape)
        d = member.architecture.n_latent
        for name, shape in (("phi", (k,)), ("mu", (k, d)), ("chol", (k, d, d))):
            arrays[f"members.{i}.mixture.{name}"] = ("F64", shape)
    return arrays


def join(manifest: Manifest, arrays: dict[str, np.ndarray]) -> FittedModel:
    """Put a manifest and the arrays it promises together.

    Raises
    ------
    ValueError
        Naming an array whose values a model cannot have.
    """
    encoder = manifest.encoder
    numbers = NumberColumns(
        encoder.numbers.names,
        arrays["encoder.exponent"],
        arrays["encoder.centre"],
        arrays["encoder.scale"],
    )
    # Not by np.abs, which leaves the smallest int64 negative.
    within = (numbers.exponent >= -_EXPONENTS) & (numbers.exponent <= _EXPONENTS)
    _check(within, "encoder.exponent", f"within +-{_EXPONENTS}")
    _check(numbers.scale > 0.0, "encoder.scale", "> 0")
    texts = tuple(
        TextColumn(text.name, text.categories, arrays[f"encoder.texts.{i}.centre"])
        for i, text in enumerate(encoder.texts)
    )
    return FittedModel(
        Encoder(encoder.columns, encoder.scaling, numbers, texts),
        tuple(_joined(i, member, arrays) for i, member in enumerate(manifest.members)),
        manifest.threshold,
        manifest.record,
    )


def _joined(i: int, member: Member, arrays: dict[str, np.ndarray]) -> Member:
    prefix = f"members.{i}."
    phi, mu, chol = (arrays[f"{prefix}mixture.{name}"] for name in ("phi", "mu", "chol"))
    _check((phi > 0.0) & (abs(phi.sum() - 1.0) < 1e-6), f"{prefix}mixture.phi", "> 0 with sum 1")
    triangular = (np.tril(chol) == chol).all() & (chol.diagonal(axis1=1, axis2=2) > 0.0)
    _check(triangular, f"{prefix}mixture.chol", "lower triangular with a diagonal > 0")
    parameters = [arrays[prefix + name].ravel() for name in member.architecture.shapes()]
    return Member(
        member.architecture,
        np.concatenate(parameters),
        Mixture(phi, mu, chol),
        member.location,
        member.spread,
    )


def _check(good: np.ndarray, name: str, expected: str) -> None:
    if not good.all():
        raise ValueError(f"array {name!r} must be {expected}")


def _encoder(field: "_Field") -> Encoder:
    columns, scaling, numbers, texts = field.fields("columns", "scaling", "numbers", "texts")
    all_names = columns.texts(_MOST_COLUMNS, least=1)
    text_columns = []
    for part in texts.items(_MOST_COLUMNS):
        name, categories = part.fields("name", "categories")
        none = np.empty(0)
        text_columns.append(TextColumn(name.text(), categories.texts(MAX_CATEGORIES), none))
    names = {text.name for text in text_columns}
    expected = tuple(name for name in all_names if name not in names)
    if numbers.texts(_MOST_COLUMNS) != expected:
        numbers.fail("the columns that are not text, in their order")
    in_order = [name for name in all_names if name in names]
    if in_order != [text.name for text in text_columns]:
        texts.fail("columns of the table, in their order")
    return Encoder(
        all_names,
        scaling.choice(SCALINGS),  # type: ignore[arg-type]
        NumberColumns(expected, *[np.empty(0)] * 3),
        tuple(text_columns),
    )


def _member(field: "_Field", width: int) -> tuple[Member, int]:
    (
        n_features,
        comp_hiddens,
        comp_activation,
        est_hiddens,
        est_activation,
        dropout,
        residuals,
        n_components,
        location,
        spread,
    ) = field.fields(
        "n_features",
        "comp_hiddens",
        "comp_activation",
        "est_hiddens",
        "est_activation",
        "est_dropout_ratio",
        "residuals",
        "n_components",
        "location",
        "spread",
    )
    if n_features.size() != width:
        n_features.fail(f"{width}, the width of an encoded row")
    if not 0.0 <= dropout.number() < 1.0:
        dropout.fail("in [0, 1)")
    if spread.number() <= 0.0:
        spread.fail("a number > 0")
    architecture = Architecture(
        n_features=width,
        comp_hiddens=tuple(part.size() for part in comp_hiddens.items(_MOST_LAYERS, least=1)),
        comp_activation=comp_activation.choice(KNOWN),
        est_hiddens=tuple(part.size() for part in est_hiddens.items(_MOST_LAYERS, least=1)),
        est_activation=est_activation.choice(KNOWN),
        est_dropout_ratio=dropout.number(),
        residuals=tuple(part.choice(RESIDUALS) for part in residuals.items(len(RESIDUALS))),
    )
    none = np.empty(0)
    member = Member(
        architecture, none, Mixture(none, none, none), location.number(), spread.number()
    )
    return member, n_components.size()


def _check_record(record: dict[str, Any], n_members: int) -> None:
    """Check the part of the training record that is read again."""
    histories, health = record.get("histories"), record.get("health")
    for name, part in (("histories", histories), ("health", health)):
        if not isinstance(part, list) or len(part) != n_members:
            raise ValueError(f"record.{name} must be a list with one entry for each member")
        if not all(isinstance(entry, dict) for entry in part):
            raise ValueError(f"record.{name} must be a list of objects")
    assert isinstance(health, list), "checked above"
    try:
        verdict_of(health)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError("record.health cannot be read") from error


class _Field(NamedTuple):
    """A value somewhere in the manifest, and the path to it."""

    value: Any
    path: str

    def fail(self, expected: str) -> NoReturn:
        raise ValueError(f"{self.path} must be {expected}, got {reprlib.repr(self.value)}")

    def fields(self, *names: str) -> "tuple[_Field, ...]":
        """Return the fields of an object that has these fields and no others."""
        if not isinstance(self.value, dict):
            self.fail("an object")
        for name in names:
            if name not in self.value:
                raise ValueError(f"{self.path} has no {name!r}")
        unknown = sorted(self.value.keys() - set(names))
        if unknown:
            raise ValueError(f"{self.path} has an unknown field {reprlib.repr(unknown[0])}")
        prefix = "" if self.path == "the manifest" else f"{self.path}."
        return tuple(_Field(self.value[name], prefix + name) for name in names)

    def items(self, most: int, *, least: int = 0) -> "list[_Field]":
        if not isinstance(self.value, list) or not least <= len(self.value) <= most:
            self.fail(f"a list of {least} to {most} entries")
        return [_Field(item, f"{self.path}.{i}") for i, item in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.fail("a string")
        return self.value

    def texts(self, most: int, *, least: int = 0) -> tuple[str, ...]:
        texts = tuple(item.text() for item in self.items(most, least=least))
        if len(set(texts)) < len(texts):
            self.fail("a list of strings that are all different")
        return texts

    def choice(self, known: Iterable[str]) -> str:
        if self.text() not in known:
            self.fail(f"one of {', '.join(known)}")
        return self.text()

    def size(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("a whole number")
        if not 0 < self.value <= _WIDEST:
            self.fail(f"from 1 to {_WIDEST}")
        return self.value

    def number(self) -> float:
        if isinstance(self.value, float) and math.isfinite(self.value):
            return self.value
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("a finite number")
        if abs(self.value) > 2**63:
            self.fail("a finite number")
        return float(self.value)
