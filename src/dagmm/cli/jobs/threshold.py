"""A saved model's threshold: where it is, and where it shall be."""

from dataclasses import dataclass
from typing import Any

from dagmm._core.errors import ArgumentError
from dagmm.cli.jobs.fit import check_writable
from dagmm.cli.jobs.new_rows import only_normal_rows
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.terminal import keep_interrupts
from dagmm.data.files.base import TableOptions
from dagmm.inference.calibration.alarm_rule import PLAIN, AlarmRule
from dagmm.inference.calibration.threshold_rules import choose_threshold
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
    alarm_rule : AlarmRule
        What makes an alarm of energies above the threshold.
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
    alarm_rule: AlarmRule
    calibrate: str | None
    options: TableOptions
    roles: Roles
    quiet: bool = False

    @property
    def moves(self) -> bool:
        """Whether something is said of where the threshold shall be."""
        said = self.rule or self.every is not None or self.per_event
        return bool(said) or self.alarm_rule != PLAIN


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
    if job.calibrate is not None or job.moves:
        check_writable(job.model)
    if job.calibrate is not None:
        with only_normal_rows(
            model, job.calibrate, job.options, job.roles, "calibrated with", job.quiet
        ) as rows:
            model = model.calibrated(rows)
    if job.moves:
        chosen = choose_threshold(
            model.calibration,
            **job.rule,
            alarm_rule=job.alarm_rule,
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
    """Return what a threshold means, alarm logic in words and each warning as a sentence."""
    return meaning | {
        "warnings": [warning["text"] for warning in meaning["warnings"]],
        "alarm_rule": str(AlarmRule(**meaning["alarm_rule"])),
    }
