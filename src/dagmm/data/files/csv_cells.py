"""Cells of a CSV column: bytes to text and numbers, and the first that cannot be one."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from dagmm._core.errors import InputError
from dagmm.data.files.source import advice

#: Cells that count as holes among numbers: the same when a table is fitted and when it is scored.
HOLES = tuple(arrow_csv.ConvertOptions().null_values)


@dataclass(frozen=True)
class Place:
    """Where cells come from.

    Parameters
    ----------
    table, column : str
    first_row : int
        Number of the first cell's row.
    lines_before : int
        Line of row 0.
    """

    table: str
    column: str
    first_row: int
    lines_before: int

    def wrong(self, index: int, expected: str, got: object, advice: str = "") -> InputError:
        """Return the error for one cell."""
        end = f"; {advice}." if advice else "."
        row = self.first_row + index
        text = repr(got) if len(repr(got)) <= 60 else repr(got)[:60] + "..."
        return InputError(
            f"{self.table}: column {self.column!r}, row {row} (line {self.lines_before + row}): "
            f"expected {expected}, got {text}{end}"
        )


def text_of(cells: pa.Array, place: Place) -> pa.Array:
    """Decode cells.

    Raises
    ------
    InputError
        Naming the first that is not UTF-8.
    """
    try:
        return cells.cast(pa.string())
    except pa.ArrowInvalid as error:
        index = _first_unreadable(cells, bytes.decode)
        bad = cells[index].as_py()
        raise place.wrong(index, "text in UTF-8", bad, advice(bad)) from error


def numbers_of(cells: pa.Array, place: Place, decimal: str = ".") -> pa.Array:
    """Read cells as float64; an empty cell, NA and their like are null, true and false 1 and 0.

    Parameters
    ----------
    cells : pyarrow.Array
        Bytes.
    place : Place
    decimal : {".", ","}
        Decimal mark.

    Raises
    ------
    InputError
        Naming the first that is not a number.
    """
    written = text = text_of(cells, place)
    if decimal == ",":
        # A point is no decimal mark then, and no number has one.
        text = pc.replace_substring(pc.replace_substring(written, ".", "?"), ",", ".")
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        return _unusual_numbers(text, written, place)


def read_number(cell: str) -> float | None:
    """Read one cell as :func:`numbers_of` does; None where it is no number or a hole."""
    try:
        value: float | None = _tidy(pa.array([cell])).cast(pa.float64())[0].as_py()
    except pa.ArrowInvalid:
        return None
    return value


def _unusual_numbers(text: pa.Array, written: pa.Array, place: Place) -> pa.Array:
    tidy = _tidy(text)
    try:
        return tidy.cast(pa.float64())
    except pa.ArrowInvalid:
        pass
    try:
        return tidy.cast(pa.int64()).cast(pa.float64())  # hexadecimal
    except pa.ArrowInvalid as error:
        index = _first_unreadable(tidy, lambda cell: pa.scalar(cell).cast(pa.float64()))
        raise place.wrong(index, "a number", written[index].as_py()) from error


def _tidy(text: pa.Array) -> pa.Array:
    text = pc.utf8_trim_whitespace(text)
    text = pc.if_else(pc.is_in(text, pa.array(HOLES)), None, text)
    lower = pc.utf8_lower(text)
    text = pc.if_else(pc.equal(lower, "true"), "1", text)
    return pc.if_else(pc.equal(lower, "false"), "0", text)


def _first_unreadable(cells: pa.Array, read: Callable[..., object]) -> int:
    for i, cell in enumerate(cells.to_pylist()):
        try:
            if cell is not None:
                read(cell)
        except (UnicodeDecodeError, pa.ArrowInvalid):
            return i
    return 0  # each is readable but all together are not: decimals among hexadecimal numbers
