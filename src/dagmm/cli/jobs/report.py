"""From a saved model and a table in a file to a page, in bounded memory."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dagmm._core.durations import parse_duration
from dagmm.cli.jobs.labels import anomalies_of
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import roles_of, scored, table_batches
from dagmm.cli.terminal import errors_named, keep_interrupts, log
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target
from dagmm.inference.calibration.dependence import EVENT_GAP
from dagmm.report.axes import axes_of
from dagmm.report.collect import ReportData
from dagmm.report.contents import Contents
from dagmm.report.make import check_page, described, finish_report

#: Most columns that are named of each kind.
_LISTED = 5


@dataclass(frozen=True)
class ReportJob:
    """What a report needs to know.

    Parameters
    ----------
    model, output : str
        Paths.
    table : str or tuple of str
        One path, or several.
    options : TableOptions
    roles : Roles
        Said now; where nothing is said, the model remembers what was said at the fit.
    lang : {"en", "ja"}
    every : str or None
        Time from one row to the next.
    gap : int
        Most normal rows between two alarms of one event.
    compare, force, quiet : bool
    """

    model: str
    table: Paths
    output: str
    options: TableOptions
    roles: Roles
    lang: str = "en"
    every: str | None = None
    gap: int = EVENT_GAP
    compare: bool = True
    force: bool = False
    quiet: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """How the page calls table and model."""
        paths = (self.table,) if isinstance(self.table, str) else self.table
        table = "" if self.table == "-" else ", ".join(Path(path).name for path in paths)
        return table, Path(self.model).resolve().name


def report_table(job: ReportJob) -> dict[str, Any]:
    """Read, score, count and write, batch by batch.

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
    check_target(job.output, job.force)
    check_page(job.lang)
    step = None if job.every is None else parse_duration("every", job.every)
    model, card = described(job.model)
    with open_table(job.table, as_at_fit(job.options, model.record)) as source:
        when, asset = axes_of(model.table_encoder, source.columns, job.roles.time, job.roles.group)
        said = replace(job.roles, time=when, group=asset)
        # Nothing of the table passes through, so identifiers need not be read.
        roles = replace(roles_of(said, model, source, (), True), ids=())
        gathered = ReportData(model, when, asset, job.gap)
        read = table_batches(model, source, roles, job.quiet)
        for batch, energy, _ in scored(model, read, source.name):
            labels = None
            if roles.label is not None:
                column = batch.table[roles.label]
                labels = anomalies_of(column, roles.label, roles.normal, source.name, batch.start)
            with errors_named(source.name):
                gathered.add(batch.chunk(0, batch.n_rows), energy, labels)
    log("comparing and drawing" if job.compare else "drawing", job.quiet)
    report = finish_report(gathered, card, job.lang, step, job.compare, *job.names)
    report.save("-" if job.output == "-" else job.output, force=job.force)
    return {
        "output": "standard output" if job.output == "-" else job.output,
        **_summary(report.contents),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _summary(contents: Contents) -> dict[str, Any]:
    summary: dict[str, Any] = {"rows": contents.n_rows}
    if contents.threshold is not None:
        summary |= {"alarms": contents.n_alarms, "events": contents.n_events}
    if contents.expected is not None:
        summary["expected_share"] = contents.expected.share
    moved, frozen = contents.moved, contents.suspicious
    was_compared = bool(contents.compared_columns)
    return summary | {
        # Null is what was not checked.
        "n_moved": len(moved) if was_compared else None,
        "moved": [column.name for column in moved[:_LISTED]] if was_compared else None,
        "n_frozen": len(frozen) if contents.knows_frozen else None,
        "frozen": [column.name for column in frozen[:_LISTED]] if contents.knows_frozen else None,
        "most_often_first": [f"{name} ({n})" for name, n in contents.blamed[:_LISTED]],
        "unexplained": len(contents.unexplained),
    }
