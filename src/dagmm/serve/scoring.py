"""Rows to scores and reasons, a part at a time, until a deadline."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.inference.batches import Batch, BatchScorer, Scored, results
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.explain.reasons import reasons_of
from dagmm.serve.limits import Deadline, Limits
from dagmm.serve.model import Served

#: Rows between two looks at the clock.
_ROWS_AT_ONCE = 8192
#: The same where rows are explained, which takes longer.
_EXPLAINED_AT_ONCE = 256


class Rows(NamedTuple):
    """The rows of a request.

    Parameters
    ----------
    batches : iterable of Batch
    passed : list of str
        Columns that come out as they are.
    """

    batches: Iterable[Batch]
    passed: list[str]


class Tally(NamedTuple):
    """What a request adds to the figures of the service.

    Parameters
    ----------
    rows : int
    energy : ndarray of shape (n_rows,)
        In nats.
    alarms : pyarrow.Table
        Rows above the threshold, as they were answered.
    """

    rows: int
    energy: np.ndarray
    alarms: pa.Table


def one_batch(table: pa.Table) -> Iterator[Batch]:
    """Yield a table as the only batch of its rows."""
    yield Batch(table)


def scores_of(
    served: Served, rows: Rows, limits: Limits, deadline: Deadline, explain: int = 0
) -> pa.Table:
    """Score rows.

    Returns
    -------
    pyarrow.Table
        What passes through, ``energy``, ``is_anomaly`` where the model has a threshold,
        ``p_value``, and where reasons are asked for ``is_explained``, ``top_feature_1`` and so on.

    Raises
    ------
    InputError, RequestError
    """
    parts = _scored(served, rows, limits, deadline, explain > 0)
    explainer = served.explainer if explain else None
    found = results(
        served.model, parts, explainer, passed=rows.passed, p_value=True, explain=explain
    )
    return _joined(pa.Table.from_batches([batch]) for batch in found)


def reasons_for(
    served: Served, rows: Rows, limits: Limits, deadline: Deadline, top: int, all_rows: bool
) -> tuple[int, pa.Table]:
    """Say which columns make anomalies strange, or all rows.

    Returns
    -------
    n_rows : int
        Rows that were looked at.
    reasons : pyarrow.Table
        As the command ``explain`` writes them.

    Raises
    ------
    InputError, RequestError
    """
    n_rows, threshold, tables = 0, served.model.threshold, []
    for part in _scored(served, rows, limits, deadline, True):
        wanted = np.ones(len(part.energy), bool)
        if threshold is not None and not all_rows:
            wanted = is_anomaly(part.energy, threshold)
        tables.append(reasons_of(served.explainer, served.model, part, wanted, rows.passed, top))
        n_rows += len(part.energy)
    return n_rows, _joined(tables)


def tally_of(result: pa.Table) -> Tally:
    """Return what an answer adds to the figures."""
    alarms = result.slice(0, 0)
    if "is_anomaly" in result.column_names:
        alarms = result.filter(result["is_anomaly"])
    return Tally(result.num_rows, result["energy"].to_numpy(), alarms)


def _scored(
    served: Served, rows: Rows, limits: Limits, deadline: Deadline, to_explain: bool
) -> Iterator[Scored]:
    scorer = BatchScorer(served.model, to_explain=to_explain)
    at_once = _EXPLAINED_AT_ONCE if to_explain else _ROWS_AT_ONCE
    n_rows = 0
    for batch in rows.batches:
        n_rows += batch.n_rows
        limits.check_rows(n_rows)
        for start in range(0, batch.n_rows, at_once):
            deadline.check()
            part = batch
            if batch.n_rows > at_once:
                part = Batch(batch.table.slice(start, at_once), batch.start + start)
            yield scorer.score(part)
    if not n_rows:
        raise InputError("the request has no rows; expected at least 1.")
    n_steps = served.model.n_steps
    if n_rows < n_steps:
        raise InputError(
            f"the request has {n_rows} {'row' if n_rows == 1 else 'rows'}, and this model scores "
            f"each row with the {n_steps - 1} before it, which must come along; send at least "
            f"{n_steps} in their order, or use dagmm score with a pipe or a Stream, which "
            "remember them."
        )


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables(list(tables)).combine_chunks()
