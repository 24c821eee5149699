"""Spark: ``DataFrame.mapInArrow`` with a saved model, and for passes of a fit."""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dagmm.cluster.extras import engine
from dagmm.cluster.jobs import OTHERS, Apart, Engine, Job
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
    """Score a Spark DataFrame, partition by partition, where it lies.

    Windows have the rows of each asset brought into one partition (a shuffle) and sorted by time.

    Parameters
    ----------
    model : path-like
        Of a saved model, or of a fleet; its bytes travel with the job.
    frame : pyspark.sql.DataFrame
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
    pyspark.sql.DataFrame
        Lazy, as Spark has it.

    Raises
    ------
    MissingExtraError
        Without the ``spark`` extra.
    ArgumentError, InputError, ModelFileError
        If an argument, the columns or the model cannot be used.
    """
    types = engine("pyspark.sql.types", "spark")
    to_spark = engine("pyspark.sql.pandas.types", "spark").from_arrow_type
    scorer = PartitionScorer.of(
        model, frame.columns, passed, p_value=p_value, explain=explain, unseen=unseen
    )
    if scorer.order:
        frame = frame.repartition(scorer.order[0]).sortWithinPartitions(*scorer.order)
    fields = [frame.schema[name] for name in scorer.passed]
    fields += [types.StructField(name, to_spark(dtype)) for name, dtype in scorer.added.items()]

    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return scorer(batches)

    read = frame.select(*map(_quoted, scorer.read))
    return read.mapInArrow(scored, types.StructType(fields))


def _quoted(name: str) -> str:
    """Name a column whose name Spark would take for a path."""
    return "`" + name.replace("`", "``") + "`"


def table_of(frame: Any) -> Engine:
    """Return a Spark DataFrame as a fit reads it."""
    return _SparkTable(frame)


class _SparkTable(Engine):
    """A Spark DataFrame."""

    name = "the Spark DataFrame"

    def __init__(self, frame: Any) -> None:
        self._frame, self.columns = frame, tuple(frame.columns)
        self._schema: pa.Schema = frame.limit(0).toArrow().schema.remove_metadata()

    @property
    def untyped(self) -> tuple[str, ...]:
        return self.columns[:1]

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    def run(self, jobs: Job | Mapping[int, Job], names: tuple[str, ...]) -> dict[int, Any]:
        frame = self._frame.select(*("`" + name.replace("`", "``") + "`" for name in names))
        rows = frame.mapInArrow(_runner(jobs), "number int, found binary").collect()
        return {row.number: pickle.loads(row.found) for row in rows}

    def apart(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        given = list(items)
        if given:
            context = self._frame.sparkSession.sparkContext
            yield from context.parallelize(given, len(given)).map(Apart(function)).collect()


def _runner(jobs: Job | Mapping[int, Job]) -> Any:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None, "a worker of Spark has a task"
        number = context.partitionId()
        job = jobs if isinstance(jobs, Job) else jobs.get(number, jobs.get(OTHERS))
        if job is not None:
            found = pickle.dumps(job(batches))
            yield pa.RecordBatch.from_pydict(
                {"number": pa.array([number], pa.int32()), "found": pa.array([found], pa.binary())}
            )

    return run
