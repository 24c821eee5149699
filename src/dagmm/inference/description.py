"""What a fitted model is, as plain data without its arrays."""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.ensemble import Component, Identity, TrainedNetwork
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.record import InputRoles
from dagmm.networks.activations import activation_name
from dagmm.preprocessing.columns.date_text import DateReading
from dagmm.preprocessing.columns.number_text import NumberTextColumn
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.normal_scores import NormalScores
from dagmm.preprocessing.row_views import View
from dagmm.preprocessing.table_encoder import TableEncoder


def description_of(model: FittedModel) -> dict[str, Any]:
    """Return what a model holds, as JSON can hold it."""
    record = model.record
    return {
        **_revision(model),
        **_schema(model),
        "windows": _windows(model),
        "networks": [_network(network, model) for network in model.networks],
        "input_densities": [
            _density(one) | {"view": _view(model, one.transform)}
            for one in model.components
            if isinstance(one.transform, Identity)
        ],
        "threshold": model.threshold,
        "threshold_rule": None if model.decision is None else model.decision.rule,
        "alarm_rule": None if model.decision is None else str(model.decision.alarm_rule),
        "calibration": _calibration(model.calibration),
        "rows": record.n_rows,
        **({} if record.drawn_rows is None else {"drawn_rows": record.drawn_rows}),
        "fingerprint": record.fingerprint,
        "verdict": record.verdict,
    }


def _revision(model: FittedModel) -> dict[str, Any]:
    """Say which version of the model it is; of one that was never updated or named, that."""
    revision = model.revision
    said = {
        "version": revision.version,
        "name": revision.name,
        "tags": dict(revision.tags) or None,
        "updated_at": revision.updated_at,
        "updated_rows": revision.updated_rows,
    }
    return {key: value for key, value in said.items() if value is not None}


def _schema(model: FittedModel) -> dict[str, Any]:
    """Say what the model takes: a table's columns, or images of one size."""
    encoder = model.encoder
    if isinstance(encoder, ImageEncoder):
        height, width, channels = encoder.shape
        images = {"height": height, "width": width, "channels": channels}
        return {"images": {**images, "smoothing": encoder.smoothing, "scale": encoder.scale}}
    return {
        **({} if encoder.asset is None else {"asset": encoder.asset._asdict()}),
        "columns": _columns(encoder),
        "unused_columns": [
            column._asdict() | _reading(encoder.reading_of(column.name))
            for column in encoder.unused_columns
        ],
        "table": asdict(model.record.roles or InputRoles()),
        **({"reading": model.record.said_reading} if model.record.reading else {}),
        "scaling": encoder.scaling,
    }


def _columns(encoder: TableEncoder) -> list[dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = {name: {"kind": "numbers"} for name in encoder.columns}
    for text in encoder.texts:
        kinds[text.name] = {"kind": "text", "categories": len(text.categories)}
    for date in encoder.dates:
        kinds[date.name] = {"kind": "dates", "cycles": list(date.cycles), **_reading(date.reading)}
    for name, unit in encoder.units:
        kinds[name]["unit"] = unit
    for column in encoder.number_texts:
        kinds[column.name] |= _number_text(column)
    for name in encoder.masks.names:
        kinds[name] = {**kinds[name], "had_holes": True}
    return [{"name": name, **kinds[name]} for name in encoder.columns]


def _reading(reading: DateReading) -> dict[str, str]:
    return {"written": reading.in_words} if reading.in_words else {}


def _number_text(column: NumberTextColumn) -> dict[str, Any]:
    """Say how numbers are written that were text in the training table."""
    form = column.format
    described: dict[str, Any] = {"unit": form.unit} if form.unit else {}
    if form.thousands:
        described["thousands"] = form.thousands
    if form.decimal != ".":
        described["decimal"] = form.decimal
    if column.marks:
        described["holes"] = dict(column.marks)
    said = replace(column, format=replace(form, before="", after="")).in_words
    return {**described, **({"written": said} if said else {})}


def _windows(model: FittedModel) -> dict[str, Any] | None:
    windows = model.windows
    if windows is None:
        return None
    nonstationary = np.array(model.encoder.feature_columns, object)[windows.view.nonstationary]
    return {
        "rows": windows.n_steps,
        "step": windows.step,
        "time": windows.time,
        "group": windows.group,
        "interval": windows.interval,
        "gap": windows.gap if math.isfinite(windows.gap) else None,
        "detail": windows.view.detail,
        "nonstationary_features": list(dict.fromkeys(nonstationary)),
    }


def _network(network: TrainedNetwork, model: FittedModel) -> dict[str, Any]:
    architecture = network.architecture
    return {
        "view": _view(model, network),
        "precision": network.parameters.dtype.name,
        "shape": list(architecture.shape),
        "compression": [architecture.n_features, *architecture.comp_hiddens],
        "comp_activation": activation_name("comp_activation", architecture.comp_activation),
        "estimation": [architecture.n_latent, *architecture.est_hiddens],
        "est_activation": activation_name("est_activation", architecture.est_activation),
        "est_dropout_ratio": architecture.est_dropout_ratio,
        "densities": [_density(one) for one in model.components if one.transform is network],
    }


def _view(model: FittedModel, transform: TrainedNetwork | Identity) -> View:
    if transform.view is None:
        return "values"
    if isinstance(transform.view, NormalScores):
        return "normal_scores"
    assert model.windows is not None, "only windows have parts"
    known = model.windows.view.parts.items()
    return next(name for name, part in known if part == transform.view)


def _density(component: Component) -> dict[str, Any]:
    density = component.density
    return {
        "kind": density.kind,
        "components": density.n_components,
        "share": component.weight,
    }


def _calibration(calibration: Calibration) -> dict[str, Any]:
    return {"rows": calibration.reference.n_rows, "rows_are": calibration.reference_are}
