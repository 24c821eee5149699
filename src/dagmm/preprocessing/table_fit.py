"""One pass over a table: which column is what, and the statistics of each."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from dagmm._core.errors import ArgumentError, InputError, TableWarning
from dagmm._core.progress import Progress
from dagmm._core.wording import given, is_option, named
from dagmm.data.base import Chunk, Kind, Rows, TablePass
from dagmm.data.number_text.number_format import NumberFormat
from dagmm.preprocessing.column_roles import ColumnRoles, UnusedColumn, warn_of
from dagmm.preprocessing.columns.categorical import TextCounts, text_column
from dagmm.preprocessing.columns.date_order import FoundReading, date_readings
from dagmm.preprocessing.columns.date_text import ISO, DateReading, dates_of, parsed
from dagmm.preprocessing.columns.datetimes import DateColumn, DateCounts
from dagmm.preprocessing.columns.identifiers import ROWS_LOOKED_AT, IdentifierTest
from dagmm.preprocessing.columns.label_names import ValueCounts, are_labels, is_label_name
from dagmm.preprocessing.columns.missing import imputation_of, lost_deviation, masks_of
from dagmm.preprocessing.columns.number_text import TextReading, look_at_texts, numbers_in
from dagmm.preprocessing.columns.numeric import (
    NumberStatistics,
    Scaling,
    check_finite,
    number_columns,
)
from dagmm.preprocessing.sampling import is_long
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.windows.clock import times_in_numbers

#: Of more columns a model takes gigabytes, and more text than one is allowed to have when it is
#: loaded.
_MOST_COLUMNS = 2**17
#: Numbers that stand for a hole besides those of nines, and from where on all do.
_MARKS, _IMPOSSIBLE = (32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1), 1e30
#: So many times as far from the others as these are from each other a mark of a hole is.
_FAR = 10.0
#: Rows whose values are compared with their features, and different values that say enough.
_COMPARED_ROWS, _ENOUGH_DIFFERENT = 2**12, 10


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
    _warn_of_far_values(rows, encoder)
    return encoder


@dataclass
class _Part:
    """What some rows add to the counts."""

    n_rows: int
    numbers: NumberStatistics
    integers: dict[str, IdentifierTest]
    texts: dict[str, TextCounts]
    written_dates: dict[str, DateCounts]
    """Of columns of text whose texts are all dates."""
    dates: dict[str, DateCounts]
    values: dict[str, ValueCounts]
    """Of numbers that are called what labels are called."""

    def merge(self, later: "_Part") -> None:
        """Count the rows that follow."""
        self.n_rows += later.n_rows
        self.numbers = self.numbers.merge(later.numbers)
        for name, test in self.integers.items():
            test.merge(later.integers[name])
        for name, values in self.values.items():
            values.merge(later.values[name])
        for name, texts in self.texts.items():
            texts.merge(later.texts[name])
        for name, dates in self.dates.items():
            dates.merge(later.dates[name])
        for name in tuple(self.written_dates):
            if name in later.written_dates:
                self.written_dates[name].merge(later.written_dates[name])
            else:
                del self.written_dates[name]


@dataclass(frozen=True)
class _StatisticsPass(TablePass[_Part]):
    """Takes from chunks what is counted.

    Parameters
    ----------
    number_names, text_names, date_names : tuple of str
        Columns by what they are read as.
    integer_names, label_names : tuple of str
        Numbers that may identify rows, and those that are called what labels are called.
    formats : dict of str to NumberFormat
        Of numbers that are written as text.
    readings : dict of str to DateReading
        How dates are written.
    time : str or None
    maybe_dates : set of str
        Text may turn out to be dates, until one is not: such columns leave the set while chunks
        are looked at.
    """

    number_names: tuple[str, ...]
    text_names: tuple[str, ...]
    date_names: tuple[str, ...]
    integer_names: tuple[str, ...]
    label_names: tuple[str, ...]
    formats: dict[str, NumberFormat]
    readings: dict[str, DateReading]
    time: str | None
    maybe_dates: set[str]

    def look(self, chunk: Chunk) -> _Part:
        values = numbers_in(chunk, self.number_names, self.formats, is_training=True)
        values = values.astype(np.float64, copy=False)
        check_finite(values, chunk.start, self.number_names)
        texts, written = {}, {}
        for name in self.text_names:
            column = chunk.text(name)
            texts[name] = TextCounts.of(column)
            if name in self.maybe_dates:
                dates = parsed(column, self.readings.get(name, ISO))
                if dates.null_count == column.null_count:
                    written[name] = DateCounts.of(dates)
                else:
                    self.maybe_dates.discard(name)
        dated = {
            name: DateCounts.of(dates_of(chunk, name, "the rows before have dates there"))
            for name in self.date_names
        }
        if self.time is not None:
            _check_time(chunk, self.time, self.readings.get(self.time, ISO))
        return _Part(
            chunk.n_rows,
            NumberStatistics.of(values),
            {name: self._integers(chunk, name, values) for name in self.integer_names},
            texts,
            written,
            dated,
            {name: ValueCounts.of(values[:, self._place(name)]) for name in self.label_names},
        )

    def merge(self, found: _Part, later: _Part) -> _Part:
        found.merge(later)
        return found

    def _integers(self, chunk: Chunk, name: str, values: np.ndarray) -> IdentifierTest:
        n_rows = min(chunk.n_rows, ROWS_LOOKED_AT - chunk.start)
        if n_rows <= 0:
            return IdentifierTest.empty()
        if name in self.formats:
            column = values[:n_rows, self._place(name)]
            return IdentifierTest.of(column[~np.isnan(column)].astype(np.int64))
        first = chunk if n_rows == chunk.n_rows else chunk.take(np.arange(n_rows))
        return IdentifierTest.of(np.asarray(first.integers(name)))

    def _place(self, name: str) -> int:
        return self.number_names.index(name)


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
        self.job = _StatisticsPass(
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
        self._found: _Part | None = None
        self._time = roles.time
        self._units, self._is_long = rows.style.units, is_long(rows)

    def _may_identify(self, name: str, numeric: tuple[str, ...]) -> bool:
        is_whole = name in self.number_texts and self.readings[name].is_whole
        return name not in numeric and (self.kinds[name] == "integer" or is_whole)

    def _check_numeric(self, names: tuple[str, ...]) -> None:
        for name in names:
            if self.kinds[name] not in ("number", "integer", "empty", "text"):
                raise ArgumentError(
                    f"{named('numeric')} names column {name!r}, which holds no numbers."
                )

    def add(self, part: _Part) -> None:
        """Count the rows that follow."""
        self._found = part if self._found is None else self.job.merge(self._found, part)

    @property
    def found(self) -> _Part:
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
            DateColumn(name, seen.dates[name].cycles, self._dated(name))
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

    def _dated(self, name: str) -> DateReading:
        found = self._date_readings.get(name)
        return ISO if found is None else found.reading

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


def _check_time(chunk: Chunk, name: str, reading: DateReading) -> None:
    if not reading.clock and chunk.kind(name) in ("number", "integer"):
        return
    if reading.format or times_in_numbers(chunk, name) is None:
        dates_of(chunk, name, "it is the time axis", reading)


def _warn_of_far_values(rows: Rows, encoder: TableEncoder) -> None:
    """Warn of columns with values so far away that the others have the same feature."""
    numbers = encoder.numbers
    chunk = rows.chunk(0, min(rows.n_rows, _COMPARED_ROWS))
    formats = {column.name: column.format for column in encoder.number_texts}
    values = numbers_in(chunk, numbers.names, formats, is_training=True)
    values = values.astype(np.float64, copy=False)
    features = numbers.encode(values).astype(np.float32)
    for i, name in enumerate(numbers.names):
        is_known = ~np.isnan(values[:, i])
        mark = _mark_among(values[is_known, i])
        if mark is not None:
            n_marks = int((values[:, i] == mark).sum())
            warnings.warn(
                f"column {name!r} holds {mark:g} in {n_marks} of the first {chunk.n_rows} rows, "
                "far from all that it holds besides. If that stands for a missing value, replace "
                f"it by NaN{_na_option(mark)}.",
                TableWarning,
                stacklevel=3,
            )
            continue
        n_values, n_features = (len(np.unique(part[is_known, i])) for part in (values, features))
        if n_values >= _ENOUGH_DIFFERENT and 2 * n_features < n_values:
            warnings.warn(
                f"column {name!r} has values so far from the others that these look the same to "
                f"the model: the {n_values} different values of the first {chunk.n_rows} rows "
                f"become {n_features} different features. Replace what is no reading by NaN.",
                TableWarning,
                stacklevel=3,
            )


def _na_option(mark: float) -> str:
    return f", or pass {given('na', f'{mark:g}')}" if is_option("na") else ""


def _mark_among(values: Float[np.ndarray, " n_values"]) -> float | None:
    """Return a number that seems to stand for a hole: one of nines, say, far from the others."""
    for value in {float(values.min()), float(values.max())} if len(values) else ():
        digits = f"{abs(value):.15g}".replace(".", "")
        is_mark = len(digits) > 2 and set(digits) == {"9"}
        if not (is_mark or abs(value) in _MARKS or abs(value) >= _IMPOSSIBLE):
            continue
        others = values[values != value]
        if len(np.unique(others)) < _ENOUGH_DIFFERENT:
            continue
        low, high = np.quantile(others, [0.05, 0.95])
        if max(low - value, value - high) > _FAR * (high - low):
            return value
    return None


def _nothing_left(unused_columns: list[UnusedColumn]) -> str:
    listed = "; ".join(f"{column.name!r}: {column.why}" for column in unused_columns[:5])
    more = f"; and {len(unused_columns) - 5} more" if len(unused_columns) > 5 else ""
    return f"no column is left to fit ({listed}{more}). Add a column that describes the rows."
