"""Fitting to images in files, and scoring and explaining them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.progress import progress_for
from dagmm.cli.jobs.image_files import names_of, open_images
from dagmm.cli.terminal import log
from dagmm.data.files.write import check_target, open_sink
from dagmm.data.images import ImageRows
from dagmm.estimators.detector import DAGMMDetector
from dagmm.inference.calibration.threshold import is_anomaly, p_value_of
from dagmm.inference.explain.images import explain_images
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.image_encoder import size_in_words
from dagmm.training.checkpoint.directory import Checkpoint


def fit_images(
    detector: DAGMMDetector, path: str, model: str, checkpoint: str | None, quiet: bool
) -> dict[str, Any]:
    """Read, fit and save.

    Parameters
    ----------
    detector : DAGMMDetector
    path, model : str
        Paths of the images and of the model.
    checkpoint : str, optional
        Path of the directory that keeps the training until the model is saved.
    quiet : bool

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    began = time.perf_counter()
    rows = _opened(path, quiet)
    try:
        detector.fit(rows, checkpoint=checkpoint)
    except InputError as error:
        raise _placed(error, path) from error
    detector.save(model)
    if checkpoint is not None:
        Checkpoint(checkpoint).delete()
    fitted = detector.model_
    assert fitted.threshold is not None, "a detector's model has a threshold"
    energy = fitted.energy(rows)
    return {
        "model": model,
        "images": rows.n_rows,
        "size": size_in_words(rows.shape),
        "members": len(fitted.members),
        "threshold": fitted.threshold,
        "share_above": float(is_anomaly(energy, fitted.threshold).mean()),
        "verdict": detector.verdict_,
        "seconds": round(time.perf_counter() - began, 1),
    }


def score_images(
    model: FittedModel, path: str, output: str, *, p_value: bool, force: bool, quiet: bool
) -> dict[str, Any]:
    """Read, score and write, some images at a time.

    Returns, errors as in :func:`fit_images`.
    """
    began = time.perf_counter()
    rows = _opened(path, quiet)
    _check(model, rows, path)
    results = _scored(model, rows, path, p_value, quiet)
    first = next(results)
    anomalies = 0
    with open_sink(output, first.schema, force=force) as sink:
        part: pa.Table | None = first
        while part is not None:
            sink.write(part)
            if "is_anomaly" in part.column_names:
                anomalies += int(part["is_anomaly"].to_numpy().sum())
            part = next(results, None)
    found = {} if model.threshold is None else {"anomalies": anomalies}
    return {
        "output": "standard output" if output == "-" else output,
        "images": rows.n_rows,
        **found,
        "threshold": model.threshold,
        "seconds": round(time.perf_counter() - began, 1),
    }


def explain_to_file(
    model: FittedModel, path: str, output: str, *, all_rows: bool, force: bool, quiet: bool
) -> dict[str, Any]:
    """Write heat maps of the anomalies, or of all images, to a file of arrays.

    Returns, errors as in :func:`fit_images`.
    """
    began = time.perf_counter()
    if not output.endswith(".npz"):
        raise ArgumentError(
            f"the heat maps of images go to a .npz file of arrays, got --output {output!r}."
        )
    check_target(output, force)
    rows = _opened(path, quiet)
    _check(model, rows, path)
    wanted = np.arange(rows.n_rows)
    try:
        if model.threshold is not None and not all_rows:
            wanted = np.flatnonzero(is_anomaly(model.energy(rows), model.threshold))
        pixels = [rows.chunk(i, i + 1).pixels for i in wanted.tolist()]
        stack = np.concatenate(pixels) if pixels else np.empty((0, *rows.shape))
        explanation = explain_images(model, ImageRows(stack))
    except InputError as error:
        raise _placed(error, path) from error
    column, names = names_of(rows)
    arrays = {name: getattr(explanation, name) for name in explanation.__dataclass_fields__}
    with Path(output).open("wb") as file:
        np.savez_compressed(file, **{f"{column}s": np.array(names)[wanted], **arrays})
    return {
        "output": output,
        "images": rows.n_rows,
        "explained": len(wanted),
        "seconds": round(time.perf_counter() - began, 1),
    }


def calibrated_by_images(model: FittedModel, path: str) -> FittedModel:
    """Return the model, which knows the energies of other normal images."""
    rows = _opened(path, quiet=True)
    try:
        return model.calibrated(rows)
    except InputError as error:
        raise _placed(error, path) from error


def _scored(
    model: FittedModel, rows: ImageRows, path: str, p_value: bool, quiet: bool
) -> Iterator[pa.Table]:
    """Yield name, energy and decision of some images at a time."""
    column, names = names_of(rows)
    with progress_for(not quiet) as progress:
        progress.phase("scoring", rows.n_rows)
        for start in range(0, rows.n_rows, _AT_A_TIME):
            stop = min(start + _AT_A_TIME, rows.n_rows)
            try:
                chunk = rows.chunk(start, stop)
                features = model.encoder.encode(chunk)
            except InputError as error:
                raise _placed(error, path) from error
            energy = model.energy_of_features(features)
            result = {column: pa.array(names[start:stop]), "energy": pa.array(energy)}
            if model.threshold is not None:
                result["is_anomaly"] = pa.array(is_anomaly(energy, model.threshold))
            if p_value:
                result["p_value"] = pa.array(p_value_of(model.calibration, energy))
            progress.advance(stop)
            yield pa.table(result)


#: Images that are scored at a time, between two looks at the progress.
_AT_A_TIME = 256


def _opened(path: str, quiet: bool) -> ImageRows:
    log(f"reading {path}", quiet)
    rows = open_images(path)
    if rows.n_rows == 0:
        raise InputError(f"{path!r} has no images.")
    log(f"{rows.n_rows} images of {size_in_words(rows.shape)}", quiet)
    return rows


def _check(model: FittedModel, rows: ImageRows, path: str) -> None:
    try:
        model.check(rows)
    except InputError as error:
        raise _placed(error, path) from error


def _placed(error: InputError, path: str) -> InputError:
    """Say which folder or file is wrong, where that is not said."""
    return error if repr(path)[1:-1] in str(error) else InputError(f"{path!r}: {error}")
