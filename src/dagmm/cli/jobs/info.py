"""A saved model in words."""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from dagmm.cli.jobs.reading import reading_of
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.ensemble import Component, Identity, TrainedNetwork
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import FORMAT_VERSION, load_model
from dagmm.inference.record import InputRoles
from dagmm.networks.activations import activation_name
from dagmm.preprocessing.columns.date_text import DateReading
from dagmm.preprocessing.columns.number_text import NumberTextColumn
from dagmm.preprocessing.image_encoder import ImageEncoder, size_in_words
from dagmm.preprocessing.normal_scores import NormalScores
from dagmm.preprocessing.row_views import View
from dagmm.preprocessing.table_encoder import TableEncoder

#: What a view shows, in words.
_SEEN: dict[View, str] = {
    "values": "encoded rows",
    "normal_scores": "normal scores of rows",
    "last_rows": "last rows of windows",
    "level": "levels of windows",
    "summary": "levels and spreads of windows",
}


def describe(path: str) -> dict[str, Any]:
    """Return what a saved model holds, as plain data without its arrays.

    Raises
    ------
    ModelFileError
        If it cannot be read.
    """
    saved = load_model(path)
    model = saved.model
    record = model.record
    return {
        "model": path,
        "estimator": saved.estimator,
        "dagmm_version": saved.library_version,
        "format": FORMAT_VERSION,
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
        "calibration": _calibration(model.calibration),
        "rows": record.n_rows,
        **({} if record.drawn_rows is None else {"drawn_rows": record.drawn_rows}),
        "fingerprint": record.fingerprint,
        "verdict": record.verdict,
    }


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


def _windows_in_words(windows: dict[str, Any]) -> str:
    by = " and ".join(name for name in (windows["time"], windows["group"]) if name is not None)
    words = [f"{windows['rows']} rows of {windows['interval']:g} s by {by}"]
    if windows["gap"] is not None:
        words.append(f"a gap from {windows['gap']:g} s on")
    if windows["step"] > 1:
        words.append(f"trained on every {windows['step']} rows")
    if windows["nonstationary_features"]:
        words.append(f"non-stationary columns: {', '.join(windows['nonstationary_features'])}")
    return "; ".join(words)


def _calibration(calibration: Calibration) -> dict[str, Any]:
    return {"rows": calibration.reference.n_rows, "rows_are": calibration.reference_are}


def in_words(description: dict[str, Any]) -> dict[str, Any]:
    """Return a description with each entry as text, or a list of lines."""
    words = dict(description)
    if "columns" in description:
        words |= _table_in_words(description)
        if "reading" in words:
            said = words["reading"].items()
            words["reading"] = ", ".join(f"{name}={value!r}" for name, value in said)
        for name, value in words.pop("table").items():
            if value:
                words[name] = value if isinstance(value, str) else ", ".join(value)
    else:
        words["images"] = _images_in_words(description["images"])
    words["windows"] = words["windows"] and _windows_in_words(words["windows"])
    known = words["calibration"]
    words["calibration"] = f"{known['rows']} {known['rows_are']}"
    words["networks"] = [_network_in_words(network) for network in description["networks"]]
    words["input_densities"] = [
        f"{_density_in_words(one)} of {_SEEN[one['view']]}, {one['share']:.0%} of the energy"
        for one in description["input_densities"]
    ] or None
    return words


def _density_in_words(density: dict[str, Any]) -> str:
    n = density["components"]
    return f"{density['kind'].replace('_', ' ')} ({n} component{'s' * (n > 1)})"


def _schema(model: FittedModel) -> dict[str, Any]:
    """Say what the model takes: a table's columns, or images of one size."""
    encoder = model.encoder
    if isinstance(encoder, ImageEncoder):
        height, width, channels = encoder.shape
        images = {"height": height, "width": width, "channels": channels}
        return {"images": {**images, "smoothing": encoder.smoothing, "scale": encoder.scale}}
    return {
        "columns": _columns(encoder),
        "unused_columns": [
            column._asdict() | _reading(encoder.reading_of(column.name))
            for column in encoder.unused_columns
        ],
        "table": asdict(model.record.roles or InputRoles()),
        **({"reading": reading_of(model.record)} if model.record.reading else {}),
        "scaling": encoder.scaling,
    }


def _table_in_words(description: dict[str, Any]) -> dict[str, Any]:
    return {
        "columns": [_column_in_words(column) for column in description["columns"]],
        "unused_columns": [
            f"{c['name']}: {c['why']}{', ' * ('written' in c)}{c.get('written', '')}"
            for c in description["unused_columns"]
        ]
        or None,
    }


def _images_in_words(images: dict[str, Any]) -> str:
    size = size_in_words((images["height"], images["width"], images["channels"]))
    return f"{size}, smoothed over {images['smoothing']:g} pixels"


def _column_in_words(column: dict[str, Any]) -> str:
    words = [column["kind"]]
    if "categories" in column:
        words.append(f"{column['categories']} categories")
    if "cycles" in column:
        words.append(f"place in the {' and in the '.join(column['cycles'])}")
    if "unit" in column:
        words.append(f"in {column['unit']}")
    if "written" in column:
        words.append(column["written"])
    if "had_holes" in column:
        words.append("had holes")
    return f"{column['name']} ({', '.join(words)})"


def _network_in_words(network: dict[str, Any]) -> str:
    compression, estimation = (
        "-".join(map(str, network[part])) for part in ("compression", "estimation")
    )
    kind = "convolutional compression" if network["shape"] else "compression"
    densities = ", ".join(map(_density_in_words, network["densities"]))
    share = sum(one["share"] for one in network["densities"])
    return (
        f"{kind} {compression} ({network['comp_activation']}) of {_SEEN[network['view']]}, "
        f"estimation {estimation} ({network['est_activation']}); {densities}, {share:.0%} of the "
        "energy"
    )


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


def _network(network: TrainedNetwork, model: FittedModel) -> dict[str, Any]:
    architecture = network.architecture
    return {
        "view": _view(model, network),
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
