"""The manifest of a saved model: everything that is not an array, as plain data and back.

Whatever is read is checked before it is used, field by field: a saved model may come from
anywhere. What is wrong is named by its path, such as ``components.0.spread``; an array is named by
the path of the part that it belongs to.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dagmm._core.atomic_files import ArraySpecs
from dagmm._core.json_fields import JsonField
from dagmm._core.states import Promise, State
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.calibration import read_calibration, state_of_calibration
from dagmm.inference.persistence.components import read_ensemble, state_of_ensemble
from dagmm.inference.persistence.encoders import read_table_encoder, state_of_table_encoder
from dagmm.inference.persistence.image_encoders import (
    read_image_encoder,
    state_of_image_encoder,
)
from dagmm.inference.persistence.windows import read_windows, state_of_windows
from dagmm.inference.record import TrainingRecord
from dagmm.inference.revision import Revision
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.windows.spec import WindowSpec


class Manifest(NamedTuple):
    """What a manifest says, checked: all but the arrays."""

    library_version: str
    estimator: str
    arguments: dict[str, Any]
    model: Promise[FittedModel]


def state_of_model(model: FittedModel) -> State:
    """Return a model as plain data and arrays.

    Raises
    ------
    ArgumentError
        If an activation is a function that has no known name.
    """
    if isinstance(model.encoder, ImageEncoder):
        encoder = state_of_image_encoder(model.encoder)
    else:
        encoder = state_of_table_encoder(model.encoder)
    ensemble = state_of_ensemble(model.components)
    calibration = state_of_calibration(model.calibration)
    windows = State(None, {}) if model.windows is None else state_of_windows(model.windows)
    plain = {
        "encoder": encoder.plain,
        "windows": windows.plain,
        **ensemble.plain,
        "calibration": calibration.plain,
        "threshold": None if model.decision is None else model.decision.plain(),
        "record": model.record.plain(),
        "revision": model.revision.plain(),
    }
    arrays = {
        **encoder.under("encoder"),
        **windows.under("windows"),
        **ensemble.arrays,
        **calibration.under("calibration"),
    }
    return State(plain, {name: np.ascontiguousarray(array) for name, array in arrays.items()})


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
    names = (
        *("library_version", "estimator", "arguments", "encoder", "windows", "views"),
        *("networks", "components", "calibration", "threshold", "record", "revision"),
    )
    parts = dict(zip(names, JsonField(plain, "the manifest").fields(*names), strict=True))
    if not isinstance(parts["arguments"].value, dict):
        parts["arguments"].fail("an object")
    return Manifest(
        parts["library_version"].text(),
        parts["estimator"].text(),
        parts["arguments"].value,
        _read_model(parts),
    )


def _read_model(parts: Mapping[str, JsonField]) -> Promise[FittedModel]:
    of_images = (
        isinstance(parts["encoder"].value, dict) and "image_shape" in parts["encoder"].value
    )
    frame, encoder = (read_image_encoder if of_images else read_table_encoder)(parts["encoder"])
    width, whole, n_columned = frame.n_features, "an encoded row", len(frame.feature_columns)
    windows: Promise[WindowSpec] | None = None
    if parts["windows"].value is not None:
        spec, windows = read_windows(parts["windows"], frame)
        width, whole, n_columned = (
            spec.n_inputs,
            "what the networks see of a window",
            spec.n_inputs,
        )
    ensemble = read_ensemble(parts["views"], parts["networks"], parts["components"], width, whole)
    # Pixels have no usual values of their own: an image's encoder has no columns.
    calibration = read_calibration(parts["calibration"], n_columned)
    threshold = parts["threshold"]
    decision = None if threshold.value is None else Threshold.read(threshold)
    record = TrainingRecord.read(parts["record"], len(parts["networks"].value))
    revision = Revision.read(parts["revision"])

    def build(arrays: Mapping[str, np.ndarray]) -> FittedModel:
        return FittedModel(
            encoder.build(arrays),
            ensemble.build(arrays),
            calibration.build(arrays),
            record,
            decision,
            None if windows is None else windows.build(arrays),
            revision,
        )

    promised: ArraySpecs = {**encoder.arrays, **ensemble.arrays, **calibration.arrays}
    return Promise(promised | ({} if windows is None else windows.arrays), build)
