"""The manifest of a saved model: everything that is not an array, as plain data and back.

Whatever is read is checked before it is used, field by field: a saved model may come from
anywhere. What is wrong is named by its path, such as ``members.0.spread``.
"""

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm.inference.calibration.threshold import ThresholdWarning
from dagmm.inference.ensemble import Member
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.calibration import (
    CalibrationManifest,
    arrays_of_calibration,
    join_calibration,
    plain_of_calibration,
    promised_calibration,
    read_calibration,
)
from dagmm.inference.persistence.encoders import Arrays
from dagmm.inference.persistence.image_encoders import (
    arrays_of_any_encoder,
    join_any_encoder,
    plain_any_encoder,
    promised_arrays_of_any_encoder,
    read_any_encoder,
)
from dagmm.inference.persistence.mixtures import (
    arrays_of_columns,
    arrays_of_mixtures,
    arrays_of_rows,
    joined_columns,
    joined_drawn,
    joined_mixture,
    joined_rows,
    plain_of_columns,
    plain_of_rows,
    promised_columns,
    promised_mixtures,
    promised_rows,
    read_columns,
    read_rows,
)
from dagmm.inference.persistence.windows import (
    arrays_of_windows,
    join_windows,
    plain_of_windows,
    promised_windows,
    read_windows,
)
from dagmm.inference.record import verdict_of
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.input_space import InputMixture
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.networks.activations import KNOWN, activation_name
from dagmm.networks.network import Architecture
from dagmm.networks.residual import RESIDUALS
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.spec import WindowSpec

#: Most layers of a network, members of a model and mixtures beside a member's own that are read.
_MOST_LAYERS, _MOST_MEMBERS, _MOST_MIXTURES = 256, 4096, 4096


class Manifest(NamedTuple):
    """What a manifest says, checked: all but the arrays."""

    library_version: str
    estimator: str
    arguments: dict[str, Any]
    encoder: TableEncoder | ImageEncoder
    """Without its arrays."""
    members: tuple[Member, ...]
    """Without their arrays."""
    n_components: tuple[int, ...]
    """Of each member's mixture."""
    drawn: tuple[tuple[int, ...], ...]
    """Of the mixtures beside that of each member."""
    threshold: float | None
    record: dict[str, Any]
    calibration: CalibrationManifest
    windows: WindowSpec | None
    """Without their arrays."""
    column_mixtures: MarginalMixtures | None
    """With arrays of the right shape that hold nothing."""
    row_mixture: InputMixture | None
    """With arrays of the right shape that hold nothing."""


# A model as plain data ---------------------------------------------------------------------


def plain_of(model: FittedModel) -> dict[str, Any]:
    """Return all of a model but its arrays as plain data.

    Raises
    ------
    ArgumentError
        If an activation is a function that has no known name.
    """
    return {
        "encoder": plain_any_encoder(model.encoder),
        "members": [_plain_member(member) for member in model.members],
        "threshold": model.threshold,
        "record": model.record,
        "calibration": plain_of_calibration(model.calibration),
        "windows": plain_of_windows(model.windows),
        "column_mixtures": plain_of_columns(model.column_mixtures),
        "row_mixture": plain_of_rows(model.row_mixture),
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
        "mask_ratio": architecture.mask_ratio,
        "shape": list(architecture.shape),
        "n_components": len(member.mixture.phi),
        "drawn_components": list(member.drawn_components),
        "location": member.location,
        "spread": member.spread,
    }


def arrays_of(model: FittedModel) -> dict[str, np.ndarray]:
    """Return a model's arrays by name."""
    arrays = arrays_of_any_encoder(model.encoder)
    for i, member in enumerate(model.members):
        prefix = f"members.{i}."
        for name, array in member.architecture.named(member.parameters).items():
            arrays[prefix + name] = np.asarray(array)
        arrays |= arrays_of_mixtures(member, prefix)
    arrays |= arrays_of_calibration(model.calibration) | arrays_of_windows(model.windows)
    arrays |= arrays_of_columns(model.column_mixtures) | arrays_of_rows(model.row_mixture)
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
    (
        version,
        estimator,
        arguments,
        encoder,
        members,
        threshold,
        record,
        calibration,
        windowed,
        column_mixtures,
        row_mixture,
    ) = JsonField(plain, "the manifest").fields(
        "library_version",
        "estimator",
        "arguments",
        "encoder",
        "members",
        "threshold",
        "record",
        "calibration",
        "windows",
        "column_mixtures",
        "row_mixture",
    )
    frame = read_any_encoder(encoder)
    windows = read_windows(windowed, frame)
    width, whole = frame.n_features, "an encoded row"
    if windows is not None:
        width, whole = windows.n_inputs, "what the networks see of a window"
    parts = [_member(part, width, whole) for part in members.items(_MOST_MEMBERS, least=1)]
    if not isinstance(arguments.value, dict):
        arguments.fail("an object")
    if not isinstance(record.value, dict):
        record.fail("an object")
    _check_record(record.value, len(parts))
    of_columns, of_rows = read_columns(column_mixtures, width), read_rows(row_mixture, width)
    if of_columns is not None and of_rows is not None and of_columns.share + of_rows.share >= 1.0:
        raise ValueError(
            "column_mixtures.share and row_mixture.share must be less than 1 in sum, got "
            f"{of_columns.share} and {of_rows.share}"
        )
    return Manifest(
        version.text(),
        estimator.text(),
        arguments.value,
        frame,
        tuple(member for member, _, _ in parts),
        tuple(n_components for _, n_components, _ in parts),
        tuple(drawn for _, _, drawn in parts),
        None if threshold.value is None else threshold.number(),
        record.value,
        read_calibration(calibration),
        windows,
        of_columns,
        of_rows,
    )


def promised_arrays(manifest: Manifest) -> Arrays:
    """Type and shape of every array that a manifest promises, without making any of them."""
    arrays = promised_arrays_of_any_encoder(manifest.encoder)
    mixtures = zip(manifest.n_components, manifest.drawn, strict=True)
    for i, (member, (k, drawn)) in enumerate(zip(manifest.members, mixtures, strict=True)):
        for name, shape in member.architecture.shapes().items():
            arrays[f"members.{i}.{name}"] = ("F32", shape)
        n_latent = member.architecture.n_latent
        arrays |= promised_mixtures(f"members.{i}.", n_latent, k, drawn)
    windows = manifest.windows
    # Pixels have no usual values of their own: an image's encoder has no columns.
    width = len(manifest.encoder.feature_columns) if windows is None else windows.n_inputs
    arrays |= promised_windows(windows) | promised_columns(manifest.column_mixtures)
    arrays |= promised_rows(manifest.row_mixture)
    return arrays | promised_calibration(manifest.calibration, width)


def join(manifest: Manifest, arrays: dict[str, np.ndarray]) -> FittedModel:
    """Put a manifest and the arrays it promises together.

    Raises
    ------
    ValueError
        Naming an array whose values a model cannot have.
    """
    return FittedModel(
        join_any_encoder(manifest.encoder, arrays),
        tuple(
            _joined(f"members.{i}.", member, drawn, arrays)
            for i, (member, drawn) in enumerate(zip(manifest.members, manifest.drawn, strict=True))
        ),
        manifest.threshold,
        manifest.record,
        join_calibration(manifest.calibration, arrays),
        join_windows(manifest.windows, arrays),
        joined_columns(manifest.column_mixtures, arrays),
        joined_rows(manifest.row_mixture, arrays),
    )


def _joined(
    prefix: str, member: Member, drawn: tuple[int, ...], arrays: dict[str, np.ndarray]
) -> Member:
    parameters = [arrays[prefix + name].ravel() for name in member.architecture.shapes()]
    return replace(
        member,
        parameters=np.concatenate(parameters),
        mixture=joined_mixture(prefix, arrays),
        drawn=joined_drawn(prefix, drawn, arrays),
    )


def _member(field: JsonField, width: int, whole: str) -> tuple[Member, int, tuple[int, ...]]:
    (
        n_features,
        comp_hiddens,
        comp_activation,
        est_hiddens,
        est_activation,
        dropout,
        residuals,
        mask_ratio,
        shape,
        n_components,
        drawn_components,
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
        "mask_ratio",
        "shape",
        "n_components",
        "drawn_components",
        "location",
        "spread",
    )
    if n_features.size() != width:
        n_features.fail(f"{width}, the width of {whole}")
    if not 0.0 <= dropout.number() < 1.0:
        dropout.fail("in [0, 1)")
    if not 0.0 <= mask_ratio.number() < 1.0:
        mask_ratio.fail("in [0, 1)")
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
        mask_ratio=mask_ratio.number(),
        shape=_shape(shape, width),
    )
    none = np.empty(0)
    member = Member(
        architecture, none, GaussianMixture(none, none, none), location.number(), spread.number()
    )
    sizes = tuple(part.size() for part in drawn_components.items(_MOST_MIXTURES))
    return member, n_components.size(), sizes


def _shape(field: JsonField, width: int) -> tuple[int, ...]:
    """Shape of an encoded row: () or that of a window or an image."""
    shape = tuple(part.size() for part in field.items(3))
    if shape and (len(shape) == 1 or math.prod(shape) != width):
        field.fail(f"[], or 2 or 3 sizes whose product is {width}, the width of an encoded row")
    return shape


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
    threshold = record.get("threshold")
    warned = threshold.get("warnings", []) if isinstance(threshold, dict) else []
    keys = set(ThresholdWarning._fields)
    if not isinstance(warned, list) or not all(
        isinstance(entry, dict) and entry.keys() == keys for entry in warned
    ):
        raise ValueError("record.threshold.warnings must be a list of objects of kind and text")
