"""Rows that lie on an engine: a pass is a map over its partitions, and what it finds is merged."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm._core.progress import Progress
from dagmm.cluster.jobs import (
    OTHERS,
    SAME_ROWS,
    CountJob,
    Engine,
    Failed,
    Job,
    PassJob,
    Place,
    ReadJob,
    RefuseJob,
)
from dagmm.data.base import CHUNK_ROWS, Chunk, Rows, TablePass
from dagmm.data.frames import arrow_chunk
from dagmm.data.streams import tables_of

_Found = TypeVar("_Found")

#: First rows, of which is seen how dates are written: they are brought over once.
_HEAD = 1000


@dataclass(frozen=True)
class CountedTable:
    """A table on an engine whose rows were counted.

    Parameters
    ----------
    engine : Engine
    schema : pyarrow.Schema
    places : tuple of Place
        Of its partitions.
    """

    engine: Engine
    schema: pa.Schema
    places: tuple[Place, ...]

    @classmethod
    def of(cls, engine: Engine) -> "CountedTable":
        """Count the rows of each partition, and find the types of columns.

        Raises
        ------
        InputError
            If columns have no types that go together.
        """
        counted = _checked(engine.run(CountJob(), engine.untyped))
        known = [engine.schema.field(n) for n in engine.columns if n in engine.schema.names]
        schemas = [(n_rows, schema) for n_rows, schema in counted.values() if schema is not None]
        seen = [one for n_rows, one in schemas if n_rows] or [one for _, one in schemas]
        try:
            schema = pa.unify_schemas([pa.schema(known), *seen], promote_options="permissive")
        except pa.ArrowException as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(
                f"columns of {engine.name} have other types in other partitions ({reason}); "
                "convert them to one type."
            ) from error
        if not set(engine.columns) <= set(schema.names):
            raise InputError(f"{engine.name} has no rows; expected at least 2.")
        places, start = [], 0
        for number in range(1 + max(counted, default=-1)):
            n_rows = counted[number][0] if number in counted else 0
            places.append(Place(engine.name, number, start, n_rows))
            start += n_rows
        typed = [schema.field(name) for name in engine.columns]
        return cls(engine, pa.schema(typed), tuple(places))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.places[-1].start + self.places[-1].n_rows if self.places else 0

    def run(self, jobs: Mapping[int, Job], names: tuple[str, ...]) -> Iterator[Any]:
        """Run jobs by the number of their partition, and give what they find in that order.

        Raises
        ------
        DAGMMError
            The first that a worker sends back.
        InputError
            If the engine gives nothing for a partition that had rows.
        """
        found = _checked(self.engine.run(jobs, names))
        for number, place in enumerate(self.places):
            if number in jobs and number not in found and place.n_rows:
                raise InputError(
                    f"partition {number} of {self.engine.name} had {place.n_rows} rows when they "
                    f"were counted and is gone now; {SAME_ROWS}"
                )
        yield from (found.get(number) for number in jobs if number != OTHERS)

    def read(self, names: tuple[str, ...], start: int, stop: int) -> pa.Table:
        """Bring some rows to this process."""
        schema = self.schema_of(names)

        def job_of(place: Place) -> Job | None:
            first, last = max(0, start - place.start), min(place.n_rows, stop - place.start)
            return ReadJob(schema, place, first, last) if first < last else None

        return self.gathered(names, job_of)

    def gathered(self, names: tuple[str, ...], job_of: Callable[[Place], Job | None]) -> pa.Table:
        """Bring to this process what a job finds in each partition that it is asked for.

        Parameters
        ----------
        names : tuple of str
            Columns.
        job_of : callable
            Returns a job that returns rows, or None.
        """
        wanted = ((place.number, job_of(place)) for place in self.places if place.n_rows)
        jobs = {number: job for number, job in wanted if job is not None}
        parts = list(self.run(jobs, names)) if jobs else []
        whole = pa.concat_tables([self.schema_of(names).empty_table(), *parts])
        return whole.unify_dictionaries().combine_chunks()

    def schema_of(self, names: tuple[str, ...]) -> pa.Schema:
        """Names and types of some columns."""
        return pa.schema([self.schema.field(name) for name in names])


class EngineRows(Rows):
    """Rows that lie on an engine.

    Their order is that of the partitions, and of the rows in each.

    Parameters
    ----------
    table : CountedTable
    """

    is_remote = True

    def __init__(self, table: CountedTable) -> None:
        self._table = table
        self.names, self.n_rows = tuple(table.schema.names), table.n_rows
        self._head: pa.Table | None = None

    def only(self, names: tuple[str, ...]) -> "EngineRows":
        """Return the table with no more columns than these read."""
        fewer = copy.copy(self)
        fewer.names = tuple(name for name in self.names if name in set(names))
        return fewer

    def chunk(self, start: int, stop: int) -> Chunk:
        """Bring some rows to this process; the first ones once."""
        stop = min(stop, self.n_rows)
        if stop > min(_HEAD, self.n_rows):
            return arrow_chunk(self._table.read(self.names, start, stop), start)
        if self._head is None:
            self._head = self._table.read(self.names, 0, min(_HEAD, self.n_rows))
        return arrow_chunk(self._head.select(self.names).slice(start, stop - start), start)

    def read(self) -> pa.Table:
        """Bring the whole table to this process."""
        return self._table.read(self.names, 0, self.n_rows)

    def map_chunks(
        self,
        job: TablePass[_Found],
        size: int = CHUNK_ROWS,
        progress: Progress | None = None,
    ) -> Iterator[_Found]:
        """Look at the rows of each partition where they lie, and merge what is found there.

        Yields
        ------
        What was found in each partition that has rows.
        """
        schema = self._table.schema_of(self.names)
        jobs: dict[int, Job] = {OTHERS: RefuseJob(self._table.engine.name)}
        for place in self._table.places:
            part = job.within(place.start, place.start + place.n_rows)
            jobs[place.number] = PassJob(part, schema, place, size)
        found_there = self._table.run(jobs, self.names)
        for place, found in zip(self._table.places, found_there, strict=True):
            if found is None:
                continue
            if progress is not None:
                done = place.start + place.n_rows
                progress.advance(done, f"{done} rows")
            yield found

    def _chunks(self, size: int) -> Iterator[Chunk]:
        start = 0
        for table in tables_of(self._batches(), self._table.schema_of(self.names), size):
            yield arrow_chunk(table, start)
            start += table.num_rows

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for place in self._table.places:
            last = place.start + place.n_rows
            yield from self._table.read(self.names, place.start, last).to_batches()


def _checked(found: dict[int, Any]) -> dict[int, Any]:
    """Raise the first error that came back."""
    for number in sorted(found):
        if isinstance(found[number], Failed):
            raise found[number].error
    return found
