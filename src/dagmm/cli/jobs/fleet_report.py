"""From a saved fleet and a table in a file to a page, many rows at a time."""

import time
from typing import Any

from dagmm.cli.jobs.fleet import batches_of_fleet
from dagmm.cli.jobs.labels import anomalies_of
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.report import ReportJob
from dagmm.cli.jobs.score import label_roles
from dagmm.cli.terminal import errors_named, keep_interrupts, log
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target
from dagmm.data.frames import arrow_chunk
from dagmm.estimators.fleet import DAGMMFleet
from dagmm.inference.fleet.batches import ROWS_AT_ONCE, together
from dagmm.report.axes import axes_of
from dagmm.report.fleet_collect import FleetReportData
from dagmm.report.fleet_contents import FleetContents
from dagmm.report.fleet_make import finish_fleet_report
from dagmm.report.make import check_for_fleet, check_page

#: Most assets that are named.
_LISTED = 5


def report_fleet(job: ReportJob, unseen: str | None) -> dict[str, Any]:
    """Read, score, count and write, many rows at a time.

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
    saved = DAGMMFleet.load(job.model)
    check_for_fleet(saved, job.roles.group, job.every)
    fleet = saved.fleet_
    by_all = (unseen or saved.unseen) == "all"
    with open_table(job.table, as_at_fit(job.options, fleet.of_all.record)) as source:
        encoder = fleet.of_all.table_encoder
        when, _ = axes_of(encoder, source.columns, job.roles.time, None)
        roles = label_roles(job.roles, fleet.of_all, source)
        data = FleetReportData(fleet, unseen_by_all=by_all, time=when, gap=job.gap)
        passed = [name for name in (fleet.per, when, roles.label) if name is not None]
        for table in together(batches_of_fleet(saved, source, passed, job.quiet), ROWS_AT_ONCE):
            labels = None
            if roles.label is not None:
                column = table[roles.label]
                labels = anomalies_of(column, roles.label, roles.normal, source.name, data.n_rows)
            with errors_named(source.name):
                data.add(arrow_chunk(table, data.n_rows), labels)
    log("explaining and drawing", job.quiet)
    report = finish_fleet_report(data, job.lang, *job.names)
    report.save("-" if job.output == "-" else job.output, force=job.force)
    return {
        "output": "standard output" if job.output == "-" else job.output,
        **_summary(report.contents),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _summary(contents: FleetContents) -> dict[str, Any]:
    beyond = contents.beyond_chance
    return {
        "rows": contents.n_rows,
        "assets": len(contents.assets),
        "alarms": contents.n_alarms,
        "events": contents.n_events,
        "promised": round(sum(one.promised for one in contents.assets), 1),
        "n_more_than_chance": len(beyond),
        "more_than_chance": [f"{one.asset} ({one.n_alarms})" for one in beyond[:_LISTED]],
        "far_above": [one.asset for one in contents.far_above[:_LISTED]],
        "by_model_of_all": len(contents.by_all),
        "without_rows": len(contents.absent),
        "most_often_first": [f"{name} ({n})" for name, n in contents.blamed[:_LISTED]],
    }
