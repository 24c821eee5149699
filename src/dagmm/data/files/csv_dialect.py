"""How a CSV file is written: delimiter, header, names of the columns."""

import contextlib
import csv
import io
import itertools
import re
from dataclasses import dataclass

from dagmm._core.errors import InputError
from dagmm.data.files.base import TableOptions
from dagmm.data.files.csv_layout import MOST_PREAMBLE, Record, find_preamble, unit_of, units_in
from dagmm.data.files.csv_quotes import find_stray
from dagmm.data.files.encoding import advice
from dagmm.data.files.source import Source

DELIMITERS = (",", ";", "\t", "|")

#: How much of a file is looked at, and how much more at most until one line is complete.
_SAMPLE_BYTES = 2**16
_LONGEST_HEADER = 2**26
_SAMPLE_ROWS = 50
_BOM = b"\xef\xbb\xbf"
#: Numbers by their decimal mark.
_NUMBER = {
    mark: re.compile(rf"\s*[+-]?(\d+{re.escape(mark)}?\d*|{re.escape(mark)}\d+)([eE][+-]?\d+)?\s*")
    for mark in (".", ",")
}
#: A comma that can be no mark of thousands.
_DECIMAL_COMMA = re.compile(r"\s*[+-]?(\d*,(\d{1,2}|\d{4,})|0,\d+)([eE][+-]?\d+)?\s*")
_DECIMAL_POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class Dialect:
    """What was found out, or said, about a CSV file.

    Parameters
    ----------
    delimiter : str
    has_header : bool
    columns : tuple of str
    newline : bytes
        What ends a line.
    header_lines : int
    sample : bytes
        What was read of the file, without the header.
    decimal : {".", ","}
    units : tuple of (str, str)
        Columns and their units, where a row below the header names them.
    doubts : tuple of str
        What was found out and could be otherwise, for the user.
    """

    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    newline: bytes
    header_lines: int
    sample: bytes
    decimal: str
    units: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()


def detect(source: Source, options: TableOptions) -> Dialect:
    """Read the beginning of a CSV file.

    Raises
    ------
    InputError
        If there is no row, or the first is not UTF-8.
    """
    sample, is_whole = _read_sample(source)
    newline = b"\n" if b"\n" in sample or b"\r" not in sample else b"\r"
    lines = _lines(source, sample, is_whole, newline)
    skipped, said, doubts = _skipped(source, lines, options)
    before, lines = lines[:skipped], lines[skipped:]
    delimiter = options.delimiter or said or _delimiter_of(lines)
    first, n_lines = _first_record(source, lines, delimiter)
    decimal = options.decimal or _decimal_of(lines, delimiter)
    has_header = options.header
    if has_header is None:
        has_header = not any(_NUMBER[decimal].fullmatch(cell) for cell in first)
    if not has_header:
        columns = tuple(f"x{i}" for i in range(len(first)))
        n_lines = 0
    else:
        columns = tuple(cell or f"x{i}" for i, cell in enumerate(first))
        _check_header(source, "".join(lines[:n_lines]), delimiter, skipped)
    units: tuple[tuple[str, str], ...] = ()
    if has_header and options.units_row is not False:
        n_units, row = _units_below(lines[n_lines:], delimiter, options.units_row)
        if n_units:
            found = [(name, unit_of(cell)) for name, cell in zip(columns, row, strict=False)]
            units = tuple((name, unit) for name, unit in found if unit)
            n_lines += n_units
        if n_units and options.units_row is None:
            doubts.append(
                f"{source.name}: line {skipped + n_lines} ({_shown(delimiter.join(row))}) is "
                "taken for the units of the columns and is no row; say --no-units-row if it is "
                "one, or --units-row to leave out this note."
            )
    size = sum(len(line.encode()) for line in [*before, *lines[:n_lines]])
    return Dialect(
        delimiter,
        has_header,
        columns,
        newline,
        skipped + n_lines,
        sample[size:],
        decimal,
        units,
        tuple(doubts),
    )


def _skipped(
    source: Source, lines: list[str], options: TableOptions
) -> tuple[int, str | None, list[str]]:
    """Return how many lines stand before the header, what separates cells below, and doubts."""
    if options.skip_rows is not None:
        if options.skip_rows >= len(lines):
            raise InputError(
                f"{source.name} has {len(lines)} lines at its beginning, of which skip_rows "
                f"leaves out {options.skip_rows}; say a smaller number."
            )
        return options.skip_rows, None, []
    if options.header is False:
        return 0, None, []
    marks = (options.delimiter,) if options.delimiter else DELIMITERS
    records = {mark: _records(lines, mark) for mark in marks}
    preamble = find_preamble(records)
    if not preamble.n_records:
        return 0, None, []
    n_lines = records[preamble.delimiter][preamble.n_records].n_lines_before
    doubt = (
        f"{source.name}: the first {n_lines} lines ({_shown(lines[0].strip())}) are no part of "
        f"the table, whose header is line {n_lines + 1}; say --skip-rows {n_lines} to leave out "
        "this note, or --skip-rows 0 if they are."
    )
    return n_lines, preamble.delimiter, [doubt]


def _records(lines: list[str], delimiter: str) -> list[Record]:
    """Return the first records that are not blank."""
    found: list[Record] = []
    before, is_after_blank = 0, False
    reader = csv.reader(lines, delimiter=delimiter)
    with contextlib.suppress(csv.Error):
        for record in reader:
            is_blank = not any(cell.strip() for cell in record)
            if record and not is_blank:
                found.append(Record(record, before, is_after_blank))
            before, is_after_blank = reader.line_num, is_blank
            if len(found) == MOST_PREAMBLE + _SAMPLE_ROWS:
                break
    # The sample may end inside a quoted cell, which makes its last record look short.
    return found[:-1] if len(found) > _SAMPLE_ROWS else found


def _units_below(lines: list[str], delimiter: str, said: bool | None) -> tuple[int, list[str]]:
    """Return how many lines below the header a row of units ends, and its cells."""
    records = _records(lines[:_SAMPLE_ROWS], delimiter)
    if not records:
        return 0, []
    first, *after = records
    if not said and not units_in(first.cells, [record.cells for record in after]):
        return 0, []
    # Up to the next row, so that blank lines go with it.
    return after[0].n_lines_before if after else len(lines), first.cells


def _check_header(source: Source, header: str, delimiter: str, skipped: int) -> None:
    """Check that no quote of the header takes rows with it."""
    stray = find_stray(header.encode(), delimiter, b"\n", None)
    if stray is not None:
        raise InputError(
            f"{source.name}: a quote is opened in line {skipped + stray.lines_before + 1}, in the "
            "header, and not closed there; close it, or double it where it is part of a name."
        )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _read_sample(source: Source) -> tuple[bytes, bool]:
    """Bytes with at least one line in them, unless the file ends before."""
    sample = source.read(_SAMPLE_BYTES)
    wanted = len(sample) if len(sample) == _SAMPLE_BYTES else 0
    while wanted and b"\n" not in sample and b"\r" not in sample and wanted < _LONGEST_HEADER:
        more = source.read(wanted)
        sample += more
        wanted = 2 * wanted if more else 0
    sample = sample.removeprefix(_BOM)
    if not sample.strip():
        raise InputError(f"{source.name} is empty; expected a table.")
    return sample, not wanted


def _lines(source: Source, sample: bytes, is_whole: bool, newline: bytes) -> list[str]:
    """Return the complete lines of the sample, their ends included."""
    end = len(sample) if is_whole else sample.rfind(newline) + 1
    try:
        text = sample[: end or len(sample)].decode()
    except UnicodeDecodeError as error:
        # Rows are checked one by one later; here only the first has to be readable.
        end = sample.rfind(newline, 0, error.start) + 1
        if not sample[:end].strip():
            raise InputError(
                f"{source.name}: its first line is not UTF-8, it holds the byte "
                f"{sample[error.start : error.start + 1]!r}; {advice(sample)}."
            ) from error
        text = sample[:end].decode()
    return list(io.StringIO(text, newline="" if newline == b"\n" else "\r"))


def _delimiter_of(lines: list[str]) -> str:
    counts = {mark: _cell_counts(lines, mark) for mark in DELIMITERS}
    agreed = [mark for mark in DELIMITERS if len(set(counts[mark])) == 1 and counts[mark][0] > 1]
    for mark in agreed[1:]:
        # Commas that are all decimal marks separate nothing.
        if agreed[0] == "," and _has_decimal_commas(lines, mark):
            return mark
    # With no agreement some row is broken, and the first tells what was meant.
    return max(agreed or DELIMITERS, key=lambda mark: counts[mark][0] if counts[mark] else 0)


def _decimal_of(lines: list[str], delimiter: str) -> str:
    """Return a comma where some number has one and none has a point."""
    if delimiter == ",":
        return "."
    has_comma = False
    with contextlib.suppress(csv.Error):
        for record in itertools.islice(csv.reader(lines, delimiter=delimiter), _SAMPLE_ROWS):
            if any(_DECIMAL_POINT.fullmatch(cell) for cell in record):
                return "."
            has_comma = has_comma or any(_DECIMAL_COMMA.fullmatch(cell) for cell in record)
    return "," if has_comma else "."


def _has_decimal_commas(lines: list[str], delimiter: str) -> bool:
    """Whether each cell with a comma is a number."""
    with contextlib.suppress(csv.Error):
        records = itertools.islice(csv.reader(lines, delimiter=delimiter), _SAMPLE_ROWS)
        cells = [cell for record in records for cell in record if "," in cell]
        return all(_NUMBER[","].fullmatch(cell) for cell in cells)
    return False


def _cell_counts(lines: list[str], delimiter: str) -> list[int]:
    counts: list[int] = []
    try:
        for record in csv.reader(lines, delimiter=delimiter):
            if record:
                counts.append(len(record))
            if len(counts) == _SAMPLE_ROWS:
                break
    except csv.Error:
        return counts or [0]
    # The sample may end inside a quoted cell, which makes its last record look short.
    return counts[:-1] if len(counts) > 2 else counts


def _first_record(source: Source, lines: list[str], delimiter: str) -> tuple[list[str], int]:
    """Return the first record that is not blank, and the number of lines up to its end."""
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for record in reader:
            if record:
                return record, reader.line_num
    except csv.Error as error:
        raise InputError(f"{source.name}: its first line cannot be read: {error}.") from error
    raise InputError(f"{source.name} has no rows; expected a table.")
