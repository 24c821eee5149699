"""From a saved fleet and a table in a file to a table of reasons, many rows at a time."""

import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from dagmm._core.errors import ArgumentError
from dagmm.cli.jobs.explain import ExplainCounts, ExplainJob
from dagmm.cli.jobs.fleet import batches_of_fleet
from dagmm.cli.jobs.images import is_images
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.score import roles_of
from dagmm.cli.terminal import errors_named, keep_interrupts
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target, open_sink
from dagmm.estimators.fleet import DAGMMFleet
from dagmm.inference.explain.reasons import names_of_reasons
from dagmm.inference.fleet.batches import ROWS_AT_ONCE, SCORED_BY, FleetScorer, together


def explain_with_fleet(job: ExplainJob, unseen: str | None) -> dict[str, Any]:
    """Read, score, explain and write, many rows at a time.

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
    check_target(job.output, job.force, job.output_encoding)
    if is_images(job.table):
        raise ArgumentError(
            f"{job.model!r} is a fleet, which explains tables; {job.table!r} holds images."
        )
    saved = DAGMMFleet.load(job.model)
    fleet, counts = saved.fleet_, ExplainCounts()
    with open_table(job.table, as_at_fit(job.options, fleet.of_all.record)) as source:
        names = [*names_of_reasons(job.top), SCORED_BY]
        roles = roles_of(job.roles, fleet.of_all, source, names, job.quiet)
        passed = list(dict.fromkeys([*roles.passed, fleet.per]))
        scorer = FleetScorer(fleet, unseen or saved.unseen, passed=passed, explain=job.top)

        def explained() -> Iterator[pa.Table]:
            for table in together(
                batches_of_fleet(saved, source, passed, job.quiet), ROWS_AT_ONCE
            ):
                with errors_named(source.name):
                    found = scorer.explain(table, counts.rows, all_rows=job.all_rows)
                counts.add(table.num_rows, found)
                yield found

        tables = explained()
        first = next(tables)
        with open_sink(
            job.output, first.schema, force=job.force, encoding=job.output_encoding
        ) as sink:
            sink.write(first)
            for found in tables:
                sink.write(found)
    return {
        "output": "standard output" if job.output == "-" else job.output,
        **counts.summary(),
        "seconds": round(time.perf_counter() - began, 1),
    }
