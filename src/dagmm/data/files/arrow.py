"""Arrow files: the file format, which Feather is, and the stream format."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.files.base import TypedTable, check_names, rows_at_a_time
from dagmm.data.files.source import ARROW_MAGIC, Source

ARROW_SUFFIXES = (".feather", ".arrow", ".ipc")


class ArrowTable(TypedTable):
    """An Arrow file, open for reading; one on disk is mapped, so that only what is used is read.

    Parameters
    ----------
    source : Source
        Taken over, and closed with the table.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._is_file = source.magic.startswith(ARROW_MAGIC)
        self.description = "Arrow" if self._is_file else "Arrow stream"
        with self._readable():
            self._content = source.mapped()
            stored = self._reader(None).schema
        self._stored_names = tuple(stored.names)
        self.columns = self._stored_names
        check_names(self.columns, source.name)
        self.schema = pa.schema([pa.field(field.name, _plain(field.type)) for field in stored])
        self.n_rows = sum(batch.num_rows for batch in self._stored_batches(self.columns[:1]))

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time; see :meth:`TypedTable.record_batches`."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        n_rows = rows_at_a_time(len(columns))
        for batch in self._stored_batches(columns):
            for start in range(0, batch.num_rows, n_rows):
                part = batch.slice(start, n_rows)
                with self._readable():
                    arrays = [_as_plain(part.column(name)) for name in columns]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def close(self) -> None:
        """Close the file."""
        self._content.close()
        self._source.close()

    def _stored_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        with self._readable():
            reader = self._reader([self._stored_names.index(name) for name in columns])
        if not self._is_file:
            while (batch := self._next(reader)) is not None:
                yield batch
            return
        for i in range(reader.num_record_batches):
            with self._readable():
                batch = reader.get_batch(i)
            yield batch

    def _next(self, reader: Any) -> pa.RecordBatch | None:
        with self._readable():
            return next(reader, None)

    def _reader(self, fields: list[int] | None) -> Any:
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        if self._is_file:
            return pa.ipc.open_file(self._content, options=options)
        self._content.seek(0)
        return pa.ipc.open_stream(self._content, options=options)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(
                f"{self.name} is not a whole Arrow file ({reason}); copy it again."
            ) from error


def _plain(dtype: pa.DataType) -> pa.DataType:
    """Return the type that one is read as: there are several of texts, and not all are known."""
    if pa.types.is_dictionary(dtype):
        return pa.dictionary(pa.int32(), _plain(dtype.value_type))
    if pa.types.is_large_string(dtype) or dtype == pa.string_view():
        return pa.string()
    return dtype


def _as_plain(column: pa.Array) -> pa.Array:
    dtype = _plain(column.type)
    if dtype == column.type:
        return column
    if pa.types.is_dictionary(dtype):
        values = _as_plain(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices.cast(pa.int32()), values)
    return column.cast(dtype)
