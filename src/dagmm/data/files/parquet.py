"""Parquet files, and folders of them: one table, rows in the order of the files' names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dagmm._core.errors import InputError
from dagmm.data.files.base import TypedTable, check_names, rows_at_a_time
from dagmm.data.files.source import Source

PARQUET_SUFFIXES = (".parquet", ".pq")
#: Bytes of a column that are read from the file at a time, however large its row groups are.
_BUFFER_BYTES = 2**18


class ParquetTable(TypedTable):
    """A Parquet file, open for reading.

    Parameters
    ----------
    source : Source
        Taken over, and closed with the table.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._content = source.seekable()
        with self._readable():
            self._file = pq.ParquetFile(self._content, buffer_size=_BUFFER_BYTES, pre_buffer=False)
            self.schema = self._file.schema_arrow
        self.columns = tuple(self.schema.names)
        check_names(self.columns, source.name)
        self.description = "Parquet"
        self.n_rows = self._file.metadata.num_rows

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time; see :meth:`TypedTable.record_batches`."""
        names = list(columns)
        with self._readable():
            batches = self._file.iter_batches(rows_at_a_time(len(names)), columns=names)
        while True:
            with self._readable():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch.select(names)

    def close(self) -> None:
        """Close the file."""
        self._content.close()
        self._source.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError(
                f"{self.name} is not a whole Parquet file ({reason}); copy it again."
            ) from error


class ParquetFolder(TypedTable):
    """Parquet files of one folder as one table.

    Parameters
    ----------
    path : str

    Raises
    ------
    InputError
        If files do not have the same columns; file and column are named.
    """

    def __init__(self, path: str) -> None:
        self.name = repr(path)
        self._files = parquet_files(path)
        self.n_rows, schemas = 0, []
        for file in self._files:
            with _opened(file) as table:
                schemas.append(table.schema)
                self.n_rows += table.n_rows
        self.schema = _common(self._files, schemas)
        self.columns = tuple(self.schema.names)
        self.description = f"Parquet, {len(self._files)} files"

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time; see :meth:`TypedTable.record_batches`."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        for file in self._files:
            with _opened(file) as table:
                for batch in table.record_batches(columns):
                    yield batch if batch.schema.equals(schema) else batch.cast(schema)

    def close(self) -> None:
        """Do nothing: each file is open only while it is read."""


def parquet_files(path: str) -> list[str]:
    """Return the Parquet files of a folder in order of their names; none where it is no folder."""
    folder = Path(path)
    if not folder.is_dir():
        return []
    return sorted(
        str(file)
        for file in folder.iterdir()
        if file.name.endswith(PARQUET_SUFFIXES)
        and not file.name.startswith((".", "_"))
        and file.is_file()
    )


def _opened(file: str) -> ParquetTable:
    source = Source(file)
    try:
        return ParquetTable(source)
    except BaseException:
        source.close()
        raise


def _common(files: list[str], schemas: list[pa.Schema]) -> pa.Schema:
    """Return the schema that all files have; a column may be without a type in some of them."""
    fields = {field.name: field for field in schemas[0]}
    for file, schema in zip(files, schemas, strict=True):
        for field in schema:
            known = fields.get(field.name)
            if known is None:
                raise InputError(
                    f"{file!r} has a column {field.name!r}, which {files[0]!r} has not; expected "
                    "the same columns in all files of a folder."
                )
            if pa.types.is_null(known.type):
                fields[field.name] = field
            elif field.type != known.type and not pa.types.is_null(field.type):
                raise InputError(
                    f"{file!r}: column {field.name!r} has type {field.type}, but {known.type} in "
                    "the files before it; expected the same types in all files of a folder."
                )
        missing = [name for name in fields if name not in schema.names]
        if missing:
            raise InputError(
                f"{file!r} has no column {missing[0]!r}, which {files[0]!r} has; expected the "
                "same columns in all files of a folder."
            )
    return pa.schema([pa.field(field.name, field.type) for field in fields.values()])
