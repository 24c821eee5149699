"""Several files as one table: rows in the order of the files, counted across them."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError, TableWarning
from dagmm.data.base import TableStyle
from dagmm.data.files.base import Kind, TableFile, TypedTable
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.csv_spool import SpooledCSV
from dagmm.data.files.json_lines import JSONTable
from dagmm.data.files.spool import SpooledTable

#: The column that says which file a row came from.
_ORIGIN = "file"
_Open: TypeAlias = Callable[[str], TableFile]
_Kind = TypeVar("_Kind", bound=TableFile)


def one_table(name: str, files: Sequence[str], open_one: _Open, has_origin: bool) -> TableFile:
    """Open several files as one table.

    Parameters
    ----------
    name : str
        How messages call it.
    files : sequence of str
        Paths, two or more.
    open_one : callable
        Opens one of them.
    has_origin : bool
        Whether a column says which file a row came from, where no other has its name.

    Raises
    ------
    InputError
        If they do not have the same columns, or are of several kinds; file and column are named.
    """
    with _quietly(open_one, files[0]) as first:
        is_csv = isinstance(first, CSVTable)
        has_origin = has_origin and _ORIGIN not in first.columns
    origin = _ORIGIN if has_origin else None
    return (CSVFiles if is_csv else TypedFiles)(name, files, open_one, origin)


class CSVFiles(TableFile):
    """Files of CSV, each written as it is, or sheets of workbooks.

    Parameters
    ----------
    name, files, open_one
        As in :func:`one_table`.
    origin : str or None
        Name of the column that says which file a row came from.
    """

    def __init__(
        self, name: str, files: Sequence[str], open_one: _Open, origin: str | None
    ) -> None:
        self.name, self.origin = name, origin
        self._files, self._open = files, open_one
        names, styles = [], []
        for table in _looked_at(files, open_one, CSVTable):
            names.append(table.columns)
            styles.append(table.style)
            if len(names) == 1:
                self.description = f"{table.description}, {len(files)} files"
                self.na = table.na
        _check_names(files, names)
        self.columns = names[0]
        self.style = _common_style(files, styles)
        self._read = 0.0

    def tables(self) -> Iterator[CSVTable]:
        """Yield the files one after the other, each open until the next is asked for."""
        for i, file in enumerate(self._files):
            with _quietly(self._open, file) as table:
                assert isinstance(table, CSVTable), "checked when all were opened"
                yield table
            self._read = (i + 1) / len(self._files)

    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Read the whole table; see :meth:`TableFile.read`."""
        with SpooledCSV(self, columns, texts) as table:
            return table.read(columns)

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time; see :meth:`TableFile.batches`.

        The column of files may be among the columns.
        """
        first = 0
        inner = {name: kind for name, kind in kinds.items() if name != self.origin}
        for table, label in zip(self.tables(), _labels(self._files), strict=True):
            if not table.is_longer(1):
                continue
            n_rows, before = 0, self._read
            for start, batch in table.batches(inner):
                n_rows = start + batch.num_rows
                self._read = before + (table.fraction() or 0.0) / len(self._files)
                if self.origin in kinds:
                    batch = batch.append_column(self.origin, pa.array([label] * batch.num_rows))
                yield first + start, batch.select(list(kinds))
            first += n_rows
        if not first:
            raise InputError(f"{self.name} has no rows; expected at least 1 row.")

    def fraction(self) -> float:
        """Return the share of the files that has been read."""
        return self._read

    def close(self) -> None:
        """Do nothing: each file is open only while it is read."""


class TypedFiles(TypedTable):
    """Files whose columns have types, such as the parts of a Parquet folder.

    Parameters
    ----------
    name, files, open_one, origin
        As :class:`CSVFiles` takes them.
    """

    def __init__(
        self, name: str, files: Sequence[str], open_one: _Open, origin: str | None
    ) -> None:
        self.name, self.origin = name, origin
        self._files, self._open = files, open_one
        schemas, ends, is_json = [], [0], False
        for table in _looked_at(files, open_one, TypedTable):  # type: ignore[type-abstract]
            schemas.append(table.schema)
            ends.append(ends[-1] + table.n_rows)
            is_json = is_json or isinstance(table, JSONTable)
            if len(schemas) == 1:
                self.description = f"{table.description}, {len(files)} files"
        self._ends, self.n_rows = np.array(ends[1:]), ends[-1]
        # JSON writes 1 where other rows have 1.5, and is slow to read again.
        self.schema = _common(files, schemas, widen=is_json)
        self.columns = tuple(self.schema.names)
        self._spool = _kept(self._parts(self.columns), self.schema) if is_json else None

    def record_batches(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time; see :meth:`TypedTable.record_batches`."""
        if self._spool is not None:
            return self._spool.record_batches(columns)
        return self._parts(columns)

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time; see :meth:`TableFile.batches`.

        The column of files may be among the columns.
        """
        inner = {name: kind for name, kind in kinds.items() if name != self.origin}
        for start, batch in super().batches(inner):
            if self.origin in kinds:
                rows = np.arange(start, start + batch.num_rows)
                which = pa.array(np.searchsorted(self._ends, rows, side="right"))
                batch = batch.append_column(
                    self.origin, pa.array(_labels(self._files)).take(which)
                )
            yield start, batch.select(list(kinds))

    def close(self) -> None:
        """Close what is kept of them: each file is open only while it is read."""
        if self._spool is not None:
            self._spool.close()

    def _parts(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self.schema.field(name) for name in columns])
        for file in self._files:
            with _quietly(self._open, file) as table:
                assert isinstance(table, TypedTable), "checked when all were opened"
                for batch in table.record_batches(columns):
                    yield batch if batch.schema.equals(schema) else batch.cast(schema)


def _kept(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> SpooledTable:
    spool = SpooledTable()
    try:
        spool.keep(pa.Table.from_batches([batch], schema) for batch in batches)
    except BaseException:
        spool.close()
        raise
    return spool


def _quietly(open_one: _Open, file: str) -> TableFile:
    """Open a file of which everything doubtful has been said, or will be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        return open_one(file)


def _looked_at(files: Sequence[str], open_one: _Open, kind: type[_Kind]) -> Iterator[_Kind]:
    """Open one file after the other; what is doubtful about all of them alike is said once."""
    said: set[str] = set()
    first = ""
    for file in files:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = open_one(file)
        for warning in caught:
            text = str(warning.message)
            if text.replace(table.name, "") not in said:
                said.add(text.replace(table.name, ""))
                warnings.warn(text, warning.category, stacklevel=2)
        with table:
            if not isinstance(table, kind):
                raise InputError(
                    f"{file!r} is {table.description}, and {files[0]!r} is {first}; expected "
                    "files of one format."
                )
            first = first or table.description
            yield table


def _labels(files: Sequence[str]) -> list[str]:
    """Return how the column of files calls them: their names where these are enough."""
    names = [Path(file).name for file in files]
    return names if len(set(names)) == len(names) else list(files)


def _check_names(files: Sequence[str], names: Sequence[Sequence[str]]) -> None:
    """Check that all files have the columns of the first, in whatever order."""
    for file, here in zip(files, names, strict=True):
        more = [name for name in here if name not in names[0]]
        if more:
            raise InputError(
                f"{file!r} has a column {more[0]!r}, which {files[0]!r} has not; expected the "
                "same columns in all files."
            )
        missing = [name for name in names[0] if name not in here]
        if missing:
            raise InputError(
                f"{file!r} has no column {missing[0]!r}, which {files[0]!r} has; expected the "
                "same columns in all files."
            )


def _common_style(files: Sequence[str], styles: Sequence[TableStyle]) -> TableStyle:
    """Return what is known of all files alike; units must not differ."""
    units: dict[str, tuple[str, str]] = {}
    for file, style in zip(files, styles, strict=True):
        for column, unit in style.units:
            known, where = units.setdefault(column, (unit, file))
            if known != unit:
                raise InputError(
                    f"{file!r}: column {column!r} is in {unit!r}, but in {known!r} in {where!r}; "
                    "expected the same units in all files."
                )
    decimals = {style.decimal for style in styles}
    return TableStyle(
        styles[0].thousands,
        decimals.pop() if len(decimals) == 1 else None,
        any(style.has_semicolons for style in styles),
        tuple((column, unit) for column, (unit, _) in units.items()),
    )


def _common(files: Sequence[str], schemas: list[pa.Schema], widen: bool) -> pa.Schema:
    """Return the schema that all files have; a column may be without a type in some of them."""
    _check_names(files, [schema.names for schema in schemas])
    types = {field.name: field.type for field in schemas[0]}
    for file, schema in zip(files, schemas, strict=True):
        for name, known in types.items():
            dtype = schema.field(name).type
            if pa.types.is_null(known):
                types[name] = dtype
            elif widen and {known, dtype} == {pa.int64(), pa.float64()}:
                types[name] = pa.float64()
            elif dtype != known and not pa.types.is_null(dtype):
                raise InputError(
                    f"{file!r}: column {name!r} has type {dtype}, but {known} in the files "
                    "before it; expected the same types in all files."
                )
    return pa.schema(list(types.items()))
