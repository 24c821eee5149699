"""Tables in files whose way of writing is said, for what takes a table."""

import os
from collections.abc import Sequence

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.frames import FrameRows
from dagmm.data.paths import rows_in
from dagmm.data.streams import StreamRows


def read_table(
    *paths: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    format: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    skip_rows: int | None = None,
    units_row: bool | None = None,
    na: Sequence[str] = (),
) -> StreamRows | FrameRows:
    r"""Open tables in files, where a path alone does not say enough.

    Everything that is not said is found out, as it is for a path, and as the command does.

    Parameters
    ----------
    *paths : path-like
        Files of CSV, Parquet, Arrow, JSON or Excel, or folders of them; several are one table.
    columns : sequence of str, optional
        The columns to read; by default all.
    format : {"csv", "parquet", "arrow", "json", "excel"}, optional
    encoding : str, optional
        Of CSV and JSON, such as cp932.
    sheet : str, optional
        Of an Excel workbook, by its name or its number from 1 on.
    delimiter : str, optional
        Of CSV.
    header : bool, optional
        Whether the first row of CSV names the columns.
    decimal : {".", ","}, optional
    thousands : {",", ".", " ", "'"}, optional
    skip_rows : int, optional
        Lines before the header.
    units_row : bool, optional
        Whether the row below the header holds units.
    na : sequence of str
        Texts that stand for holes.

    Returns
    -------
    object
        Goes wherever a table does: ``detector.fit(read_table("t.csv", encoding="cp932"))``.

    Raises
    ------
    ArgumentError
        If an argument is wrong, or a column is not there.
    InputError
        If there is no such table, or it cannot be read.
    MissingExtraError
        For a workbook, without the ``excel`` extra.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from dagmm.datasets import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "logger.csv")
    ...     _ = path.write_text("time;flow\n;l/min\n0;1,5\n1;1,7\n")
    ...     rows = read_table(path, units_row=True, decimal=",")
    ...     print(rows.names, rows.n_rows)
    ('time', 'flow') 2
    """
    if not paths:
        raise ArgumentError("read_table needs the path of a table.")
    options = TableOptions(
        format,
        delimiter,
        header,
        encoding,
        decimal,
        skip_rows,
        units_row,
        tuple(na),
        thousands,
        sheet,
    )
    table = open_table(tuple(os.fspath(path) for path in paths), options)
    try:
        for name in columns or ():
            if name not in table.columns:
                raise ArgumentError(
                    f"{table.name} has no column {name!r}. {near(name, table.columns)}"
                )
        return rows_in(table, None if columns is None else tuple(columns))
    except BaseException:
        table.close()
        raise
