"""From a saved model and a table in a file to a table of reasons, in bounded memory."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm.cli.jobs.images import check_no_roles, is_images, table_encoder, write_heat_maps
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import roles_of, scored, table_batches
from dagmm.cli.terminal import keep_interrupts
from dagmm.data.files.base import TableFile, TableOptions
from dagmm.data.files.folder import Paths
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target, open_sink
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.explain.reasons import names_of_reasons, reasons_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model

#: Most columns that are listed as the most frequent reasons.
_LISTED = 5


@dataclass(frozen=True)
class ExplainJob:
    """What an explanation needs to know.

    Parameters
    ----------
    model, output : str
        Paths.
    table : str or tuple of str
        One path, or several.
    options : TableOptions
    roles : Roles
        Said now; where nothing is said, the model remembers what was said at the fit.
    top : int
        How many columns to name for each row.
    all_rows : bool
        Whether to explain rows that are no anomalies as well.
    force, quiet : bool
    output_encoding : str, optional
        Of a CSV output; default: UTF-8.
    """

    model: str
    table: Paths
    output: str
    options: TableOptions
    roles: Roles
    top: int = 3
    all_rows: bool = False
    force: bool = False
    quiet: bool = False
    output_encoding: str | None = None


class ExplainCounts:
    """Counts rows and reasons on their way out."""

    def __init__(self) -> None:
        self.rows, self._explained, self._unexplained = 0, 0, 0
        self._first = Counter[str]()

    def add(self, n_rows: int, result: pa.Table) -> None:
        """Count the rows that were read, and what was found of some of them."""
        self.rows, self._explained = self.rows + n_rows, self._explained + result.num_rows
        self._unexplained += result["is_explained"].to_pylist().count(False)
        self._first.update(filter(None, result["top_feature_1"].to_pylist()))

    def summary(self) -> dict[str, Any]:
        """Return what came by."""
        first = self._first.most_common(_LISTED)
        return {
            "rows": self.rows,
            "explained": self._explained,
            "unexplained": self._unexplained,
            "most_often_first": [f"{name} ({count})" for name, count in first],
        }


def explain_table(job: ExplainJob) -> dict[str, Any]:
    """Read, score, explain and write, batch by batch.

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
    if is_images(job.table):
        check_no_roles(job.roles, job.options, job.table)
        said = write_heat_maps(model, job.table, job.output, job.all_rows, job.quiet)
        return {**said, "seconds": round(time.perf_counter() - began, 1)}
    table_encoder(model, job.table)
    explainer = Explainer(model)
    counts = ExplainCounts()
    with open_table(job.table, as_at_fit(job.options, model.record)) as source:
        roles = roles_of(job.roles, model, source, names_of_reasons(job.top), job.quiet)
        batches = _explained(job, model, explainer, source, roles)
        n_rows, result = next(batches)
        with open_sink(
            job.output, result.schema, force=job.force, encoding=job.output_encoding
        ) as sink:
            while True:
                sink.write(result)
                counts.add(n_rows, result)
                n_rows, result = next(batches, (0, None))
                if result is None:
                    break
    return {
        "output": "standard output" if job.output == "-" else job.output,
        **counts.summary(),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _explained(
    job: ExplainJob, model: FittedModel, explainer: Explainer, source: TableFile, roles: Roles
) -> Iterator[tuple[int, pa.Table]]:
    """Yield the number of rows of each batch, and why some of them are strange."""
    read = table_batches(model, source, roles, job.quiet)
    for part in scored(model, read, source.name, to_explain=True):
        wanted = np.ones(len(part.energy), bool)
        if model.threshold is not None and not job.all_rows:
            wanted = is_anomaly(part.energy, model.threshold)
        result = reasons_of(explainer, model, part, wanted, roles.passed, job.top)
        yield len(part.energy), result
