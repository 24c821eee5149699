"""Sheets of Excel workbooks, and of OpenDocument: written as CSV, and read as that is."""

import csv
import datetime
import io
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any

from dagmm._core.arguments import near
from dagmm._core.errors import InputError, MissingExtraError, TableWarning
from dagmm.data.files.base import TableOptions
from dagmm.data.files.csv import CSVTable
from dagmm.data.files.source import Source

#: From here on not every whole number has a float64 of its own.
_LAST_WHOLE = 2.0**53
_DATETIME = datetime.datetime


class ExcelTable(CSVTable):
    """One sheet of a workbook: lines before its header, and a row of units, are found as in CSV.

    Parameters
    ----------
    source : Source
        Taken over, and closed with the table.
    options : TableOptions

    Raises
    ------
    InputError
        If it is no workbook, or has no such sheet.
    MissingExtraError
        Without python-calamine.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        self._workbook = source
        names, name, rows = _read_sheet(source, options.sheet)
        if options.sheet is None and len(names) > 1:
            warnings.warn(
                f"{source.name} has {len(names)} sheets, of which the first is read, {name!r}; "
                f"say --sheet {names[1]!r} to read another, or --sheet {name!r} to leave out this "
                "note.",
                TableWarning,
                stacklevel=2,
            )
        # Cells that are text keep their commas: what these are, each column tells.
        how = replace(options, delimiter=",", encoding="utf-8", decimal=None)
        text: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the table
        try:
            _write_csv(rows, text)
            super().__init__(_SheetSource(source.name, text), how)
        except BaseException:
            text.close()
            raise
        self.style = self.style._replace(decimal=options.decimal)
        _, layout = self.description.split("-separated", 1)
        self.description = f"Excel, sheet {name!r}{layout}"

    def close(self) -> None:
        """Close the workbook, and the temporary file of its sheet, which removes it."""
        super().close()
        self._workbook.close()


class _SheetSource(Source):
    """The text of a sheet, in a temporary file."""

    def __init__(self, name: str, text: IO[bytes]) -> None:
        self.name, self.magic = name, b""
        self.closed, self.compression, self.is_live = False, None, False
        self._path = self._archive = self._spool = None
        self._raw, self._is_file = text, True
        self._stream = text


def _read_sheet(source: Source, wanted: str | None) -> tuple[list[str], str, list[list[Any]]]:
    """Return the names of all sheets that hold cells, that of the wanted one, and its rows."""
    calamine = _calamine(source.name)
    try:
        book = calamine.load_workbook(source.seekable())
        sheets = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == calamine.SheetTypeEnum.WorkSheet
            and sheet.visible == calamine.SheetVisibleEnum.Visible
        ]
        name = _chosen(source.name, sheets, book.sheet_names, wanted)
        return sheets, name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except calamine.PasswordError as error:
        raise InputError(
            f"{source.name} is a workbook with a password; save it without one."
        ) from error
    except calamine.CalamineError as error:
        raise InputError(
            f"{source.name} is not a whole Excel workbook ({error}); copy it again."
        ) from error


def _chosen(book: str, sheets: list[str], all_sheets: list[str], wanted: str | None) -> str:
    if wanted is None and sheets:
        return sheets[0]
    if wanted in all_sheets:
        return wanted
    if wanted is not None and wanted.isdecimal() and 1 <= int(wanted) <= len(sheets):
        return sheets[int(wanted) - 1]
    if wanted is None:
        raise InputError(f"{book} has no sheet with cells; expected a table.")
    raise InputError(f"{book} has no sheet {wanted!r}. {near(wanted, all_sheets)}")


def _calamine(name: str) -> Any:
    try:
        import python_calamine
    except ImportError as error:
        raise MissingExtraError(
            f"{name} is an Excel workbook, and reading it needs the 'excel' extra: "
            'pip install "dagmm[excel]". Or save it as CSV UTF-8.'
        ) from error
    return python_calamine


def _write_csv(rows: list[list[Any]], target: IO[bytes]) -> None:
    """Write the cells of a sheet, a line for each row of it up to the last that has cells."""
    # A time of midnight comes as a date, also among times of the same column.
    clocks = {i for row in rows for i, cell in enumerate(row) if isinstance(cell, _DATETIME)}
    cells = [[_text_of(cell, i in clocks) for i, cell in enumerate(row)] for row in rows]
    used = [i for row in cells for i, cell in enumerate(row) if cell]
    first, end = min(used, default=0), max(used, default=-1) + 1
    cells = [row[first:end] for row in cells]
    while cells and not any(cells[-1]):
        cells.pop()
    n_before = _lines_before(cells, end - first)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for i, row in enumerate(cells):
        # A title is one cell, and not as wide as the table below it.
        writer.writerow(_trimmed(row) if i < n_before or not any(row) else row)
    target.write(out.getvalue().encode("utf-8", "replace"))
    target.seek(0)


def _lines_before(cells: Sequence[Sequence[str]], width: int) -> int:
    """Return how many rows stand above the first that fills more than half of the table."""
    filled = (i for i, row in enumerate(cells) if 2 * sum(map(bool, row)) > width)
    return next(filled, 0)


def _trimmed(row: list[str]) -> list[str]:
    end = max((i for i, cell in enumerate(row) if cell), default=-1) + 1
    return row[:end]


def _text_of(cell: Any, is_clock: bool = False) -> str:
    """Write a cell as CSV has it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        is_whole = cell.is_integer() and abs(cell) < _LAST_WHOLE
        return str(int(cell)) if is_whole else repr(cell)
    if isinstance(cell, datetime.date) and is_clock and not isinstance(cell, _DATETIME):
        cell = _DATETIME.combine(cell, datetime.time())
    if isinstance(cell, _DATETIME):
        return cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    if isinstance(cell, datetime.timedelta):
        return _text_of(cell.total_seconds())
    return str(cell)
