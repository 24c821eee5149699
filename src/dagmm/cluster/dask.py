"""Dask: ``map_partitions`` with a saved model, and passes of a fit over delayed partitions."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.cluster.extras import engine
from dagmm.cluster.jobs import OTHERS, Apart, Engine, Failed, Job
from dagmm.cluster.partitions import PartitionScorer


def score(
    model: str | os.PathLike[str],
    frame: Any,
    *,
    passed: Sequence[str] | None = None,
    p_value: bool = False,
    explain: int = 0,
    unseen: str | None = None,
) -> Any:
    """Score a Dask DataFrame, partition by partition, where it lies.

    Windows have the rows of each asset brought into one partition (a shuffle) and sorted by time.

    Parameters
    ----------
    model : path-like
        Of a saved model, or of a fleet; its bytes travel with the tasks.
    frame : dask.dataframe.DataFrame
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
    scorer = PartitionScorer.of(
        model, columns, passed, p_value=p_value, explain=explain, unseen=unseen
    )
    if scorer.order:
        frame = frame.shuffle(on=scorer.order[0])
    frame = frame[list(scorer.read)]
    meta = _scored(frame._meta, scorer)
    # A task of its own, so that a worker is sent the model once, not with each partition.
    travels = engine("dask", "dask").delayed(scorer, pure=False)
    return frame.map_partitions(_scored, travels, meta=meta)


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


def table_of(frame: Any) -> Engine:
    """Return a Dask DataFrame as a fit reads it."""
    return _DaskTable(frame)


class _DaskTable(Engine):
    """A Dask DataFrame; its index is left out."""

    name = "the Dask DataFrame"

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        for name in frame.columns:
            if not isinstance(name, str):
                raise InputError(f"{self.name} has a column {name!r}; expected names of text.")
        self.columns = tuple(frame.columns)
        types = frame.dtypes
        self._untyped = tuple(name for name in self.columns if types[name] == "object")

    @property
    def untyped(self) -> tuple[str, ...]:
        return self._untyped or self.columns[:1]

    @property
    def schema(self) -> pa.Schema:
        typed = [name for name in self.columns if name not in self._untyped]
        return pa.Schema.from_pandas(self._frame._meta[typed], preserve_index=False)

    def run(self, jobs: Job | Mapping[int, Job], names: tuple[str, ...]) -> dict[int, Any]:
        dask = engine("dask", "dask")
        parts = self._frame[list(names)].to_delayed()
        if isinstance(jobs, Job):
            jobs = dict.fromkeys(range(len(parts)), jobs)
        task = dask.delayed(_run, pure=False)
        known = {i: job for i, job in jobs.items() if i != OTHERS}
        found = dask.compute(*(task(job, parts[i], i) for i, job in known.items()))
        return dict(zip(known, found, strict=True))

    def apart(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        dask = engine("dask", "dask")
        task = dask.delayed(Apart(function), pure=False)
        yield from dask.compute(*map(task, items))


def _run(job: Job, part: Any, number: int) -> Any:
    """Run a job on a partition, a pandas DataFrame."""
    try:
        table = pa.Table.from_pandas(part, preserve_index=False)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0].rstrip(".")
        return Failed(
            InputError(
                f"partition {number} of the Dask DataFrame cannot be read ({reason}); expected "
                "columns of one type each. Convert them."
            )
        )
    return job(table.to_batches())
