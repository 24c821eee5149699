"""What is done with the rows of one partition, where they lie, in a pass over all of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from dagmm._core.errors import DAGMMError, InputError
from dagmm._core.parallel import single_threaded_blas
from dagmm.data.base import TablePass
from dagmm.data.frames import arrow_chunk
from dagmm.data.streams import tables_of

#: What a fit asks of an engine.
SAME_ROWS = (
    "expected the same rows in the same partitions each time the engine reads them. Write the "
    "table to Parquet, or have the engine keep it (persist), and fit to that."
)
#: Stands for the partitions that have no job of their own, which there should not be.
OTHERS = -1


@dataclass(frozen=True)
class Failed:
    """An error that a worker sends back, to be raised where the fit was called."""

    error: DAGMMError


class Job(ABC):
    """What is done with one partition; it can be pickled, and so can what it finds."""

    @abstractmethod
    def run(self, batches: Iterable[pa.RecordBatch]) -> Any:
        """Read the record batches of the partition."""

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Any:
        """Run in a worker, whose other cores are at work elsewhere."""
        try:
            with single_threaded_blas():
                return self.run(batches)
        except DAGMMError as error:
            return Failed(error)


class Engine(ABC):
    """A table that an engine holds in partitions, numbered from 0 in the order of its rows.

    Attributes
    ----------
    name : str
        How messages call it.
    columns : tuple of str
    """

    name: str
    columns: tuple[str, ...]

    @property
    @abstractmethod
    def untyped(self) -> tuple[str, ...]:
        """Columns whose types are known only when their values are read; at least one column."""

    @property
    @abstractmethod
    def schema(self) -> pa.Schema:
        """Names and types of the columns, as far as they are known."""

    @abstractmethod
    def run(self, jobs: Job | Mapping[int, Job], names: tuple[str, ...]) -> dict[int, Any]:
        """Run jobs by the number of their partition, or one on all; wait for what they find.

        Parameters
        ----------
        jobs : Job or mapping of int to Job
        names : tuple of str
            Columns that they read.
        """

    @abstractmethod
    def apart(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Run a function on each of some items in the workers; yield what it returns."""


@dataclass(frozen=True)
class CountJob(Job):
    """Counts rows, and says of what types they are."""

    def run(self, batches: Iterable[pa.RecordBatch]) -> tuple[int, pa.Schema | None]:
        """Return the number of rows, and names and types where there are any."""
        n_rows, schema = 0, None
        for batch in batches:
            n_rows += batch.num_rows
            schema = batch.schema.remove_metadata()
        return n_rows, schema


@dataclass(frozen=True)
class RefuseJob(Job):
    """Refuses rows of partitions that were not there when rows were counted.

    Parameters
    ----------
    table : str
        How messages call it.
    """

    table: str

    def run(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Read until there is a row."""
        if any(batch.num_rows for batch in batches):
            raise InputError(
                f"{self.table} has more partitions than when its rows were counted; {SAME_ROWS}"
            )


@dataclass(frozen=True)
class ReadJob(Job):
    """Brings rows to where the fit runs.

    Parameters
    ----------
    schema : pyarrow.Schema
    place : Place
    start, stop : int
        Which of the partition's rows.
    """

    schema: pa.Schema
    place: "Place"
    start: int
    stop: int

    def run(self, batches: Iterable[pa.RecordBatch]) -> pa.Table:
        """Return these rows."""
        typed = list(self.place.counted(batches, self.schema))
        table = pa.Table.from_batches(typed, self.schema)
        return table.slice(self.start, self.stop - self.start)


@dataclass(frozen=True)
class ChosenRowsJob(Job):
    """Brings some rows to where the fit runs.

    Parameters
    ----------
    schema : pyarrow.Schema
    place : Place
    rows : ndarray of shape (n_chosen,)
        Their numbers in the partition, ascending.
    """

    schema: pa.Schema
    place: "Place"
    rows: np.ndarray

    def run(self, batches: Iterable[pa.RecordBatch]) -> pa.Table:
        """Return these rows."""
        table = pa.Table.from_batches(self.place.counted(batches, self.schema), self.schema)
        return table.take(pa.array(self.rows))


@dataclass(frozen=True)
class RowsOfAssetsJob(Job):
    """Brings the rows of some assets to where the fit runs.

    Parameters
    ----------
    schema : pyarrow.Schema
    place : Place
    column : str
        Which names the asset of a row.
    assets : tuple of str
    """

    schema: pa.Schema
    place: "Place"
    column: str
    assets: tuple[str, ...]

    def run(self, batches: Iterable[pa.RecordBatch]) -> pa.Table:
        """Return their rows."""
        table = pa.Table.from_batches(self.place.counted(batches, self.schema), self.schema)
        names = arrow_chunk(table, self.place.start).text(self.column)
        return table.filter(pc.is_in(names, pa.array(self.assets, names.type)))


@dataclass(frozen=True)
class Apart:
    """A function that is run in a worker, whose other cores are at work elsewhere."""

    function: Callable[[Any], Any]

    def __call__(self, item: Any) -> Any:
        """Run it on an item."""
        with single_threaded_blas():
            return self.function(item)


@dataclass(frozen=True)
class PassJob(Job):
    """Takes part in a pass over a table.

    Parameters
    ----------
    job : TablePass
    schema : pyarrow.Schema
    place : Place
    size : int
        Rows of a chunk.
    """

    job: TablePass[Any]
    schema: pa.Schema
    place: "Place"
    size: int

    def run(self, batches: Iterable[pa.RecordBatch]) -> Any:
        """Return what was found in the rows of the partition; None where there are none."""
        found, start = None, self.place.start
        for table in tables_of(self.place.counted(batches, self.schema), self.schema, self.size):
            part = self.job.look(arrow_chunk(table, start))
            found = part if found is None else self.job.merge(found, part)
            start += table.num_rows
        return found


@dataclass(frozen=True)
class Place:
    """Where a partition lies in its table.

    Parameters
    ----------
    table : str
        How messages call it.
    number : int
    start : int
        Number of its first row.
    n_rows : int
        When they were counted.
    """

    table: str
    number: int
    start: int
    n_rows: int

    def of_these(self, numbers: Int64[np.ndarray, " n_some"]) -> Int64[np.ndarray, " n_here"]:
        """Return which of some rows of the table lie here, by their numbers in the partition.

        Parameters
        ----------
        numbers : ndarray of shape (n_some,)
            In ascending order.
        """
        first, last = np.searchsorted(numbers, (self.start, self.start + self.n_rows))
        return numbers[first:last] - self.start

    def counted(
        self, batches: Iterable[pa.RecordBatch], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Read rows as their columns are typed.

        Raises
        ------
        InputError
            If there are more or fewer of them than were counted, or they are of other types.
        """
        n_rows = 0
        for batch in batches:
            n_rows += batch.num_rows
            yield self._typed(batch, schema)
        if n_rows != self.n_rows:
            raise InputError(
                f"partition {self.number} of {self.table} had {self.n_rows} rows when they were "
                f"counted and has {n_rows} now; {SAME_ROWS}"
            )

    def _typed(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        if batch.schema.equals(schema):
            return batch
        try:
            columns = [_cast(batch.column(field.name), field.type) for field in schema]
        except (pa.ArrowException, KeyError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(
                f"partition {self.number} of {self.table} cannot be read as {schema.names} of "
                f"types {[str(one) for one in schema.types]} ({reason}); expected columns of one "
                "type in all partitions."
            ) from error
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if column.type.equals(wanted):
        return column
    if pa.types.is_dictionary(wanted) and not pa.types.is_dictionary(column.type):
        return column.cast(wanted.value_type).dictionary_encode().cast(wanted)
    return column.cast(wanted)
