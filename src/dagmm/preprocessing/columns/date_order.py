"""Whether day or month comes first in the dates of a column, from all of its cells."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dagmm._core.wording import given
from dagmm.data.base import Chunk, Rows, TablePass
from dagmm.preprocessing.columns.date_text import (
    ISO,
    TWO_DAYS,
    DateReading,
    Order,
    format_of,
    parsed,
)

#: Rows that are looked at to see whether a column has such dates at all.
_HEAD = 1000
_LAST_MONTH = 12


class FoundReading(NamedTuple):
    """How a column writes dates, as far as its cells tell."""

    reading: DateReading
    doubt: str = ""
    """That no cell tells, and what was assumed; empty where some does."""


def date_readings(
    rows: Rows, names: tuple[str, ...], told: DateReading, time: str | None
) -> dict[str, FoundReading]:
    """Say how columns of text write dates, where that can be in several ways.

    Parameters
    ----------
    rows : Rows
    names : tuple of str
        Columns of text.
    told : DateReading
        What the user says. The time axis is written so, and so are other columns whose first
        cells are.
    time : str or None
        The time axis.
    """
    if not names:
        return {}
    head = rows.chunk(0, min(_HEAD, rows.n_rows))
    if told.format:
        return {
            name: FoundReading(told)
            for name in names
            if name == time or _reads_all(told, head.text(name))
        }
    wanted = tuple(name for name in names if _has_two_days(head.text(name)))
    counts = {name: _OrderCounts() for name in wanted}
    if wanted:
        job = _OrderPass(wanted)
        for found in rows.only(wanted).map_chunks(job):
            counts = job.merge(counts, found)
    return {name: counts[name].found(name) for name in wanted}


@dataclass(frozen=True)
class _OrderPass(TablePass[dict[str, "_OrderCounts"]]):
    """Looks at columns of text."""

    names: tuple[str, ...]

    def look(self, chunk: Chunk) -> dict[str, "_OrderCounts"]:
        return {name: _OrderCounts.of(chunk, name) for name in self.names}

    def merge(
        self, found: dict[str, "_OrderCounts"], later: dict[str, "_OrderCounts"]
    ) -> dict[str, "_OrderCounts"]:
        return {name: found[name].merged(later[name]) for name in self.names}


@dataclass(frozen=True)
class _OrderCounts:
    """The largest first and second numbers of dates such as 01/02/2020."""

    first: int = 0
    second: int = 0
    example: str = ""
    row: int = 0

    @classmethod
    def of(cls, chunk: Chunk, name: str) -> "_OrderCounts":
        texts = chunk.text(name)
        parts = pc.extract_regex(texts, TWO_DAYS)
        if parts.null_count == len(parts):
            return cls()
        place = pc.index(parts.is_valid(), True).as_py()
        first, second = (
            pc.max(pc.struct_field(parts, number).cast(pa.int64())).as_py()
            for number in ("first", "second")
        )
        return cls(first, second, texts[place].as_py(), chunk.start + place)

    def merged(self, later: "_OrderCounts") -> "_OrderCounts":
        shown = self if self.example else later
        first, second = max(self.first, later.first), max(self.second, later.second)
        return _OrderCounts(first, second, shown.example, shown.row)

    def found(self, name: str) -> FoundReading:
        if self.first > _LAST_MONTH and self.second > _LAST_MONTH:
            return FoundReading(ISO)
        if self.first > _LAST_MONTH:
            return FoundReading(DateReading("day"))
        if self.second > _LAST_MONTH:
            return FoundReading(DateReading("month"))
        # Who writes am and pm writes the month first.
        is_american = re.search(r"(?i)[ap]\.?m\.?\s*$", self.example)
        order: Order = "month" if is_american else "day"
        other: Order = "day" if is_american else "month"
        formats = [format_of(self.example, one) for one in (order, other)]
        return FoundReading(
            DateReading(order),
            f"column {name!r}: {self.example!r} in row {self.row} is read with the {order} first, "
            f"and no cell tells whether it is. Pass {given('time_format', formats[0])} to leave "
            f"out this warning, or {given('time_format', formats[1])} if the {other} comes first.",
        )


def _has_two_days(texts: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, TWO_DAYS), min_count=0).as_py())


def _reads_all(reading: DateReading, texts: pa.Array) -> bool:
    known = texts.drop_null()
    return len(known) > 0 and parsed(known, reading).null_count == 0
