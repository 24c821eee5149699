"""A saved model's threshold: where it is, and where it shall be."""

from dataclasses import dataclass
from typing import Any

from dagmm._core.errors import ArgumentError
from dagmm.cli.jobs.fit import check_writable
from dagmm.cli.jobs.images import check_no_roles, is_images, open_images, table_encoder
from dagmm.cli.jobs.labels import normal_rows
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import check_model_columns, label_roles
from dagmm.cli.jobs.tables import labels_of
from dagmm.cli.terminal import errors_named, keep_interrupts
from dagmm.data.files.base import TableFile, TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.frames import FrameRows
from dagmm.data.paths import rows_in
from dagmm.data.streams import StreamRows
from dagmm.inference.calibration.threshold_rules import choose_threshold
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model, save_model


@dataclass(frozen=True)
class ThresholdJob:
    """What moving a threshold needs to know.

    Parameters
    ----------
    model : str
        Path.
    rule : dict
        At most one of contamination, quantile, alarms and energy.
    per : str
    every : str or None
    per_event : bool
        Belong to alarms.
    calibrate : str or None
        Path of a table of normal rows.
    options : TableOptions
        Of that table.
    roles : Roles
        Its label, and what is normal; where nothing is said, the model remembers what was said at
        the fit.
    quiet : bool
    """

    model: str
    rule: dict[str, float]
    per: str
    every: str | None
    per_event: bool
    calibrate: str | None
    options: TableOptions
    roles: Roles
    quiet: bool = False


def move_threshold(job: ThresholdJob) -> dict[str, Any]:
    """Calibrate where asked, move the threshold where asked, and say where it is.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    keep_interrupts()
    if job.roles.label is not None and job.calibrate is None:
        raise ArgumentError("--label belongs to --calibrate, the table whose column it is.")
    saved = load_model(job.model)
    model = saved.model
    if model.threshold is None:
        raise ArgumentError(
            f"{job.model!r} holds a {saved.estimator}, which has no threshold; a DAGMMDetector "
            "has one."
        )
    if job.calibrate is not None or job.rule or job.every is not None:
        check_writable(job.model)
    if job.calibrate is not None:
        model = _calibrated(model, job.calibrate, job)
    if job.rule or job.every is not None or job.per_event:
        chosen = choose_threshold(
            model.calibration,
            **job.rule,
            per=job.per,
            every=job.every,
            per_event=job.per_event,
            n_steps=model.n_steps,
        )
        model = model.with_threshold(chosen)
    if model is not saved.model:
        save_model(job.model, model, saved.estimator, saved.arguments)
    assert model.decision is not None, "checked"
    return {"model": job.model, **model.decision.plain()}


def in_words(meaning: dict[str, Any]) -> dict[str, Any]:
    """Return what a threshold means with each warning as a sentence."""
    return meaning | {"warnings": [warning["text"] for warning in meaning["warnings"]]}


def _calibrated(model: FittedModel, path: str, job: ThresholdJob) -> FittedModel:
    if is_images(path):
        check_no_roles(job.roles, job.options, path)
        rows = open_images(path, quiet=True)
        with errors_named(repr(path)):
            return model.calibrated(rows)
    table_encoder(model, path)
    with open_table(path, as_at_fit(job.options, model.record)) as source:
        normal, name = _normal_rows(model, source, job)
        with errors_named(name):
            return model.calibrated(normal)


def _normal_rows(
    model: FittedModel, source: TableFile, job: ThresholdJob
) -> tuple[FrameRows | StreamRows, str]:
    """Return the rows that are to be calibrated with, and how messages call them."""
    roles = label_roles(job.roles, model, source)
    label = () if roles.label is None else (roles.label,)
    check_model_columns(model, source.columns, source.name, label)
    texts = tuple(text.name for text in model.table_encoder.texts) + label
    rows = rows_in(source, model.columns + label, texts)
    if roles.label is None:
        return rows, source.name
    labels = labels_of(rows, roles, source.name)
    return normal_rows(rows, labels, source.name, "calibrated with", job.quiet)
