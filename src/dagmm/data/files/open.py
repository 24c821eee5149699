"""One way to open a table, whatever its format."""

from functools import partial

from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.wording import named
from dagmm.data.base import TableStyle
from dagmm.data.files.arrow import ARROW_SUFFIXES, ArrowTable
from dagmm.data.files.arrow_content import check_arrow_content
from dagmm.data.files.base import TableFile, TableOptions, TypedTable
from dagmm.data.files.compression import without_codec
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.excel import ExcelTable
from dagmm.data.files.folder import Paths, files_of, parquet_files, table_files
from dagmm.data.files.json_lines import JSON_SUFFIXES, JSONTable, is_json
from dagmm.data.files.json_stream import JSONStream
from dagmm.data.files.live import Incoming, LiveStream
from dagmm.data.files.parquet import PARQUET_SUFFIXES, ParquetTable
from dagmm.data.files.several import one_table
from dagmm.data.files.source import (
    ARROW_MAGIC,
    ARROW_STREAM_MAGIC,
    PARQUET_MAGIC,
    WORKBOOK_MAGIC,
    Source,
)

#: How much is looked at to tell JSON from CSV.
_SAMPLE_BYTES = 2**16


def open_table(path: Paths, options: TableOptions | None = None) -> TableFile:
    """Open a file of any format, compressed or not, a folder of files, or standard input.

    Parameters
    ----------
    path : str or tuple of str
        ``"-"`` is standard input. Several are one table, as are the files of a folder.
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
    paths = (path,) if isinstance(path, str) else path
    files = files_of(paths) if len(paths) > 1 else table_files(paths[0]) or [paths[0]]
    is_parquet_folder = len(paths) == 1 and bool(parquet_files(paths[0]))
    if len(files) > 1 or is_parquet_folder:
        name = repr(paths[0]) if len(paths) == 1 else f"{files[0]!r} and {len(files) - 1} more"
        # The parts of a Parquet folder are one table to whoever wrote it.
        table = one_table(name, files, partial(_open_file, options=options), not is_parquet_folder)
    else:
        table = _open_file(files[0], options)
    return _checked(table, options) if isinstance(table, TypedTable) else table


def open_live(
    incoming: Incoming,
    path: str,
    options: TableOptions,
    n_lines: int,
    *,
    is_endless: bool = False,
) -> TableFile:
    """Open a table that comes while it is read; of CSV and JSON lines each row is read at once.

    Parameters
    ----------
    incoming : Incoming
        Taken over, and closed with the table.
    path : str
        What it is called; ``"-"`` is standard input.
    options : TableOptions
    n_lines : int
        How many lines tell how CSV is written: those before the header, the header, and one row.
    is_endless : bool
        Whether to refuse what is read only when its end has come.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    source = Source(path, live=LiveStream(incoming, n_lines))
    try:
        # What is compressed is not asked for its format: that would wait for all of it.
        format = "" if is_endless and not source.is_live else options.format
        format = _format_of(path, source) if format is None else format
        is_lines = source.is_live and source.peek(_SAMPLE_BYTES).lstrip().startswith(b"{")
        if format == "json" and is_lines:
            return JSONStream(source, options)
        if is_endless and format != "csv":
            raise InputError(
                f"{source.name} is neither CSV nor JSON lines, or is compressed; only these two "
                "can be followed as they grow."
            )
        table = _table_of(source, format, options)
    except BaseException:
        source.close()
        raise
    return _checked(table, options) if isinstance(table, TypedTable) else table


def open_content(content: bytes, name: str, options: TableOptions) -> TableFile:
    """Open a table that is in memory and comes from anywhere: CSV or Arrow.

    Parameters
    ----------
    content : bytes
        Taken as it is: what is compressed is not decompressed.
    name : str
        How messages call it.
    options : TableOptions
        With a format.

    Raises
    ------
    InputError
        If it is no such table, or Arrow that is compressed.
    """
    source = Source(name, content)
    if options.format == "arrow":
        check_arrow_content(content, name)
        table = ArrowTable(source)
        return _checked(table, options)
    return CSVTable(source, options)


def _open_file(path: str, options: TableOptions) -> TableFile:
    source = Source(path)
    try:
        return _table_of(source, options.format or _format_of(path, source), options)
    except BaseException:
        source.close()
        raise


def _table_of(source: Source, format: str, options: TableOptions) -> TableFile:
    if options.sheet is not None and format != "excel":
        raise ArgumentError(
            f"{named('sheet')} is of Excel workbooks, and {source.name} is none; leave it out."
        )
    if format == "parquet":
        return ParquetTable(source)
    if format == "arrow":
        return ArrowTable(source)
    if format == "json":
        return JSONTable(source, options)
    if format == "excel":
        return ExcelTable(source, options)
    return CSVTable(source, options)


def _format_of(path: str, source: Source) -> str:
    """Return the format of a file by its first bytes, or else its name."""
    if source.magic.startswith(PARQUET_MAGIC):
        return "parquet"
    if source.magic.startswith((ARROW_MAGIC, ARROW_STREAM_MAGIC)):
        return "arrow"
    if source.magic.startswith(WORKBOOK_MAGIC):
        return "excel"
    name = without_codec(path)
    if name.endswith(JSON_SUFFIXES) or is_json(source.peek(_SAMPLE_BYTES)):
        return "json"
    if name.endswith(PARQUET_SUFFIXES):
        return "parquet"
    return "arrow" if name.endswith(ARROW_SUFFIXES) else "csv"


def _checked(table: TypedTable, options: TableOptions) -> TypedTable:
    """Tell a table of types how texts in it are written, and check that it has rows."""
    table.style, table.na = TableStyle(options.thousands, options.decimal), options.na
    try:
        table.check_rows()
    except InputError:
        table.close()
        raise
    return table
