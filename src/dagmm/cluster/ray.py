"""Ray Data: ``map_batches`` with a saved model, and tasks on blocks for passes of a fit."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dagmm.cluster.extras import engine
from dagmm.cluster.jobs import OTHERS, Apart, Engine, Job
from dagmm.cluster.partitions import PartitionScorer


def score(
    model: str | os.PathLike[str],
    dataset: Any,
    *,
    passed: Sequence[str] | None = None,
    p_value: bool = False,
    explain: int = 0,
    unseen: str | None = None,
) -> Any:
    """Score a Ray dataset, batch by batch, where it lies.

    Windows have the rows of each asset brought together (a shuffle) and sorted by time.

    Parameters
    ----------
    model : path-like
        Of a saved model, or of a fleet; its bytes travel with the tasks.
    dataset : ray.data.Dataset
    passed : sequence of str, optional
        Columns that come out as they are; by default all that the model does not describe.
    p_value : bool, default=False
    explain : int, default=0
        How many columns to name that add most to an anomaly's energy.
    unseen : {"error", "all"}, optional
        Of a fleet: rows of assets that it was not fitted to are an error, or are scored by the
        model of all; by default what it was fitted with.

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
    scorer = PartitionScorer.of(
        model, columns, passed, p_value=p_value, explain=explain, unseen=unseen
    )
    dataset = dataset.select_columns(list(scorer.read))
    if scorer.order:
        groups = dataset.groupby(scorer.order[0])
        return groups.map_groups(_in_order(scorer), batch_format="pyarrow")
    return dataset.map_batches(scorer.one, batch_format="pyarrow", zero_copy_batch=True)


def _in_order(scorer: PartitionScorer) -> Any:
    keys = [(name, "ascending") for name in scorer.order]

    def scored(rows: pa.Table) -> pa.Table:
        return scorer.one(rows.sort_by(keys))

    return scored


def table_of(dataset: Any) -> Engine:
    """Return a Ray dataset as a fit reads it."""
    return _RayTable(dataset)


class _RayTable(Engine):
    """A Ray dataset, which is made once and kept in Ray's object store until the fit is over."""

    name = "the Ray Dataset"

    def __init__(self, dataset: Any) -> None:
        options = dataset.context.execution_options
        before, options.preserve_order = options.preserve_order, True
        try:
            self._parts = dataset.to_arrow_refs()
            self.columns = tuple(str(name) for name in dataset.columns() or ())
        finally:
            options.preserve_order = before

    @property
    def untyped(self) -> tuple[str, ...]:
        return self.columns

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([])

    def run(self, jobs: Job | Mapping[int, Job], names: tuple[str, ...]) -> dict[int, Any]:
        ray = engine("ray", "ray")
        if isinstance(jobs, Job):
            jobs = dict.fromkeys(range(len(self._parts)), jobs)
        task = ray.remote(_run)
        known = {i: job for i, job in jobs.items() if i != OTHERS}
        waiting = [task.remote(job, self._parts[i], names) for i, job in known.items()]
        return dict(zip(known, ray.get(waiting), strict=True))

    def apart(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        ray = engine("ray", "ray")
        task = ray.remote(_call)
        waiting = [task.remote(Apart(function), item) for item in items]
        while waiting:
            done, waiting = ray.wait(waiting)
            yield from ray.get(done)


def _run(job: Job, part: pa.Table, names: tuple[str, ...]) -> Any:
    """Run a job on a block."""
    return job(part.select(names).to_batches()) if part.num_columns else job([])


def _call(function: Apart, item: Any) -> Any:
    """Run a function on an item."""
    return function(item)
