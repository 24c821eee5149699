"""One way to open a table, whatever its format."""

from dagmm.data.base import TableStyle
from dagmm.data.files.base import TableFile, TableOptions, TypedTable
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.parquet import (
    PARQUET_SUFFIXES,
    ParquetFolder,
    ParquetTable,
    parquet_files,
)
from dagmm.data.files.source import PARQUET_MAGIC, Source


def open_table(path: str, options: TableOptions | None = None) -> TableFile:
    """Open a CSV or Parquet file, gzipped or not, a folder of Parquet files, or standard input.

    Parameters
    ----------
    path : str
        ``"-"`` is standard input.
    options : TableOptions, optional

    Returns
    -------
    TableFile
        To be used in a ``with`` statement.

    Raises
    ------
    InputError
        If there is no such table, or it cannot be read.
    """
    options = options or TableOptions()
    if parquet_files(path):
        folder = ParquetFolder(path)
        _say(folder, options)
        folder.check_rows()
        return folder
    source = Source(path)
    try:
        is_parquet = source.magic.startswith(PARQUET_MAGIC) or path.endswith(PARQUET_SUFFIXES)
        if options.format == "parquet" or (options.format is None and is_parquet):
            table = ParquetTable(source)
            _say(table, options)
            table.check_rows()
            return table
        return CSVTable(source, options)
    except BaseException:
        source.close()
        raise


def _say(table: TypedTable, options: TableOptions) -> None:
    """Tell a table of types how texts in it are written."""
    table.style, table.na = TableStyle(options.thousands, options.decimal), options.na
