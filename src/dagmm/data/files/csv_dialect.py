"""How a CSV file is written: delimiter, header, names of the columns."""

import contextlib
import csv
import io
import itertools
import re
from dataclasses import dataclass

from dagmm._core.errors import InputError
from dagmm.data.files.base import TableOptions
from dagmm.data.files.source import Source, advice

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
    """

    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    newline: bytes
    header_lines: int
    sample: bytes
    decimal: str


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
    delimiter = options.delimiter or _delimiter_of(lines)
    first, n_lines = _first_record(source, lines, delimiter)
    decimal = options.decimal or _decimal_of(lines, delimiter)
    has_header = options.header
    if has_header is None:
        has_header = not any(_NUMBER[decimal].fullmatch(cell) for cell in first)
    if not has_header:
        columns = tuple(f"x{i}" for i in range(len(first)))
        return Dialect(delimiter, False, columns, newline, 0, sample, decimal)
    columns = tuple(cell or f"x{i}" for i, cell in enumerate(first))
    size = sum(len(line.encode()) for line in lines[:n_lines])
    return Dialect(delimiter, True, columns, newline, n_lines, sample[size:], decimal)


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
        raise InputError(f"{source.name} is empty; expected a table in CSV or Parquet.")
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
    raise InputError(f"{source.name} has no rows; expected a table in CSV or Parquet.")
