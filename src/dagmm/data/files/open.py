"""One way to open a table, whatever its format."""

from dagmm.data.base import TableStyle
from dagmm.data.files.arrow import ARROW_SUFFIXES, ArrowTable
from dagmm.data.files.base import TableFile, TableOptions, TypedTable
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.parquet import (
    PARQUET_SUFFIXES,
    ParquetFolder,
    ParquetTable,
    parquet_files,
)
from dagmm.data.files.source import (
    ARROW_MAGIC,
    ARROW_STREAM_MAGIC,
    PARQUET_MAGIC,
    Source,
)


def open_table(path: str, options: TableOptions | None = None) -> TableFile:
    """Open a file of any format, compressed or not, a folder of files, or standard input.

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
        table = _table_of(source, options.format or _format_of(path, source.magic), options)
        if isinstance(table, TypedTable):
            _say(table, options)
            table.check_rows()
        return table
    except BaseException:
        source.close()
        raise


def _table_of(source: Source, format: str, options: TableOptions) -> TableFile:
    if format == "parquet":
        return ParquetTable(source)
    if format == "arrow":
        return ArrowTable(source)
    return CSVTable(source, options)


def _format_of(path: str, magic: bytes) -> str:
    """Return the format of a file by its first bytes, or else its name."""
    if magic.startswith(PARQUET_MAGIC):
        return "parquet"
    if magic.startswith((ARROW_MAGIC, ARROW_STREAM_MAGIC)):
        return "arrow"
    if path.endswith(PARQUET_SUFFIXES):
        return "parquet"
    return "arrow" if path.endswith(ARROW_SUFFIXES) else "csv"


def _say(table: TypedTable, options: TableOptions) -> None:
    """Tell a table of types how texts in it are written."""
    table.style, table.na = TableStyle(options.thousands, options.decimal), options.na
