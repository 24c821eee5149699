"""Ray Data: ``map_batches`` with a saved model."""

import os
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dagmm.cluster.extras import engine
from dagmm.cluster.partitions import PartitionScorer


def score(
    model: str | os.PathLike[str],
    dataset: Any,
    *,
    passed: Sequence[str] | None = None,
    p_value: bool = False,
    explain: int = 0,
) -> Any:
    """Score a Ray dataset, batch by batch, where it lies.

    Windows have the rows of each asset brought together (a shuffle) and sorted by time.

    Parameters
    ----------
    model : path-like
        Of a saved model; its bytes travel with the tasks.
    dataset : ray.data.Dataset
    passed : sequence of str, optional
        Columns that come out as they are; by default all that the model does not describe.
    p_value : bool, default=False
    explain : int, default=0
        How many columns to name that add most to an anomaly's energy.

    Returns
    -------
    ray.data.Dataset
        Lazy, as Ray has it.

    Raises
    ------
    MissingExtraError
        Without the ``ray`` extra.
    ArgumentError, InputError, ModelFileError
        If an argument, the columns or the model cannot be used.
    """
    engine("ray.data", "ray")
    columns = [str(name) for name in dataset.columns()]
    scorer = PartitionScorer.of(model, columns, passed, p_value=p_value, explain=explain)
    dataset = dataset.select_columns(scorer.read)
    if scorer.order:
        groups = dataset.groupby(scorer.order[0])
        return groups.map_groups(_in_order(scorer), batch_format="pyarrow")
    return dataset.map_batches(scorer.one, batch_format="pyarrow", zero_copy_batch=True)


def _in_order(scorer: PartitionScorer) -> Any:
    keys = [(name, "ascending") for name in scorer.order]

    def scored(rows: pa.Table) -> pa.Table:
        return scorer.one(rows.sort_by(keys))

    return scored
