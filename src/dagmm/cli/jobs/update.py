"""A saved model brought up to date with new normal rows, named and tagged."""

from dataclasses import dataclass, field, replace
from typing import Any

from dagmm._core.errors import ArgumentError
from dagmm.cli.jobs.drift import moved_in_words
from dagmm.cli.jobs.fit import check_writable
from dagmm.cli.jobs.new_rows import only_normal_rows
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.terminal import keep_interrupts, note
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths
from dagmm.inference.drift.columns import ColumnDrift
from dagmm.inference.persistence.directory import load_model, save_model
from dagmm.inference.refresh.update import updated


@dataclass(frozen=True)
class UpdateJob:
    """What bringing a model up to date needs to know.

    Parameters
    ----------
    model : str
        Path.
    table : str, tuple of str, or None
        One path, or several; None to name and tag the model only.
    options : TableOptions
    roles : Roles
        Label of that table, and what is normal; where nothing is said, the model remembers what
        was said at the fit.
    keep : float
        What an old row counts beside a new one.
    name : str or None
    tags : dict of str to str
    quiet : bool
    """

    model: str
    table: Paths | None
    options: TableOptions
    roles: Roles
    keep: float = 1.0
    name: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    quiet: bool = False


def update_model(job: UpdateJob) -> dict[str, Any]:
    """Bring a saved model up to date; the one before stays until the new one is whole.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    keep_interrupts()
    if job.table is None and job.name is None and not job.tags:
        raise ArgumentError("nothing to do: give a TABLE of new normal rows, --name or --tag.")
    saved = load_model(job.model)
    model = saved.model
    check_writable(job.model)
    model = replace(model, revision=model.revision.called(job.name, job.tags))
    changed: dict[str, Any] = {"version": model.revision.version}
    if job.table is not None:
        with only_normal_rows(
            model, job.table, job.options, job.roles, "updated with", job.quiet
        ) as rows:
            model, update = updated(model, rows, job.keep)
        for warning in update.warnings:
            note(warning, job.quiet)
        changed = update.plain()
    save_model(job.model, model, saved.estimator, saved.arguments)
    revision = model.revision
    called = {"name": revision.name, "tags": dict(revision.tags)}
    return {"model": job.model, **changed, **called}


def in_words(changed: dict[str, Any]) -> dict[str, Any]:
    """Return what was changed with each entry as text, or a list of lines."""
    words = {key: value for key, value in changed.items() if key not in ("columns", "warnings")}
    words["tags"] = [f"{key}={value}" for key, value in changed["tags"].items()] or None
    if "columns" in changed:
        columns = [ColumnDrift(**column) for column in changed["columns"]]
        words["moved"] = [moved_in_words(one) for one in columns if one.has_moved] or None
    return {key: value for key, value in words.items() if value is not None or key == "moved"}
