"""What a pass over a table counts: statistics of each column, mergeable."""

from dataclasses import dataclass

import numpy as np

from dagmm.data.base import Chunk, TablePass
from dagmm.data.number_text.number_format import NumberFormat
from dagmm.preprocessing.columns.categorical import TextCounts
from dagmm.preprocessing.columns.date_text import ISO, DateReading, dates_of, parsed
from dagmm.preprocessing.columns.datetimes import DateCounts
from dagmm.preprocessing.columns.identifiers import ROWS_LOOKED_AT, IdentifierTest
from dagmm.preprocessing.columns.label_names import ValueCounts
from dagmm.preprocessing.columns.number_text import numbers_in
from dagmm.preprocessing.columns.numeric import NumberStatistics, check_finite
from dagmm.preprocessing.windows.clock import times_in_numbers


@dataclass
class TableCounts:
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

    def merge(self, later: "TableCounts") -> None:
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
class CountingPass(TablePass[TableCounts]):
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

    def look(self, chunk: Chunk) -> TableCounts:
        """Count the rows of a chunk."""
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
        return TableCounts(
            chunk.n_rows,
            NumberStatistics.of(values),
            {name: self._integers(chunk, name, values) for name in self.integer_names},
            texts,
            written,
            dated,
            {name: ValueCounts.of(values[:, self._place(name)]) for name in self.label_names},
        )

    def merge(self, found: TableCounts, later: TableCounts) -> TableCounts:
        """Add what the rows that follow count to."""
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


def _check_time(chunk: Chunk, name: str, reading: DateReading) -> None:
    if not reading.clock and chunk.kind(name) in ("number", "integer"):
        return
    if reading.format or times_in_numbers(chunk, name) is None:
        dates_of(chunk, name, "it is the time axis", reading)
