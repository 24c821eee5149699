"""The table of a fit: its columns by the parts they play, and its labels."""

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import narwhals as nw
import numpy as np
import pyarrow as pa

from dagmm._core.errors import TableWarning
from dagmm.cli.jobs.labels import anomalies_of, check_some_normal
from dagmm.cli.jobs.roles import Roles, check_types
from dagmm.cli.terminal import log
from dagmm.data.files.base import TableFile, TableOptions, TypedTable, is_text
from dagmm.data.files.folder import Paths
from dagmm.data.files.open import open_table
from dagmm.data.frames import FrameRows
from dagmm.data.paths import rows_in
from dagmm.data.streams import StreamRows
from dagmm.preprocessing.columns.number_text import look_at_texts


class Features(NamedTuple):
    """What is fitted, and which rows are known to be anomalies."""

    table: FrameRows | StreamRows
    """The columns to fit: a short CSV file in memory, others read anew for each pass."""
    labels: np.ndarray | None
    """Which rows are anomalies, shape (n_rows,), where there is a label column."""
    name: str
    """How messages call the table."""


def open_features(path: Paths, options: TableOptions, roles: Roles, quiet: bool) -> Features:
    """Open a table to be fitted, and read its labels.

    Raises
    ------
    ArgumentError, InputError
    """
    log(f"reading {path if isinstance(path, str) else ' '.join(path)}", quiet)
    source = open_table(path, options)
    try:
        names = roles.features(source.columns, source.name)
        label = () if roles.label is None else (roles.label,)
        rows = rows_in(source, names + label, _texts(source, roles, label))
    except BaseException:
        source.close()
        raise
    log(f"{rows.n_rows} rows, {len(source.columns)} columns ({source.description})", quiet)
    table = rows if isinstance(rows, StreamRows) else rows.frame.to_native()
    features: FrameRows | StreamRows
    if isinstance(table, StreamRows):
        features, schema = table.only(names), table.only(names).schema
    else:
        chosen = table.select(list(names))
        features, schema = (
            FrameRows(nw.from_native(chosen, eager_only=True), rows.style),
            chosen.schema,
        )
    check_types(schema, source.name, roles.clock)
    labels = None if roles.label is None else labels_of(rows, roles, source.name)
    return Features(features, labels, source.name)


def read_features(
    path: Paths, options: TableOptions, roles: Roles, quiet: bool
) -> tuple[pa.Table, np.ndarray | None, str]:
    """Return the columns to fit, read into memory, labels and name; see :func:`open_features`.

    Text that is numbers comes as numbers, and columns have the types that roles tell; time axis
    and asset are left out.
    """
    rows, labels, name = open_features(path, options, roles, quiet)
    table = rows.read() if isinstance(rows, StreamRows) else rows.frame.to_native()
    table = table.drop_columns([name for name in (roles.time, roles.group) if name is not None])
    texts = tuple(
        field.name
        for field in table.schema
        if pa.types.is_string(field.type) and field.name not in roles.categorical
    )
    held = FrameRows(nw.from_native(table, eager_only=True), rows.style)
    for column, reading in look_at_texts(held, texts, roles.numeric).items():
        if reading.doubt:
            warnings.warn(reading.doubt, TableWarning, stacklevel=2)
        if reading.column is not None:
            cells = table[column].combine_chunks()
            values = pa.array(reading.column.format.read(cells).values, from_pandas=True)
            table = table.set_column(table.column_names.index(column), column, values)
    return _as_told(table, roles), labels, name


def _as_told(table: pa.Table, roles: Roles) -> pa.Table:
    """Give columns the types that say what their values do not: categories, and measurements."""
    kinds = dict.fromkeys(roles.categorical, pa.dictionary(pa.int32(), pa.string()))
    kinds |= dict.fromkeys(roles.numeric, pa.float64())
    for column, dtype in kinds.items():
        place = table.column_names.index(column)
        if pa.types.is_dictionary(dtype):
            told = table[column].cast(pa.string()).dictionary_encode()
        else:
            told = table[column].cast(dtype, safe=False)
        table = table.set_column(place, column, told)
    return table


def _texts(source: TableFile, roles: Roles, label: tuple[str, ...]) -> tuple[str, ...]:
    """Columns that are read as text: also those that a Parquet file holds as categories."""
    texts = label + roles.categorical
    if not isinstance(source, TypedTable):
        return texts
    return texts + tuple(field.name for field in source.schema if is_text(field.type))


def labels_of(rows: FrameRows | StreamRows, roles: Roles, source: str) -> np.ndarray:
    """Say which rows are anomalies, some rows at a time.

    Parameters
    ----------
    rows : FrameRows or StreamRows
        With the label column, as text.
    roles : Roles
        With a label.
    source : str
        How messages call the table.

    Raises
    ------
    InputError
        If a label is missing or cannot be read, or no row has one that is said to be normal.
    """
    name = roles.label
    assert name is not None, "asked only where there is a label"
    pieces: Iterator[pa.ChunkedArray] = iter(())
    if isinstance(rows, StreamRows):
        pieces = (
            pa.chunked_array([piece.column(0)]) for piece in rows.only((name,)).record_batches()
        )
    else:
        pieces = iter([rows.frame.to_native()[name]])
    parts, seen, start = [], pa.chunked_array([pa.array([], pa.string())]), 0
    for piece in pieces:
        parts.append(anomalies_of(piece, name, roles.normal, source, start))
        seen = pa.chunked_array([*seen.chunks, piece.unique()]).unique()
        seen = pa.chunked_array([seen])
        start += len(piece)
    labels = np.concatenate(parts)
    check_some_normal(labels, seen, name, roles.normal, source)
    return labels
