"""One pass over a table: which column is what, and the statistics of each."""

import warnings
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dagmm._core.errors import ArgumentError, InputError, TableWarning
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm._core.wording import given, is_option, named
from dagmm.data.base import Chunk, Kind, Rows
from dagmm.preprocessing.column_roles import ColumnRoles, UnusedColumn, warn_of
from dagmm.preprocessing.columns.categorical import TextCounts, text_column
from dagmm.preprocessing.columns.date_order import FoundReading, date_readings
from dagmm.preprocessing.columns.date_text import ISO, DateReading, dates_of, parsed
from dagmm.preprocessing.columns.datetimes import DateColumn, DateCounts
from dagmm.preprocessing.columns.identifiers import IdentifierTest
from dagmm.preprocessing.columns.label_names import ValueCounts, are_labels, is_label_name
from dagmm.preprocessing.columns.missing import imputation_of, lost_deviation, masks_of
from dagmm.preprocessing.columns.number_text import TextReading, look_at_texts, numbers_in
from dagmm.preprocessing.columns.numeric import (
    NumberStatistics,
    Scaling,
    check_finite,
    number_columns,
)
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.clock import times_in_numbers

#: Of more columns a model takes gigabytes, and more text than one is allowed to have when it is
#: loaded.
_MOST_COLUMNS = 2**17


def fit_table_encoder(
    rows: Rows,
    scaling: Scaling = "standard",
    roles: ColumnRoles | None = None,
    progress: Progress | None = None,
) -> TableEncoder:
    """Read a table and learn how to encode it.

    Columns of text are read first, to see which of them are numbers; then all columns, once.

    Columns that describe nothing are not used, with a warning: identifiers, dates that show no
    cycle, columns without a value.

    Parameters
    ----------
    rows : Rows
    scaling : {"standard", "minmax", "none"}
        ``standard`` takes mean and standard deviation, ``minmax`` the range to 0..1, ``none``
        leaves numbers as they are. A constant column is measured relative to its value, so that
        it is zero for the training rows and speaks up when it moves.
    roles : ColumnRoles, optional
    progress : Progress, optional
        Is told how many rows have been read.

    Raises
    ------
    ArgumentError
        If ``roles`` names columns that are not there, or one twice.
    InputError
        For values that are infinite, a category column with as many values as rows, a time axis
        that is no date, types that no model can use, a table of which nothing is left, or of more
        than 131,072 columns, and, without scaling, values beyond 1e6.
    """
    if len(rows.names) > _MOST_COLUMNS:
        raise InputError(
            f"the table has {len(rows.names):,} columns; expected at most {_MOST_COLUMNS:,}. Are "
            "rows and columns the other way round?"
        )
    roles = roles or ColumnRoles()
    roles.check(rows.names)
    told = {column.name: column for column in roles.unused_columns()}
    counts = _Counts(rows, roles, tuple(name for name in rows.names if name not in told))
    for part in parallel_map(counts.look, rows.chunks(progress=progress)):
        counts.add(part)
    unused = told | {column.name: column for column in counts.unused()}
    columns = tuple(name for name in rows.names if name not in unused)
    if not columns:
        raise InputError(_nothing_left(list(unused.values())))
    encoder = counts.encoder(columns, scaling, tuple(unused.values()))
    warn_of(encoder.unused_columns)
    counts.warn_of_labels(columns)
    counts.warn_of_texts(columns)
    return encoder


class _Part(NamedTuple):
    """What some rows add to the counts."""

    n_rows: int
    numbers: NumberStatistics
    integers: dict[str, np.ndarray]
    texts: dict[str, pa.Array]
    written_dates: dict[str, pa.Array]
    """Texts as dates, where all texts before are some."""
    dates: dict[str, pa.Array]
    values: dict[str, ValueCounts]
    """Of numbers that are called what labels are called."""


class _Counts:
    """Everything that is counted in one pass."""

    def __init__(self, rows: Rows, roles: ColumnRoles, names: tuple[str, ...]) -> None:
        first = rows.chunk(0, rows.n_rows if rows.n_rows < 2 else 1)
        self.kinds: dict[str, Kind] = {name: first.kind(name) for name in names}
        self._told = set(roles.categorical)
        self._check_numeric(roles.numeric)
        maybe = tuple(n for n in names if n not in self._told and self.kinds[n] == "text")
        self._date_readings = _date_readings(rows, names, roles)
        self.readings = look_at_texts(rows, maybe, roles.numeric)
        found = [reading.column for reading in self.readings.values()]
        self.number_texts = {column.name: column for column in found if column is not None}
        self._formats = {name: column.format for name, column in self.number_texts.items()}
        texts = [
            name
            for name in names
            if name in self._told
            or (self.kinds[name] in ("text", "category") and name not in self.number_texts)
        ]
        dates = [n for n in names if n not in texts and self.kinds[n] == "date"]
        self.number_names = tuple(n for n in names if n not in texts and n not in dates)
        self.numbers: NumberStatistics | None = None
        self.integers = {
            name: IdentifierTest.empty()
            for name in self.number_names
            if name not in roles.numeric
            and (
                self.kinds[name] == "integer"
                or (name in self.number_texts and self.readings[name].is_whole)
            )
        }
        declared = {*roles.categorical, *roles.numeric}
        self._label_names = {n for n in names if n not in declared and is_label_name(n)}
        self.values = {n: ValueCounts() for n in self.number_names if n in self._label_names}
        self.texts = {name: TextCounts(Counter()) for name in texts}
        self.dates = {name: DateCounts() for name in dates}
        # Text may turn out to be dates, until one is not.
        self.written_dates = {
            name: DateCounts() for name in maybe if name not in self.number_texts
        }
        self._time = roles.time
        self._units = rows.style.units
        self.n_rows = 0

    def _check_numeric(self, names: tuple[str, ...]) -> None:
        for name in names:
            if self.kinds[name] not in ("number", "integer", "empty", "text"):
                raise ArgumentError(
                    f"{named('numeric')} names column {name!r}, which holds no numbers."
                )

    def look(self, chunk: Chunk) -> _Part:
        """Take from a chunk what is counted; changes nothing, so that chunks go side by side."""
        values = numbers_in(chunk, self.number_names, self._formats, is_training=True)
        values = values.astype(np.float64, copy=False)
        check_finite(values, chunk.start, self.number_names)
        numbers = NumberStatistics.of(values)
        integers = {
            name: self._integers(chunk, name, values)
            for name, counts in self.integers.items()
            if counts.values is not None
        }
        texts = {name: chunk.text(name) for name in self.texts}
        written = {
            name: parsed(texts[name], self._dated(name)) for name in tuple(self.written_dates)
        }
        dates = {
            name: dates_of(chunk, name, "the rows before have dates there") for name in self.dates
        }
        if self._time is not None:
            _check_time(chunk, self._time, self._dated(self._time))
        counted = {
            name: ValueCounts.of(values[:, self.number_names.index(name)]) for name in self.values
        }
        return _Part(chunk.n_rows, numbers, integers, texts, written, dates, counted)

    def _integers(self, chunk: Chunk, name: str, values: np.ndarray) -> np.ndarray:
        if name not in self.number_texts:
            return chunk.integers(name)
        column = values[:, self.number_names.index(name)]
        return column[~np.isnan(column)].astype(np.int64)

    def add(self, part: _Part) -> None:
        """Count the rows that follow."""
        self.n_rows += part.n_rows
        self.numbers = part.numbers if self.numbers is None else self.numbers.merge(part.numbers)
        for name, integers in part.integers.items():
            self.integers[name].add(integers)
        for name, values in part.values.items():
            self.values[name].merge(values)
        for name, texts in part.texts.items():
            self.texts[name].add(texts)
        for name, dates in part.dates.items():
            self.dates[name].add(dates)
        for name in tuple(self.written_dates):
            read = part.written_dates[name]
            if read.null_count == part.texts[name].null_count:
                self.written_dates[name].add(read)
            else:
                del self.written_dates[name]

    def unused(self) -> list[UnusedColumn]:
        """Return the columns that describe nothing; dates among text become dates."""
        for name, counts in self.written_dates.items():
            if counts.present:
                del self.texts[name]
                self.dates[name] = counts
        found = [*self._unused_numbers()]
        for name, seen in self.texts.items():
            is_declared = name in self._told or self.kinds[name] == "category"
            if not seen.present:
                found.append(_empty(name))
            elif seen.identifies_rows and not is_declared:
                why = _why_unused(seen, self.readings.get(name))
                found.append(UnusedColumn(name, "identifier", why))
        for name, dates in self.dates.items():
            if not dates.present:
                found.append(_empty(name))
            elif not dates.cycles:
                found.append(UnusedColumn(name, "date", dates.in_words))
        return found

    def _unused_numbers(self) -> list[UnusedColumn]:
        assert self.numbers is not None, "a table without rows is refused before it gets here"
        found = []
        for name, present in zip(self.number_names, self.numbers.present, strict=True):
            why = None
            if name in self.integers and present == self.n_rows:
                why = self.integers[name].in_words
            if not present:
                found.append(_empty(name))
            elif why is not None:
                found.append(UnusedColumn(name, "identifier", why))
        return found

    def encoder(
        self, columns: tuple[str, ...], scaling: Scaling, unused_columns: tuple[UnusedColumn, ...]
    ) -> TableEncoder:
        """Return the encoder of the columns that are used."""
        assert self.numbers is not None, "checked before"
        used = set(columns)
        index = [i for i, name in enumerate(self.number_names) if name in used]
        names = tuple(self.number_names[i] for i in index)
        statistics = self.numbers.select(np.array(index, np.int64))
        numbers = number_columns(names, statistics, scaling)
        texts = tuple(
            text_column(
                name,
                self.texts[name],
                scaling,
                name in self._told,
                self.kinds[name] == "category",
            )
            for name in columns
            if name in self.texts
        )
        dates = tuple(
            DateColumn(name, self.dates[name].cycles, self._dated(name))
            for name in columns
            if name in self.dates
        )
        present = dict(zip(names, statistics.present.tolist(), strict=True))
        present |= {column.name: self.texts[column.name].present for column in texts}
        present |= {column.name: self.dates[column.name].present for column in dates}
        n_holes = {name: self.n_rows - present[name] for name in columns}
        return TableEncoder(
            columns,
            scaling,
            numbers,
            texts,
            dates,
            masks_of(n_holes, self.n_rows, scaling),
            imputation_of(statistics, numbers),
            lost_deviation(self.n_rows),
            unused_columns,
            tuple(self.number_texts[name] for name in names if name in self.number_texts),
            tuple((name, unit) for name, unit in self._units if name in used),
            tuple(
                (name, found.reading)
                for name, found in self._date_readings.items()
                if name not in used and self._is_dated(name) and found.reading != ISO
            ),
        )

    def _dated(self, name: str) -> DateReading:
        found = self._date_readings.get(name)
        return ISO if found is None else found.reading

    def _is_dated(self, name: str) -> bool:
        return name == self._time or name in self.dates

    def warn_of_labels(self, columns: tuple[str, ...]) -> None:
        """Warn of columns that are used and look like labels."""
        for name in columns:
            if name not in self._label_names or name in self.dates:
                continue
            n_different, n_present = (
                (len(self.values[name].values), self.values[name].present)
                if name in self.values
                else (len(self.texts[name].counts), self.texts[name].present)
            )
            if are_labels(n_different, n_present):
                kept = f"{given('label', name)} or " if is_option("label") else ""
                warnings.warn(
                    f"column {name!r} looks like a label and is fitted to: it has that name, and "
                    f"{n_different} different value{'s' * (n_different > 1)}. Leave it out with "
                    f"{kept}{given('drop', [name])} if it is one.",
                    TableWarning,
                    stacklevel=3,
                )

    def warn_of_texts(self, columns: tuple[str, ...]) -> None:
        """Warn of what is in doubt about texts: of columns that are used, and of dates."""
        for name, found in self._date_readings.items():
            if found.doubt and self._is_dated(name):
                warnings.warn(found.doubt, TableWarning, stacklevel=3)
        for name in columns:
            reading = self.readings.get(name)
            if reading is None or name in self.dates:
                continue
            for message in filter(None, (reading.nearly, reading.doubt)):
                warnings.warn(message, TableWarning, stacklevel=3)


def _empty(name: str) -> UnusedColumn:
    return UnusedColumn(name, "empty", "it has no value in any row")


def _why_unused(seen: TextCounts, reading: TextReading | None) -> str:
    if reading is not None and reading.odd is not None:
        return f"{seen.held}; most are numbers, but {reading.odd!r} is none"
    if reading is not None and reading.ambiguous is not None:
        return (
            f"{seen.held}, and of dates such as {reading.ambiguous!r} nobody can tell what is "
            "day, month and year; write the year first, as in 2020-03-01, or pass "
            f"{given('time_format', '%d/%m/%y')}"
        )
    return seen.in_words


def _date_readings(
    rows: Rows, names: tuple[str, ...], roles: ColumnRoles
) -> dict[str, FoundReading]:
    """Say how columns of text, the time axis among them, write dates."""
    time = () if roles.time is None else (roles.time,)
    first = rows.chunk(0, min(rows.n_rows, 1))
    maybe = tuple(name for name in names if name not in roles.categorical + roles.numeric)
    texts = tuple(name for name in time + maybe if first.kind(name) == "text")
    told = roles.date_reading
    found = date_readings(rows, texts, replace(told, clock=""), roles.time)
    if roles.time is not None and told.clock:
        reading, doubt = found.get(roles.time, FoundReading(ISO))
        found[roles.time] = FoundReading(replace(reading, clock=told.clock), doubt)
    return found


def _check_time(chunk: Chunk, name: str, reading: DateReading) -> None:
    if not reading.clock and chunk.kind(name) in ("number", "integer"):
        return
    if reading.format or times_in_numbers(chunk, name) is None:
        dates_of(chunk, name, "it is the time axis", reading)


def _nothing_left(unused_columns: list[UnusedColumn]) -> str:
    listed = "; ".join(f"{column.name!r}: {column.why}" for column in unused_columns[:5])
    more = f"; and {len(unused_columns) - 5} more" if len(unused_columns) > 5 else ""
    return f"no column is left to fit ({listed}{more}). Add a column that describes the rows."
