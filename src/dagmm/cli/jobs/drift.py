"""Whether a table has left what a saved model knows."""

from dataclasses import dataclass
from typing import Any

from dagmm.cli.jobs.new_rows import all_rows
from dagmm.cli.terminal import keep_interrupts, note
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths
from dagmm.inference.drift.columns import ColumnDrift
from dagmm.inference.drift.drift import drift_of
from dagmm.inference.drift.monitor import check_watchable
from dagmm.inference.persistence.directory import load_model


@dataclass(frozen=True)
class DriftJob:
    """What telling drift needs to know.

    Parameters
    ----------
    model : str
        Path.
    table : str or tuple of str
        One path, or several.
    options : TableOptions
    alpha : float
        Chance of a false alarm.
    quiet : bool
    """

    model: str
    table: Paths
    options: TableOptions
    alpha: float
    quiet: bool = False


def tell_drift(job: DriftJob) -> dict[str, Any]:
    """Score a table and say whether its rows have left what the model knows.

    Returns
    -------
    dict
        What to tell the user, as plain data.

    Raises
    ------
    DAGMMError, OSError
    """
    keep_interrupts()
    model = load_model(job.model).model
    check_watchable(model)
    with all_rows(model, job.table, job.options) as rows:
        found = drift_of(model, rows, job.alpha)
    for warning in found.warnings:
        note(warning, job.quiet)
    plain = found.plain()
    moved = [column.name for column in found.moved]
    return {"model": job.model, **plain, "moved": moved}


def in_words(found: dict[str, Any]) -> dict[str, Any]:
    """Return what was found with each entry as text, or a list of lines."""
    words = {name: value for name, value in found.items() if name not in ("columns", "warnings")}
    columns = {column["name"]: ColumnDrift(**column) for column in found["columns"]}
    words["has_drifted"] = "yes" if found["has_drifted"] else "no"
    words["known_rows"] = f"{words.pop('known_rows')} {words.pop('known_rows_are')}"
    words["moved"] = [moved_in_words(columns[name]) for name in found["moved"]] or None
    return words


def moved_in_words(column: ColumnDrift) -> str:
    """Say how far a column has moved."""
    words = f"{column.name} by {column.distance:.2f} of 1"
    if column.unseen_share:
        words += f", {column.unseen_share:.1%} of the texts never seen"
    return words
