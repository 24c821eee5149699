"""Rows of tables that are read anew for each pass, and never held whole."""

import copy
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.base import CHUNK_ROWS, Chunk, Rows
from dagmm.data.frames import arrow_chunk


@runtime_checkable
class Pieces(Protocol):
    """What can be read piece by piece, any number of times.

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

    def pieces(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read columns from the first row on, some rows at a time."""
        ...


class StreamRows(Rows):
    """Rows that are read anew for each pass.

    Chunks have the rows that they have where the table is held in memory, so that results are
    the same to the bit.

    Parameters
    ----------
    source : Pieces
    names : tuple of str, optional
        The columns to read; by default all.
    texts : tuple of str
        Columns among them to be read as text, whatever they hold.
    """

    def __init__(
        self, source: Pieces, names: tuple[str, ...] | None = None, texts: tuple[str, ...] = ()
    ) -> None:
        self._source, self._texts = source, frozenset(texts)
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
        for piece in self.pieces():
            if first >= stop:
                break
            last = first + piece.num_rows
            if last > start:
                here = max(0, start - first)
                parts.append(piece.slice(here, min(last, stop) - first - here))
            first = last
        return arrow_chunk(_joined(parts, self.schema), start)

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Read the whole table, ``size`` rows at a time.

        Raises
        ------
        InputError
            If it has become longer or shorter since it was opened.
        """
        start, held, n_held = 0, [], 0
        for piece in self.pieces():
            place = 0
            while place < piece.num_rows:
                part = piece.slice(place, size - n_held)
                held.append(part)
                place, n_held = place + part.num_rows, n_held + part.num_rows
                if n_held == size:
                    yield arrow_chunk(_joined(held, self.schema), start)
                    start, held, n_held = start + size, [], 0
        if held:
            yield arrow_chunk(_joined(held, self.schema), start)
        if start + n_held != self.n_rows:
            raise InputError(
                f"{self._source.name} had {self.n_rows} rows when it was opened and has "
                f"{start + n_held} now; leave it as it is while it is read."
            )

    def only(self, names: tuple[str, ...]) -> "StreamRows":
        """Return the table with no more columns than these read."""
        fewer = copy.copy(self)
        fewer._whole = self
        fewer.names = tuple(name for name in self.names if name in set(names))
        return fewer

    def read(self) -> pa.Table:
        """Read the whole table into memory."""
        return _joined(list(self.pieces()), self.schema)

    def pieces(self) -> Iterator[pa.RecordBatch]:
        """Read the whole table, as many rows at a time as its source gives."""
        schema: Any = self.schema
        for piece in self._source.pieces(self.names):
            yield piece if piece.schema.equals(schema) else piece.cast(schema)


def _joined(parts: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches(parts, schema)
    # Columns in one piece each are read without a copy.
    return table if len(parts) == 1 else table.combine_chunks()
