"""From a table in a file to a saved model."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dagmm._core.atomic_files import why_not_writable
from dagmm._core.errors import ArgumentError
from dagmm.cli.jobs.images import check_no_roles, is_images, open_images
from dagmm.cli.jobs.labels import detection_quality, normal_rows
from dagmm.cli.jobs.reading import remembered
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.tables import open_features
from dagmm.cli.terminal import errors_named, keep_interrupts, note
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths
from dagmm.data.frames import FrameRows
from dagmm.data.images import ImageRows
from dagmm.data.streams import StreamRows
from dagmm.estimators.detector import DAGMMDetector
from dagmm.inference.calibration.threshold_rules import check_contamination
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import is_free, is_saved_model
from dagmm.preprocessing.image_encoder import ImageEncoder, size_in_words
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.length import WindowLength
from dagmm.training.config import ConfigOptions

if TYPE_CHECKING:
    from dagmm.training.checkpoint.directory import Checkpoint


@dataclass(frozen=True)
class FitJob:
    """What a fit needs to know.

    Parameters
    ----------
    table : str or tuple of str
        One path, or several.
    model : str
        Path.
    options : TableOptions
    roles : Roles
    contamination : "auto" or float
    members : int or None
        4 by default.
    seed : int
    force, quiet : bool
    window : int or str, optional
        Rows, a duration or "auto"; by default each row is scored by itself.
    step : int
        Every so many rows a window is trained on.
    network : {"dense", "convolutional"}
    checkpoint : str, optional
        Path of the directory that keeps the training until the model is saved.
    train : {"normal", "all"}, optional
        Which rows are fitted to; by default the normal ones where their label is named.
    max_seconds : float, optional
        Bound on the time of the training, in seconds.
    trim : float, optional
        Share of the rows, the strangest, that mixtures are not fitted to.
    """

    table: Paths
    model: str
    options: TableOptions
    roles: Roles
    contamination: Any = "auto"
    members: int | None = None
    seed: int = 0
    force: bool = False
    quiet: bool = False
    window: int | str | None = None
    step: int = 1
    network: str = "dense"
    checkpoint: str | None = None
    train: str | None = None
    max_seconds: float | None = None
    trim: float | None = None

    @property
    def only_normal(self) -> bool:
        """Whether rows that are labelled anomalies are left out of the fit."""
        return self.train == "normal" or (self.train is None and bool(self.roles.normal))

    @property
    def config(self) -> dict[str, float] | None:
        """What the detector's config is told."""
        said = {"max_seconds": self.max_seconds, "trim": self.trim}
        return {name: value for name, value in said.items() if value is not None} or None


def fit_table(job: FitJob) -> dict[str, Any]:
    """Read, fit and save.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    began = time.perf_counter()
    keep_interrupts()
    check_contamination(job.contamination)
    ConfigOptions.of(job.config)
    if job.window is not None:
        WindowLength.of(job.window, job.step, job.roles.time, job.roles.group)
    if job.train == "normal" and job.roles.label is None:
        raise ArgumentError("--train normal needs --label, the column that tells anomalies.")
    checkpoint = None
    if job.checkpoint is not None:
        checkpoint = check_apart(job.checkpoint, job.model)
    # The model of a fit that was killed after it was saved is this fit's own.
    is_own = checkpoint is not None and checkpoint.announced(job.model)
    check_directory(job.model, job.force or is_own)
    if job.checkpoint is not None:
        check_writable(job.checkpoint)
    features: FrameRows | StreamRows | ImageRows
    if is_images(job.table):
        check_no_roles(job.roles, job.options, job.table)
        features, labels, name = open_images(job.table, job.quiet), None, repr(job.table)
    else:
        features, labels, name = open_features(job.table, job.options, job.roles, job.quiet)
    fitted = features
    if labels is not None and job.only_normal:
        assert not isinstance(features, ImageRows), "images have no labels"
        fitted, name = normal_rows(features, labels, name, "fitted to", job.quiet)
    elif labels is not None and 2 * labels.sum() > len(labels):
        note(
            f"{labels.sum():,} of {len(labels):,} training rows are labelled anomalies; a model "
            "takes for normal what is common among its training rows (--train normal leaves "
            "them out)",
            job.quiet,
        )
    detector = DAGMMDetector(
        job.contamination,
        4 if job.members is None else job.members,
        job.seed,
        verbose=not job.quiet,
        **job.roles.arguments,
        window=job.window,
        step=job.step,
        network=job.network,
        config=job.config,
    )
    with errors_named(name):
        detector.fit(fitted, checkpoint=job.checkpoint)
    if isinstance(detector.model_.encoder, TableEncoder):
        record = replace(
            detector.model_.record,
            roles=job.roles.remembered,
            reading=remembered(job.options),
        )
        detector.model_ = replace(detector.model_, record=record)
    if checkpoint is not None:
        checkpoint.announce(job.model)
    detector.save(job.model)
    return {
        "model": job.model,
        **_summary(detector, features, labels, job.only_normal),
        "seconds": round(time.perf_counter() - began, 1),
    }


def forget_training(job: FitJob) -> None:
    """Delete the checkpoint, if there is one; the last thing that a fit does.

    Raises
    ------
    OSError
    """
    if job.checkpoint is not None:
        from dagmm.training.checkpoint.directory import Checkpoint

        Checkpoint(job.checkpoint).delete()


def check_apart(checkpoint: str, model: str) -> "Checkpoint":
    """Check that a training can be kept there, beside the model.

    Raises
    ------
    ArgumentError
        If the directory cannot be a checkpoint, or one of both would lie in the other.
    """
    one, other = Path(checkpoint).resolve(), Path(model).resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise ArgumentError(
            f"--checkpoint {checkpoint!r} and the model {model!r} must be two directories, and "
            "neither may lie in the other."
        )
    from dagmm.training.checkpoint.directory import Checkpoint

    return Checkpoint(checkpoint)


def check_directory(model: str, force: bool) -> None:
    """Check that a model can be saved there, before the work for it begins.

    Raises
    ------
    ArgumentError
        If there is something already, and it is not a model or ``force`` is not set.
    """
    path = Path(model)
    if path.exists() and not path.is_dir():
        raise ArgumentError(f"{model!r} is a file; a model is a directory.")
    if path.is_dir() and not is_free(path):
        if not is_saved_model(path):
            raise ArgumentError(
                f"{model!r} holds files that are not a saved model; choose another directory."
            )
        if not force:
            raise ArgumentError(
                f"{model!r} holds a model already; choose another directory, or add --force."
            )
    check_writable(model)


def check_writable(directory: str) -> None:
    """Check that files can be written to a directory, which need not be there yet.

    Raises
    ------
    ArgumentError
    """
    reason = why_not_writable(Path(directory))
    if reason:
        raise ArgumentError(f"{directory!r} cannot be written: {reason}.")


def _unused_columns(encoder: TableEncoder) -> dict[str, Any]:
    names = [column.name for column in encoder.unused_columns]
    return {"unused_columns": names} if names else {}


def _windows(model: FittedModel) -> dict[str, Any]:
    if model.windows is None:
        return {}
    return {"window_rows": model.windows.n_steps, "windows": model.record.n_windows}


def _drawn(model: FittedModel) -> dict[str, Any]:
    n_rows = model.record.drawn_rows
    return {} if n_rows is None else {"drawn_rows": n_rows}


def _summary(
    detector: DAGMMDetector,
    features: FrameRows | StreamRows | ImageRows,
    labels: np.ndarray | None,
    only_normal: bool,
) -> dict[str, Any]:
    model = detector.model_
    encoder, n_rows = model.encoder, model.record.n_rows
    if isinstance(encoder, ImageEncoder):
        summary: dict[str, Any] = {"images": n_rows, "size": size_in_words(encoder.shape)}
    else:
        summary = {
            "rows": n_rows,
            **({} if labels is None or not only_normal else {"left_out": int(labels.sum())}),
            **_drawn(model),
            "columns": len(encoder.columns),
            "text_columns": len(encoder.texts),
            **_unused_columns(encoder),
            **_windows(model),
        }
    share, quality = detection_quality(model, features, labels, only_normal)
    return {
        **summary,
        "members": len(model.networks),
        "threshold": model.threshold,
        "share_above": share,
        "verdict": detector.verdict_,
        **quality,
    }
