"""Rows of tables that are read anew for each pass, and never held whole."""

import copy
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from dagmm._core.errors import InputError
from dagmm.data.base import ANY_STYLE, CHUNK_ROWS, Chunk, Rows, TableStyle
from dagmm.data.files.base import without_marks
from dagmm.data.frames import arrow_chunk

#: Batches that are read ahead; more would only take memory.
_READ_AHEAD = 2


@runtime_checkable
class BatchSource(Protocol):
    """What can be read batch by batch, any number of times.

    Attributes
    ----------
    name : str
        How messages call it.
    schema : pyarrow.Schema
    n_rows : int
    """

    name: str
    schema: pa.Schema
    n_rows: int

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read columns from the first row on, some rows at a time."""
        ...


class StreamRows(Rows):
    """Rows that are read anew for each pass.

    Chunks have the rows that they have where the table is held in memory, so that results are
    the same to the bit.

    Parameters
    ----------
    source : BatchSource
    names : tuple of str, optional
        The columns to read; by default all.
    texts : tuple of str
        Columns among them to be read as text, whatever they hold.
    style : TableStyle
        What is known of how texts are written.
    na : tuple of str
        Texts that stand for holes.
    """

    def __init__(
        self,
        source: BatchSource,
        names: tuple[str, ...] | None = None,
        texts: tuple[str, ...] = (),
        style: TableStyle = ANY_STYLE,
        na: tuple[str, ...] = (),
    ) -> None:
        self._source, self._texts = source, frozenset(texts)
        self.style, self._na = style, na
        self.names = tuple(source.schema.names) if names is None else names
        self.n_rows = source.n_rows
        #: What closes its source when nobody reads it, nor fewer columns of it, any longer.
        self._whole: Rows | None = None

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return pa.schema(
            [
                pa.field(name, pa.string())
                if name in self._texts
                else self._source.schema.field(name)
                for name in self.names
            ]
        )

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``, reading all before them."""
        parts, first = [], 0
        for batch in self.record_batches():
            if first >= stop:
                break
            last = first + batch.num_rows
            if last > start:
                here = max(0, start - first)
                parts.append(batch.slice(here, min(last, stop) - first - here))
            first = last
        return arrow_chunk(_joined(parts, self.schema), start)

    def only(self, names: tuple[str, ...]) -> "StreamRows":
        """Return the table with no more columns than these read."""
        fewer = copy.copy(self)
        fewer._whole = self
        fewer.names = tuple(name for name in self.names if name in set(names))
        return fewer

    def where(self, keep: Bool[np.ndarray, " n_rows"]) -> "StreamRows":
        """Return some of the rows, numbered anew."""
        some = copy.copy(self)
        some._whole = self
        some._source = _SomeRows(self._source, keep)
        some.n_rows = some._source.n_rows
        return some

    def read(self) -> pa.Table:
        """Read the whole table into memory."""
        return _joined(list(self.record_batches()), self.schema)

    def record_batches(self) -> Iterator[pa.RecordBatch]:
        """Read the whole table, as many rows at a time as its source gives."""
        schema: Any = self.schema
        for batch in self._source.record_batches(self.names):
            batch = batch if batch.schema.equals(schema) else batch.cast(schema)
            yield self._without_marks(batch) if self._na else batch

    def _without_marks(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            without_marks(column, self._na) if pa.types.is_string(column.type) else column
            for column in batch.columns
        ]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _chunks(self, size: int) -> Iterator[Chunk]:
        start = 0
        for table in tables_of(self.record_batches(), self.schema, size):
            yield arrow_chunk(table, start)
            start += table.num_rows
        if start != self.n_rows:
            raise InputError(
                f"{self._source.name} had {self.n_rows} rows when it was opened and has "
                f"{start} now; leave it as it is while it is read."
            )


class DatasetSource:
    """An Arrow dataset that is read some rows at a time.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    """

    def __init__(self, dataset: Any) -> None:
        self.name = "the dataset"
        self._dataset = dataset
        self.schema: pa.Schema = dataset.schema
        self.n_rows = int(self._read(dataset.count_rows))

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read columns from the first row on, some rows at a time."""
        batches = self._dataset.to_batches(
            columns=list(columns),
            batch_size=CHUNK_ROWS,
            batch_readahead=_READ_AHEAD,
            fragment_readahead=1,
        )
        while True:
            batch = self._read(lambda: next(batches, None))
            if batch is None:
                return
            yield batch

    def _read(self, read: Any) -> Any:
        try:
            return read()
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(f"{self.name} cannot be read ({reason}).") from error


class _SomeRows:
    """Some of the rows of another source."""

    def __init__(self, source: BatchSource, keep: Bool[np.ndarray, " n_rows"]) -> None:
        self.name, self.schema, self.n_rows = source.name, source.schema, int(keep.sum())
        self._source, self._keep = source, keep

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read columns from the first row on, some rows at a time."""
        start = 0
        for batch in self._source.record_batches(columns):
            kept = self._keep[start : start + batch.num_rows]
            # Rows that have come since are kept, so that whoever counts says that there are some.
            new = np.ones(batch.num_rows - len(kept), bool)
            yield batch.filter(pa.array(np.concatenate([kept, new])))
            start += batch.num_rows


def is_dataset(table: object) -> bool:
    """Whether a table is an Arrow dataset; where nobody has loaded their module, there is none."""
    module = sys.modules.get("pyarrow.dataset")
    return module is not None and isinstance(table, module.Dataset)


def tables_of(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, size: int
) -> Iterator[pa.Table]:
    """Cut record batches anew: into tables of so many rows, and a last one of the rest."""
    held, n_held = [], 0
    for batch in batches:
        place = 0
        while place < batch.num_rows:
            part = batch.slice(place, size - n_held)
            held.append(part)
            place, n_held = place + part.num_rows, n_held + part.num_rows
            if n_held == size:
                yield _joined(held, schema)
                held, n_held = [], 0
    if held:
        yield _joined(held, schema)


def _joined(parts: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches(parts, schema)
    # Columns in one piece each are read without a copy.
    return table if len(parts) == 1 else table.combine_chunks()
