"""Columns of text that hold numbers: with a unit, in groups of three, with marks of holes."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from dagmm._core.errors import ArgumentError, InputError, TableWarning
from dagmm._core.wording import given, is_option, named
from dagmm.data.base import Chunk, Rows, TablePass
from dagmm.data.number_text.cell_counts import CellCounts
from dagmm.data.number_text.number_format import PLAIN, NumberFormat
from dagmm.data.number_text.number_search import Found, find_format
from dagmm.preprocessing.columns.date_text import AMBIGUOUS


@dataclass(frozen=True)
class NumberTextColumn:
    """A column of text that is read as numbers.

    Parameters
    ----------
    name : str
    format : NumberFormat
        What is read; another unit is not.
    marks : tuple of (str, int)
        What stood for holes in the training rows, and how often; empty cells left out.
    """

    name: str
    format: NumberFormat
    marks: tuple[tuple[str, int], ...] = ()

    @property
    def in_words(self) -> str:
        """What was found beside numbers; empty if nothing was."""
        said = self.format.in_words()
        listed = ", ".join(f"{count} x {mark!r}" for mark, count in self.marks)
        holes = f"holes written as {listed}" if listed else ""
        return ", ".join(part for part in (said, holes) if part)


@dataclass(frozen=True)
class TextReading:
    """What the cells of a column of text turned out to be.

    Parameters
    ----------
    column : NumberTextColumn or None
        None where it stays text.
    is_whole : bool
        Whether it is read as whole numbers that wear nothing.
    nearly : str
        That it stays text although most cells are numbers, and why; empty where they are not.
    odd : str or None
        A cell that is no number where most are.
    ambiguous : str or None
        A date that can mean two days.
    doubt : str
        What a user should know of how it is read; empty if nothing.
    """

    column: NumberTextColumn | None
    is_whole: bool = False
    nearly: str = ""
    odd: str | None = None
    ambiguous: str | None = None
    doubt: str = ""


def look_at_texts(
    rows: Rows, names: tuple[str, ...], numeric: tuple[str, ...]
) -> dict[str, TextReading]:
    """Read columns of text once, and say which are numbers.

    Parameters
    ----------
    rows : Rows
    names : tuple of str
        The columns.
    numeric : tuple of str
        Those among them that are numbers, as the user says.

    Raises
    ------
    ArgumentError
        If a column of ``numeric`` cannot be read as numbers; a cell is named.
    """
    if not names:
        return {}

    job, counts = _CellPass(names), {name: CellCounts() for name in names}
    for found in rows.only(names).map_chunks(job):
        counts = job.merge(counts, found)
    return {name: _reading(name, counts[name], rows, name in numeric) for name in names}


@dataclass(frozen=True)
class _CellPass(TablePass[dict[str, CellCounts]]):
    """Looks at the cells of columns of text."""

    names: tuple[str, ...]

    def look(self, chunk: Chunk) -> dict[str, CellCounts]:
        return {name: CellCounts.of(chunk.text(name), chunk.start) for name in self.names}

    def merge(
        self, found: dict[str, CellCounts], later: dict[str, CellCounts]
    ) -> dict[str, CellCounts]:
        for name in self.names:
            found[name].merge(later[name])
        return found


def numbers_in(
    chunk: Chunk,
    names: tuple[str, ...],
    formats: Mapping[str, NumberFormat],
    *,
    is_training: bool = False,
) -> Float[np.ndarray, "n_rows n_names"]:
    """Return columns as numbers, also those that are written as text; a hole is NaN.

    Parameters
    ----------
    chunk : Chunk
    names : tuple of str
    formats : mapping of str to NumberFormat
        Of the columns that wear something; others are plain numbers, or marks of holes.
    is_training : bool, default=False
        Whether these are the rows that formats were found from: what is doubtful about them has
        been said.

    Returns
    -------
    ndarray of shape (n_rows, len(names))
        In float32 where all come in it.

    Raises
    ------
    InputError
        Naming column and row of the first cell that is no number of the column's format.
    """
    if not formats:
        try:
            return chunk.floats(names)
        except InputError:
            if not any(chunk.kind(name) == "text" for name in names):
                raise
    values = np.empty((chunk.n_rows, len(names)))
    for i, name in enumerate(names):
        form = formats.get(name, PLAIN)
        if chunk.kind(name) == "text":
            values[:, i] = _read(chunk, name, form, is_training)
        else:
            values[:, i] = chunk.numbers((name,))[:, 0]
            if form.unit and not is_training and not np.isnan(values[:, i]).all():
                _warn_of_bare(name, form)
    return values


def _read(chunk: Chunk, name: str, form: NumberFormat, is_training: bool) -> np.ndarray:
    texts = chunk.text(name)
    read = form.read(texts)
    if read.unreadable.any():
        said = form.in_words()
        if not said and read.unreadable.sum() == chunk.n_rows - texts.null_count:
            return chunk.numbers((name,))[:, 0]  # says what the column holds instead
        row = int(np.argmax(read.unreadable))
        cell = texts[row].as_py()
        raise InputError(
            f"column {name!r}, row {chunk.start + row}: expected a number{_bracketed(said)}, got "
            f"{cell!r}; convert it, or replace it by {hole_for(cell)} if it stands for a hole."
        )
    if read.bare.any() and not is_training:
        _warn_of_bare(name, form)
    return read.values


def _warn_of_bare(name: str, form: NumberFormat) -> None:
    # Without a row number, so that Python shows it once and not for each chunk.
    warnings.warn(
        f"column {name!r} holds numbers without a unit; they are taken to be in {form.unit}, as "
        "the training rows are. Convert them if they are not.",
        TableWarning,
        stacklevel=2,
    )


def _reading(name: str, counts: CellCounts, rows: Rows, is_told: bool) -> TextReading:
    style = rows.style
    found = find_format(counts, style.thousands, style.decimal, style.has_semicolons)
    if found is None or not found.n_read:
        if is_told:
            raise ArgumentError(
                f"{named('numeric')} names column {name!r}, which holds no numbers."
            )
        return _dates(name, counts)
    if is_told and found.odd is not None:
        like = _bracketed(found.format.in_words())
        raise ArgumentError(
            f"{named('numeric')} names column {name!r}, in which {found.odd.example!r} in row "
            f"{found.odd.row} is no number{like}; convert such cells, or replace them by "
            f"{hole_for(found.odd.example)} if they stand for holes."
        )
    if found.odd is None and (is_told or not found.is_code):
        marks = tuple((mark, n) for mark, n in counts.marks.items() if mark)
        column = NumberTextColumn(name, found.format, marks)
        is_plain = not found.format.unit and not found.format.thousands
        return TextReading(
            column, found.is_whole and is_plain, doubt=_doubt(name, found, counts, is_told)
        )
    if found.odd is None:
        return TextReading(None, nearly=_codes(name, found))
    n_others = counts.n_cells - counts.n_marks
    if 2 * counts.n_numbers <= n_others:
        return TextReading(None)
    return TextReading(None, nearly=_nearly(name, found, n_others), odd=found.odd.example)


def _dates(name: str, counts: CellCounts) -> TextReading:
    """Return the reading of text, with a word if its dates can be read in two ways."""
    if counts.others is None or not re.match(AMBIGUOUS, counts.others.example):
        return TextReading(None)
    example = counts.others.example
    return TextReading(
        None,
        nearly=f"column {name!r} is read as text: {example!r} in row {counts.others.row} is a "
        "date of which nobody can tell what is day, month and year. Pass "
        f"{given('time_format', '%d/%m/%y')}, write the year first with four digits, as in "
        f"2020-03-01, or pass {given('categorical', [name])} to read it as text without this "
        "warning.",
        ambiguous=example,
    )


def hole_for(cell: str) -> str:
    """Say what a hole is, and how the command is told that a cell stands for one."""
    return f"NaN ({given('na', cell)})" if is_option("na") else "NaN"


def _bracketed(said: str) -> str:
    return f" ({said})" if said else ""


def _nearly(name: str, found: Found, n_cells: int) -> str:
    assert found.odd is not None, "asked for only then"
    like = _bracketed(found.format.in_words())
    has_units = found.odd.row == 0 and is_option("units_row")
    return (
        f"column {name!r} is read as text: {found.n_read} of its {n_cells} cells are "
        f"numbers{like}, such as {found.example.example!r}, but {found.odd.example!r} in row "
        f"{found.odd.row} is none. Write all of them alike, or replace it by "
        f"{hole_for(found.odd.example)} if it stands for a hole; pass "
        f"{given('categorical', [name])} to read the column as text without this warning."
        + (" If the first row holds units, say --units-row." if has_units else "")
    )


def _codes(name: str, found: Found) -> str:
    return (
        f"column {name!r} is read as text: its numbers begin with zeros, such as "
        f"{found.example.example!r} in row {found.example.row}, as codes do. Pass "
        f"{given('numeric', [name])} to read them as numbers, or {given('categorical', [name])} "
        "to read them as text without this warning."
    )


def _doubt(name: str, found: Found, counts: CellCounts, is_told: bool) -> str:
    example, form = found.example, found.format
    if found.is_doubtful:
        value = float(form.read(pa.array([example.example])).values[0])
        role, other = ("a mark of thousands", "the decimal mark")
        same, options = ("thousands", "decimal")
        if form.decimal == ",":
            role, other = other, role
            same, options = options, same
        return (
            f"column {name!r}: {example.example!r} in row {example.row} is read as {value:.15g}, "
            f"with the comma as {role}, and no cell tells whether it is. "
            + (
                f"Say {given(same, ',')} to leave out this warning, or {given(options, ',')} if "
                f"it is {other}."
                if is_option("decimal")
                else "Pass numbers, not text, to leave out this warning."
            )
        )
    if found.bare is not None:
        return (
            f"column {name!r}: {found.bare.n} of its {found.n_read} numbers have no unit, "
            f"such as {found.bare.example!r} in row {found.bare.row}; they are taken to be in "
            f"{form.unit} as the others. Convert them if they are not."
        )
    if not is_told and found.n_read <= counts.n_marks:
        mark = max(counts.marks, key=lambda mark: counts.marks[mark] if mark else 0)
        return (
            f"column {name!r} is read as numbers: {found.n_read} of its {counts.n_cells} cells "
            f"are some, such as {example.example!r} in row {example.row}, and the others, such as "
            f"{mark!r}, are taken for holes. Pass {given('categorical', [name])} to read it as "
            f"text, or {given('numeric', [name])} to read it so without this warning."
        )
    return ""
