"""One pass over a table: which column is what, and the statistics of each."""

import warnings
from dataclasses import replace

import numpy as np
import pyarrow as pa

from dagmm._core.errors import ArgumentError, InputError, TableWarning
from dagmm._core.progress import Progress
from dagmm._core.wording import given, is_option, named
from dagmm.data.base import Kind, Rows
from dagmm.preprocessing.column_roles import ColumnRoles, UnusedColumn, warn_of
from dagmm.preprocessing.columns.categorical import TextCounts, text_column
from dagmm.preprocessing.columns.date_order import FoundReading, date_readings
from dagmm.preprocessing.columns.date_text import ISO, DateReading, parsed
from dagmm.preprocessing.columns.datetimes import DateColumn
from dagmm.preprocessing.columns.label_names import are_labels, is_label_name
from dagmm.preprocessing.columns.missing import imputation_of, lost_deviation, masks_of
from dagmm.preprocessing.columns.number_text import TextReading, hole_for, look_at_texts
from dagmm.preprocessing.columns.numeric import Scaling, number_columns
from dagmm.preprocessing.far_values import warn_of_far_values
from dagmm.preprocessing.sampling import is_long
from dagmm.preprocessing.table_counts import CountingPass, TableCounts
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.spreadsheet_days import warn_of_spreadsheet_days

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
    for part in rows.map_chunks(counts.job, progress=progress):
        counts.add(part)
    unused = told | {column.name: column for column in counts.unused()}
    columns = tuple(name for name in rows.names if name not in unused)
    if not columns:
        raise InputError(_nothing_left(list(unused.values())))
    encoder = counts.encoder(columns, scaling, tuple(unused.values()))
    warn_of(encoder.unused_columns)
    counts.warn_of_labels(columns)
    counts.warn_of_texts(columns)
    warn_of_far_values(rows, encoder)
    if roles.time is not None:
        warn_of_spreadsheet_days(rows, roles.time, counts.reading_of(roles.time))
    return encoder


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
        formats = {name: column.format for name, column in self.number_texts.items()}
        texts = tuple(
            name
            for name in names
            if name in self._told
            or (self.kinds[name] in ("text", "category") and name not in self.number_texts)
        )
        dates = tuple(n for n in names if n not in texts and self.kinds[n] == "date")
        self.number_names = tuple(n for n in names if n not in texts and n not in dates)
        declared = {*roles.categorical, *roles.numeric}
        self._label_names = {n for n in names if n not in declared and is_label_name(n)}
        self.job = CountingPass(
            self.number_names,
            texts,
            dates,
            tuple(name for name in self.number_names if self._may_identify(name, roles.numeric)),
            tuple(name for name in self.number_names if name in self._label_names),
            formats,
            {name: found.reading for name, found in self._date_readings.items()},
            roles.time,
            {name for name in maybe if name not in self.number_texts},
        )
        self._found: TableCounts | None = None
        self._time = roles.time
        self._units, self._is_long = rows.style.units, is_long(rows)

    def reading_of(self, name: str) -> DateReading:
        """Say how a column writes dates."""
        found = self._date_readings.get(name)
        return ISO if found is None else found.reading

    def _may_identify(self, name: str, numeric: tuple[str, ...]) -> bool:
        is_whole = name in self.number_texts and self.readings[name].is_whole
        return name not in numeric and (self.kinds[name] == "integer" or is_whole)

    def _check_numeric(self, names: tuple[str, ...]) -> None:
        for name in names:
            if self.kinds[name] not in ("number", "integer", "empty", "text"):
                raise ArgumentError(
                    f"{named('numeric')} names column {name!r}, which holds no numbers."
                )

    def add(self, part: TableCounts) -> None:
        """Count the rows that follow."""
        self._found = part if self._found is None else self.job.merge(self._found, part)

    @property
    def found(self) -> TableCounts:
        """What was counted."""
        assert self._found is not None, "a table without rows is refused before it gets here"
        return self._found

    def unused(self) -> list[UnusedColumn]:
        """Return the columns that describe nothing; dates among text become dates."""
        seen = self.found
        for name, counts in seen.written_dates.items():
            if counts.present:
                del seen.texts[name]
                seen.dates[name] = counts
        found = [*self._unused_numbers()]
        for name, texts in seen.texts.items():
            is_declared = name in self._told or self.kinds[name] == "category"
            if not texts.present:
                found.append(_empty(name))
            elif texts.identifies_rows and not is_declared:
                why = _why_unused(texts, self.readings.get(name))
                found.append(UnusedColumn(name, "identifier", why))
        for name, dates in seen.dates.items():
            if not dates.present:
                found.append(_empty(name))
            elif not dates.cycles:
                found.append(UnusedColumn(name, "date", dates.in_words))
        return found

    def _unused_numbers(self) -> list[UnusedColumn]:
        seen, found = self.found, []
        for name, present in zip(self.number_names, seen.numbers.present, strict=True):
            why = None
            if name in seen.integers and present == seen.n_rows:
                why = seen.integers[name].in_words
            if not present:
                found.append(_empty(name))
            elif why is not None:
                found.append(UnusedColumn(name, "identifier", why))
        return found

    def encoder(
        self, columns: tuple[str, ...], scaling: Scaling, unused_columns: tuple[UnusedColumn, ...]
    ) -> TableEncoder:
        """Return the encoder of the columns that are used."""
        seen, used = self.found, set(columns)
        index = [i for i, name in enumerate(self.number_names) if name in used]
        names = tuple(self.number_names[i] for i in index)
        statistics = seen.numbers.select(np.array(index, np.int64))
        if self._is_long:
            statistics = statistics.rounded()
        numbers = number_columns(names, statistics, scaling)
        texts = tuple(
            text_column(
                name,
                seen.texts[name],
                scaling,
                name in self._told,
                self.kinds[name] == "category",
            )
            for name in columns
            if name in seen.texts
        )
        dates = tuple(
            DateColumn(name, seen.dates[name].cycles, self.reading_of(name))
            for name in columns
            if name in seen.dates
        )
        present = dict(zip(names, statistics.present.tolist(), strict=True))
        present |= {column.name: seen.texts[column.name].present for column in texts}
        present |= {column.name: seen.dates[column.name].present for column in dates}
        n_holes = {name: seen.n_rows - present[name] for name in columns}
        return TableEncoder(
            columns,
            scaling,
            numbers,
            texts,
            dates,
            masks_of(n_holes, seen.n_rows, scaling),
            imputation_of(statistics, numbers),
            lost_deviation(seen.n_rows),
            unused_columns,
            tuple(self.number_texts[name] for name in names if name in self.number_texts),
            tuple((name, unit) for name, unit in self._units if name in used),
            tuple(
                (name, found.reading)
                for name, found in self._date_readings.items()
                if name not in used and self._is_dated(name) and found.reading != ISO
            ),
        )

    def _is_dated(self, name: str) -> bool:
        return name == self._time or name in self.found.dates

    def warn_of_labels(self, columns: tuple[str, ...]) -> None:
        """Warn of columns that are used and look like labels."""
        seen = self.found
        for name in columns:
            if name not in self._label_names or name in seen.dates:
                continue
            n_different, n_present = (
                (len(seen.values[name].values), seen.values[name].present)
                if name in seen.values
                else (len(seen.texts[name].counts), seen.texts[name].present)
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
            if reading is None or name in self.found.dates:
                continue
            for message in filter(None, (reading.nearly, reading.doubt)):
                warnings.warn(message, TableWarning, stacklevel=3)
        for name in (name for name in columns if name in self.found.texts):
            doubt = self.found.texts[name].doubt(name)
            if doubt is not None:
                warnings.warn(doubt, TableWarning, stacklevel=3)


def _empty(name: str) -> UnusedColumn:
    return UnusedColumn(name, "empty", "it has no value in any row")


def _why_unused(seen: TextCounts, reading: TextReading | None) -> str:
    if reading is not None and reading.odd is not None:
        return (
            f"{seen.held}; most are numbers, but {reading.odd!r} is none; replace it by "
            f"{hole_for(reading.odd)} if it stands for a hole"
        )
    if reading is not None and reading.ambiguous is not None:
        return (
            f"{seen.held}, and of dates such as {reading.ambiguous!r} nobody can tell what is "
            "day, month and year; write the year first, as in 2020-03-01, or pass "
            f"{given('time_format', '%d/%m/%y')}"
        )
    texts = pa.array(list(seen.counts), pa.string())
    others = texts.filter(parsed(texts).is_null())
    if 2 * len(others) < len(texts):
        odd = min(others.to_pylist())
        return f"{seen.held}; most are dates, but {odd!r} is none: a row of totals, perhaps"
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


def _nothing_left(unused_columns: list[UnusedColumn]) -> str:
    listed = "; ".join(f"{column.name!r}: {column.why}" for column in unused_columns[:5])
    more = f"; and {len(unused_columns) - 5} more" if len(unused_columns) > 5 else ""
    return f"no column is left to fit ({listed}{more}). Add a column that describes the rows."
