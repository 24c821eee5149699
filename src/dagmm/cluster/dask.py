"""Dask: ``map_partitions`` with a saved model."""

import os
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dagmm.cluster.extras import engine
from dagmm.cluster.partitions import PartitionScorer


def score(
    model: str | os.PathLike[str],
    frame: Any,
    *,
    passed: Sequence[str] | None = None,
    p_value: bool = False,
    explain: int = 0,
) -> Any:
    """Score a Dask DataFrame, partition by partition, where it lies.

    Windows have the rows of each asset brought into one partition (a shuffle) and sorted by time.

    Parameters
    ----------
    model : path-like
        Of a saved model; its bytes travel with the tasks.
    frame : dask.dataframe.DataFrame
    passed : sequence of str, optional
        Columns that come out as they are; by default all that the model does not describe.
    p_value : bool, default=False
    explain : int, default=0
        How many columns to name that add most to an anomaly's energy.

    Returns
    -------
    dask.dataframe.DataFrame
        Lazy, with the index of the frame.

    Raises
    ------
    MissingExtraError
        Without the ``dask`` extra.
    ArgumentError, InputError, ModelFileError
        If an argument, the columns or the model cannot be used.
    """
    engine("dask.dataframe", "dask")
    columns = [str(name) for name in frame.columns]
    scorer = PartitionScorer.of(model, columns, passed, p_value=p_value, explain=explain)
    if scorer.order:
        frame = frame.shuffle(on=scorer.order[0])
    frame = frame[scorer.read]
    return frame.map_partitions(_scored, scorer, meta=_scored(frame._meta, scorer))


def _scored(part: Any, scorer: PartitionScorer) -> Any:
    """Score a partition, a pandas DataFrame."""
    if scorer.order:
        part = part.sort_values(scorer.order, kind="stable")
    found = scorer.one(pa.Table.from_pandas(part, preserve_index=False))
    added = {name: found[name] for name in scorer.added}
    types = {"energy": "float64", "p_value": "float64", "is_anomaly": "bool"}
    result = part[list(scorer.passed)].copy()
    for name, column in added.items():
        values = column.to_pandas().astype(types.get(name, "object"))
        values.index = part.index
        result[name] = values
    return result
