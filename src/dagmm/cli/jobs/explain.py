"""From a saved model and a table in a file to a table of reasons, in bounded memory."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm.cli.failure import keep_interrupts
from dagmm.cli.jobs.image_files import check_no_roles, is_images, table_encoder
from dagmm.cli.jobs.image_work import explain_to_file
from dagmm.cli.jobs.reading import as_at_fit
from dagmm.cli.jobs.roles import Roles
from dagmm.cli.jobs.score import roles_of, scored
from dagmm.data.files.base import TableFile, TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.files.write import check_target, open_sink
from dagmm.inference.batches import explained
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.explain.attribution import Explainer, Explanation
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model

#: Most columns that are listed as the most frequent reasons.
_LISTED = 5


@dataclass(frozen=True)
class ExplainJob:
    """What an explanation needs to know.

    Parameters
    ----------
    model, table, output : str
        Paths.
    options : TableOptions
    roles : Roles
        Said now; where nothing is said, the model remembers what was said at the fit.
    top : int
        How many columns to name for each row.
    all_rows : bool
        Whether to explain rows that are no anomalies as well.
    force, quiet : bool
    """

    model: str
    table: str
    output: str
    options: TableOptions
    roles: Roles
    top: int = 3
    all_rows: bool = False
    force: bool = False
    quiet: bool = False


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
    check_target(job.output, job.force)
    model = load_model(job.model).model
    if is_images(job.table):
        check_no_roles(job.roles, job.options, job.table)
        return explain_to_file(
            model,
            job.table,
            job.output,
            all_rows=job.all_rows,
            force=job.force,
            quiet=job.quiet,
        )
    table_encoder(model, job.table)
    explainer = Explainer(model)
    rows, explained, first = 0, 0, Counter[str]()
    with open_table(job.table, as_at_fit(job.options, model.record)) as source:
        roles = roles_of(job.roles, model, source, _written(job.top), job.quiet)
        batches = _explained(job, model, explainer, source, roles)
        n_rows, result = next(batches)
        with open_sink(job.output, result.schema, force=job.force) as sink:
            while True:
                sink.write(result)
                rows, explained = rows + n_rows, explained + result.num_rows
                first.update(filter(None, result["top_feature_1"].to_pylist()))
                n_rows, result = next(batches, (0, None))
                if result is None:
                    break
    return {
        "output": "standard output" if job.output == "-" else job.output,
        "rows": rows,
        "explained": explained,
        "most_often_first": [f"{name} ({count})" for name, count in first.most_common(_LISTED)],
        "seconds": round(time.perf_counter() - began, 1),
    }


def _written(top: int) -> list[str]:
    """Columns of the output beside identifiers and label."""
    parts = ("top_feature", "contribution", "value", "expected")
    numbered = [f"{part}_{i + 1}" for i in range(top) for part in parts]
    return ["row", "energy", "reference_energy", *numbered]


def _explained(
    job: ExplainJob, model: FittedModel, explainer: Explainer, source: TableFile, roles: Roles
) -> Iterator[tuple[int, pa.Table]]:
    """Yield the number of rows of each batch, and why some of them are strange."""
    for part in scored(model, source, roles, job.quiet):
        wanted = np.ones(len(part.energy), bool)
        if model.threshold is not None and not job.all_rows:
            wanted = is_anomaly(part.energy, model.threshold)
        table = part.table.filter(pa.array(wanted))
        features = table.select(list(model.encoder.columns))
        explanation = explained(explainer, model, part, wanted)
        result = table.select(roles.passed).append_column(
            "row", pa.array(part.start + np.flatnonzero(wanted))
        )
        for name, column in _reasons(explanation, features, job.top).items():
            result = result.append_column(name, column)
        yield len(part.energy), result


def _reasons(explanation: Explanation, features: pa.Table, top: int) -> dict[str, pa.Array]:
    """Columns that say why each row is strange."""
    columns = {
        "energy": pa.array(explanation.energy),
        "reference_energy": pa.array(explanation.reference_energy),
    }
    places = explanation.strongest(top)
    names = explanation.top_features(top)
    expected = [explanation.expected[name] for name in explanation.columns]
    values = [features[name] for name in explanation.columns]
    for i in range(top):
        place = places[:, i]
        known = place >= 0
        added = explanation.contribution[np.arange(len(place)), place]
        columns[f"top_feature_{i + 1}"] = pa.array(names[:, i], pa.string())
        columns[f"contribution_{i + 1}"] = pa.array(added, mask=~known)
        for name, source in (("value", values), ("expected", expected)):
            texts = [
                _text(source[j][row]) if j >= 0 else None for row, j in enumerate(place.tolist())
            ]
            columns[f"{name}_{i + 1}"] = pa.array(texts, pa.string())
    return columns


def _text(value: Any) -> str | None:
    """Write a number or a text in a column that holds both."""
    if isinstance(value, pa.Scalar):
        value = value.as_py()
    if value is None or isinstance(value, str):
        return value
    return f"{float(value):.6g}"
