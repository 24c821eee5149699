"""Rows of files: what a user passes as a path."""

import os
import weakref
from pathlib import Path

import narwhals as nw
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.base import Rows
from dagmm.data.files.base import TableFile, TypedTable
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.csv_spool import SpooledCSV, typed_csv
from dagmm.data.files.folder import table_files
from dagmm.data.files.open import open_table
from dagmm.data.files.several import CSVFiles
from dagmm.data.files.source import STANDARD
from dagmm.data.frames import FrameRows
from dagmm.data.streams import DatasetSource, StreamRows, is_dataset


def stored_rows(table: object) -> Rows | None:
    """Return rows of a path, of an Arrow dataset or of an open table; None for anything else.

    Parameters
    ----------
    table : object
        A path, as a text or a ``Path``, of a file of CSV, Parquet, Arrow, JSON or Excel, or of a
        folder of such files; or a ``pyarrow.dataset.Dataset``.

    Raises
    ------
    InputError
        If there is no such table, or it cannot be read.
    """
    if isinstance(table, Rows):
        return table
    if is_dataset(table):
        return StreamRows(DatasetSource(table))
    if not isinstance(table, str | os.PathLike):
        return None
    path = os.fspath(table)
    if not isinstance(path, str):
        raise InputError(f"X must be a table or the path of one as a text, got {path!r}.")
    _check_path(path)
    return rows_in(open_table(path))


def rows_in(
    table: TableFile, names: tuple[str, ...] | None = None, texts: tuple[str, ...] = ()
) -> StreamRows | FrameRows:
    """Return the rows of an open table, which closes when nobody reads them any longer.

    Parameters
    ----------
    table : TableFile
    names : tuple of str, optional
        The columns to read; by default all.
    texts : tuple of str
        Columns among them to be read as text, whatever they hold.
    """
    names = table.columns if names is None else names
    if isinstance(table, CSVFiles):
        table = SpooledCSV(table, names, texts)
    elif isinstance(table, CSVTable):
        with table:
            typed = typed_csv(table, names, texts)
        if isinstance(typed, pa.Table):
            return FrameRows(nw.from_native(typed, eager_only=True), table.style)
        table = typed
    assert isinstance(table, TypedTable), "a table is CSV or has types"
    rows = StreamRows(table, names, texts, style=table.style, na=table.na)
    weakref.finalize(rows, table.close)
    return rows


def _check_path(path: str) -> None:
    if path == STANDARD:
        raise InputError("X is '-'; standard input is read by the command alone, pass a path.")
    if Path(path).is_dir() and not table_files(path):
        raise InputError(
            f"{path!r} is a folder without tables, such as *.parquet and *.csv; expected those, "
            "or the path of a file. A folder of images is read with "
            "dagmm.datasets.image_folder(path)."
        )
