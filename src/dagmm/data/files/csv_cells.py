"""Cells of a CSV column: bytes to text and numbers, and the first that cannot be one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from dagmm._core.errors import InputError
from dagmm.data.files.base import without_marks
from dagmm.data.files.encoding import advice
from dagmm.data.number_text.cell_counts import CellCounts
from dagmm.data.number_text.number_format import PLAIN, NumberFormat
from dagmm.data.number_text.number_search import find_format

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


def numbers_of(
    cells: pa.Array, place: Place, form: NumberFormat = PLAIN, na: tuple[str, ...] = ()
) -> pa.Array:
    """Read cells as float64; empty cells and marks of holes are null, true and false 1 and 0.

    Parameters
    ----------
    cells : pyarrow.Array
        Bytes.
    place : Place
    form : NumberFormat
        How numbers of this file are written.
    na : tuple of str
        Other texts that stand for holes.

    Raises
    ------
    InputError
        Naming the first that is not a number.
    """
    text = without_marks(text_of(cells, place), na)
    try:
        # With a decimal comma, a point is no decimal mark, and no number has one.
        return (_with_points(text) if form.decimal == "," else text).cast(pa.float64())
    except pa.ArrowInvalid:
        return _unusual_numbers(text, place, form)


def read_number(cell: str) -> float | None:
    """Read one cell as :func:`numbers_of` does; None where it is no number or a hole."""
    try:
        value: float | None = _tidy(pa.array([cell])).cast(pa.float64())[0].as_py()
    except pa.ArrowInvalid:
        return None
    return value


def _unusual_numbers(text: pa.Array, place: Place, form: NumberFormat) -> pa.Array:
    tidy = _tidy(_with_points(text) if form.decimal == "," else text)
    for dtype in (pa.float64(), pa.int64()):  # the second for hexadecimal numbers
        try:
            return tidy.cast(dtype).cast(pa.float64())
        except pa.ArrowInvalid:
            pass
    read = form.read(text)
    values = pa.array(read.values, from_pandas=True)
    if not read.unreadable.any():
        return values
    # What is left is infinite, true or false, or cannot be read.
    places = np.flatnonzero(read.unreadable)
    left = tidy.take(pa.array(places))
    try:
        others = left.cast(pa.float64())
    except pa.ArrowInvalid as error:
        index = int(places[_first_unreadable(left, _read_one)])
        bad = text[index].as_py()
        raise place.wrong(index, "a number", bad, _remedy(bad)) from error
    return pc.replace_with_mask(values, pa.array(read.unreadable), others)


def _with_points(text: pa.Array) -> pa.Array:
    return pc.replace_substring(pc.replace_substring(text, ".", "?"), ",", ".")


def _read_one(cell: str) -> object:
    return pa.scalar(cell).cast(pa.float64())


def _remedy(cell: str) -> str:
    """Say what to do about a cell that is no number."""
    if find_format(CellCounts.of(pa.array([cell]), 0)) is not None:
        return (
            "this model was fitted on numbers that are written otherwise; convert it, or say "
            "what its commas and points are with --thousands and --decimal"
        )
    return f"correct it, or say --na {cell!r} if it stands for a hole"


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
