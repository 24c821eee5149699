"""From a saved model and a table in a file to a table of energies, in bounded memory."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from dagmm._core.errors import ArgumentError
from dagmm._core.progress import progress_for
from dagmm.cli.jobs.images import (
    check_no_roles,
    image_batches,
    is_images,
    names_of,
    open_images,
    table_encoder,
)
from dagmm.cli.jobs.labels import KeptRows, anomalies_of
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.roles import Roles, check_column
from dagmm.cli.terminal import errors_named, keep_interrupts, log, note
from dagmm.data.files.base import TableFile, TableOptions
from dagmm.data.files.folder import Paths
from dagmm.data.files.followed import FollowedTable
from dagmm.data.files.live import IncomingPipe
from dagmm.data.files.open import open_live, open_table
from dagmm.data.files.source import STANDARD
from dagmm.data.files.write import check_target, open_sink
from dagmm.inference.batches import (
    Batch,
    BatchScorer,
    ImageBatch,
    Scored,
    names_added,
    results,
)
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model
from dagmm.inference.tables import batches_of, check_columns


@dataclass(frozen=True)
class ScoreJob:
    """What scoring needs to know.

    Parameters
    ----------
    model, output : str
        Paths.
    table : str or tuple of str
        One path, or several.
    options : TableOptions
    roles : Roles
        Said now; where nothing is said, the model remembers what was said at the fit.
    force, quiet : bool
    p_value : bool
        Whether to add a p-value to each row.
    explain : int
        How many columns to name that make an anomaly strange.
    output_encoding : str, optional
        Of a CSV output; default: UTF-8.
    follow : bool
        Whether to go on as the file grows.
    """

    model: str
    table: Paths
    output: str
    options: TableOptions
    roles: Roles
    force: bool = False
    quiet: bool = False
    p_value: bool = False
    explain: int = 0
    output_encoding: str | None = None
    follow: bool = False


def score_table(job: ScoreJob) -> dict[str, Any]:
    """Read, score and write, batch by batch.

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
    model = load_model(job.model).model
    _check_follow(job)
    if is_images(job.table):
        check_no_roles(job.roles, job.options, job.table)
        if job.explain:
            raise ArgumentError(
                "--explain names columns, which images do not have; the command explain writes "
                "heat maps."
            )
        rows = open_images(job.table, job.quiet)
        passed, counted = [names_of(rows)[0]], Counted(Roles(), repr(job.table), "images")
        _write(job, model, image_batches(rows, job.quiet), passed, counted)
    else:
        table_encoder(model, job.table)
        with _open(job, model) as source:
            added = names_added(model, job.p_value, job.explain)
            roles = roles_of(job.roles, model, source, ("energy", "is_anomaly", *added), job.quiet)
            counted = Counted(roles, source.name, "rows")
            batches = table_batches(model, source, roles, job.quiet)
            _write(job, model, batches, roles.passed, counted)
    return {
        "output": "standard output" if job.output == "-" else job.output,
        **counted.summary(model.threshold),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _check_follow(job: ScoreJob) -> None:
    """Check that a table that is followed is one file, whose rows are shown as they come."""
    if not job.follow:
        return
    if not isinstance(job.table, str) or job.table == STANDARD or Path(job.table).is_dir():
        raise ArgumentError("--follow needs one file; standard input is read as it comes without.")
    if job.output != STANDARD:
        raise ArgumentError(
            f"--follow never ends, and {job.output!r} is written whole or not at all; write to "
            "standard output: -o - >> FILE."
        )


def _open(job: ScoreJob, model: FittedModel) -> TableFile:
    """Open the table; one that somebody writes while somebody else waits is read as it comes."""
    options = as_at_fit(job.options, model.record)
    before = (options.skip_rows or 0) + (options.header is not False)
    has_units = options.units_row or (options.units_row is None and model.table_encoder.units)
    n_lines = before + bool(has_units) + 1
    if job.follow:
        assert isinstance(job.table, str), "checked before"
        return FollowedTable(job.table, options, n_lines)
    if job.table == job.output == STANDARD:
        return open_live(IncomingPipe(sys.stdin.buffer), STANDARD, options, n_lines)
    return open_table(job.table, options)


class Counted:
    """Counts rows and anomalies on their way out, and keeps some labels and energies if asked."""

    def __init__(self, roles: Roles, table: str, unit: str) -> None:
        self._roles, self.table, self._unit = roles, table, unit
        self.rows = 0
        self.anomalies = 0
        self.alarms: int | None = None
        self._kept = KeptRows()

    def watch(self, results: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """Pass results on."""
        label, normal = self._roles.label, self._roles.normal
        for result in results:
            if label is not None:
                column = result[label]
                labels = anomalies_of(column, label, normal, self.table, self.rows)
                self._kept.add(result["energy"].to_numpy(), labels)
            if "is_anomaly" in result.column_names:
                self.anomalies += result["is_anomaly"].combine_chunks().true_count
            if "is_alarm" in result.column_names:
                self.alarms = (self.alarms or 0) + result["is_alarm"].combine_chunks().true_count
            self.rows += result.num_rows
            yield result

    def summary(self, threshold: float | None) -> dict[str, Any]:
        """Return what came by."""
        summary: dict[str, Any] = {self._unit: self.rows}
        if threshold is not None:
            summary |= {"anomalies": self.anomalies, "threshold": threshold}
        if self.alarms is not None:
            summary["rows_in_alarm"] = self.alarms
        if self._kept.n_rows:
            summary |= self._kept.quality()
        return summary


def _write(
    job: ScoreJob,
    model: FittedModel,
    batches: Iterable[Batch | ImageBatch],
    passed: Sequence[str],
    counted: Counted,
) -> None:
    """Score and write, batch by batch."""
    for warning in () if model.decision is None else model.decision.warnings:
        note(f"the threshold: {warning.text}", job.quiet)
    explainer = Explainer(model) if job.explain else None
    parts = scored(model, batches, counted.table, to_explain=explainer is not None)
    found = results(
        model, parts, explainer, passed=passed, p_value=job.p_value, explain=job.explain
    )
    write_results(job, (pa.Table.from_batches([batch]) for batch in found), counted)


def write_results(job: ScoreJob, tables: Iterator[pa.Table], counted: Counted) -> None:
    """Write what was scored, as it comes."""
    written = counted.watch(tables)
    first = next(written)
    with open_sink(
        job.output, first.schema, force=job.force, encoding=job.output_encoding
    ) as sink:
        sink.write(first)
        for result in written:
            sink.write(result)


def scored(
    model: FittedModel,
    batches: Iterable[Batch | ImageBatch],
    name: str,
    *,
    to_explain: bool = False,
) -> Iterator[Scored]:
    """Score batches of the table of this name; windows reach across batches."""
    scorer = BatchScorer(model, to_explain=to_explain)
    for batch in batches:
        with errors_named(name):
            part = scorer.score(batch)
        yield part


def table_batches(
    model: FittedModel, source: TableFile, roles: Roles, quiet: bool
) -> Iterator[Batch]:
    """Read some rows at a time: the model's columns, and those that pass through."""
    with errors_named(source.name):
        batches = batches_of(model, source, roles.passed)
    log(f"scoring {source.name} ({source.description})", quiet)
    with progress_for(not quiet and source.fraction() is not None) as progress:
        progress.phase("scoring", 100)
        for batch in batches:
            yield batch
            done = int(100 * (source.fraction() or 0.0))
            progress.advance(done, f"{batch.start + batch.n_rows} rows")


def roles_of(
    said: Roles, model: FittedModel, source: TableFile, written: Sequence[str], quiet: bool
) -> Roles:
    """Join what is said now with what the model remembers, and check it against the table.

    Parameters
    ----------
    said : Roles
    model : FittedModel
    source : TableFile
    written : sequence of str
        Columns that the output gets beside identifiers and label.
    quiet : bool

    Raises
    ------
    ArgumentError, InputError
    """
    known = Roles.of_record(model.record)
    names = source.columns
    labelled = label_roles(said, model, source)
    for name in said.ids:
        check_column("--id", name, names, source.name)
    ids = said.ids or tuple(name for name in known.ids if name in names)
    gone = [name for name in known.ids if name not in names]
    if gone and not said.ids:
        note(f"{source.name} has no column {gone[0]!r}, an identifier at the fit", quiet)
    for option, axis in (("--time", said.time), ("--group", said.group)):
        if axis is not None:
            check_column(option, axis, names, source.name)
    time, group = (
        axis or (old if old in names else None)
        for axis, old in ((said.time, known.time), (said.group, known.group))
    )
    if source.origin is not None:
        ids = (source.origin, *ids)
    clock = None
    if time is not None and model.table_encoder.reading_of(time).clock in names:
        clock = model.table_encoder.reading_of(time).clock
    roles = replace(labelled, ids=ids, time=time, group=group, clock=clock)
    _check_output_names(roles.passed, written)
    check_model_columns(model, names, source.name, [*ids, roles.label])
    return roles


def label_roles(said: Roles, model: FittedModel, source: TableFile) -> Roles:
    """Return label and normal values, said now or remembered, checked against the table.

    Raises
    ------
    ArgumentError
    """
    known = Roles.of_record(model.record)
    names = source.columns
    if said.label is not None:
        check_column("--label", said.label, names, source.name)
    label = said.label or (known.label if known.label in names else None)
    if said.normal and label is None:
        raise ArgumentError("--normal needs --label, the column whose value it is.")
    return Roles(label=label, normal=said.normal or (known.normal if label == known.label else ()))


def _check_output_names(passed: Sequence[str], written: Sequence[str]) -> None:
    names = [*passed, *written]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ArgumentError(
                f"the output would have two columns {name!r}; choose other columns for --id and "
                "--label, or rename one."
            )


def check_model_columns(
    model: FittedModel, names: tuple[str, ...], table: str, passed: Sequence[str | None] = ()
) -> None:
    """Check that a table has the model's columns, and that none of them plays another part.

    Raises
    ------
    ArgumentError, InputError
    """
    check_columns(model, names, table)
    both = [name for name in model.encoder.columns if name in passed]
    if both:
        raise ArgumentError(
            f"column {both[0]!r} is one that this model was fitted on; --id and --label take "
            "other columns."
        )
