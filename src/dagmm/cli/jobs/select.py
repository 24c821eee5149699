"""The rows of a table that can be called anomalies at a false discovery rate."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm.cli.jobs.images import table_encoder
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import roles_of, scored, table_batches
from dagmm.cli.terminal import keep_interrupts, note
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import Paths
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target, open_sink
from dagmm.inference.batches import Scored
from dagmm.inference.calibration.selection import check_rate, select
from dagmm.inference.calibration.threshold import conformal_p_value_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model

#: Columns of the output beside those that pass through.
_WRITTEN = ("row", "energy", "p_value")


@dataclass(frozen=True)
class SelectJob:
    """What selecting rows needs to know.

    Parameters
    ----------
    model, output : str
        Paths.
    table : str or tuple of str
        One path, or several.
    options : TableOptions
    roles : Roles
        Said now; where nothing is said, the model remembers what was said at the fit.
    fdr : float
        False discovery rate.
    force, quiet : bool
    output_encoding : str, optional
        Of a CSV output; default: UTF-8.
    """

    model: str
    table: Paths
    output: str
    options: TableOptions
    roles: Roles
    fdr: float
    force: bool = False
    quiet: bool = False
    output_encoding: str | None = None


def select_rows(job: SelectJob) -> dict[str, Any]:
    """Score a table and write the rows that are selected, in their order.

    Of each row its energy is held in memory, and of those with a p-value of at most the rate,
    which are all that can be selected, the columns that are written.

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
    table_encoder(model, job.table)
    rate = check_rate(model.calibration, job.fdr)
    with open_table(job.table, as_at_fit(job.options, model.record)) as source:
        roles = roles_of(job.roles, model, source, _WRITTEN, job.quiet)
        parts = scored(model, table_batches(model, source, roles, job.quiet), source.name)
        energies, candidates = _read(model, parts, roles.passed, rate)
    found = select(model.calibration, energies, rate, model.n_steps)
    for warning in found.warnings:
        note(warning, job.quiet)
    is_selected = found.is_selected[candidates["row"].to_numpy()]
    with open_sink(
        job.output, candidates.schema, force=job.force, encoding=job.output_encoding
    ) as sink:
        sink.write(candidates.filter(pa.array(is_selected)))
    return {
        "output": "standard output" if job.output == "-" else job.output,
        "rows": len(energies),
        "selected": int(found.is_selected.sum()),
        "fdr": rate,
        "least_rows": found.least_rows,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _read(
    model: FittedModel, parts: Iterator[Scored], passed: Sequence[str], rate: float
) -> tuple[np.ndarray, pa.Table]:
    """Return the energy of each row, and the table of those rows that may be selected."""
    energies, tables = [], []
    for part in parts:
        p_value = conformal_p_value_of(model.calibration, part.energy)
        kept = np.flatnonzero(p_value <= rate)
        columns = {name: part.batch.table[name].take(pa.array(kept)) for name in passed}
        written = (part.batch.start + kept, part.energy[kept], p_value[kept])
        columns |= {name: pa.array(one) for name, one in zip(_WRITTEN, written, strict=True)}
        energies.append(part.energy)
        tables.append(pa.table(columns))
    return np.concatenate(energies), pa.concat_tables(tables)
