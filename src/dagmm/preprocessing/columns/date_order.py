"""Whether day or month comes first in the dates of a column, from all of its cells."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dagmm._core.wording import given
from dagmm.data.base import Chunk, Rows
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
        for chunk in rows.only(wanted).chunks():
            for name in wanted:
                counts[name].add(chunk, name)
    return {name: counts[name].found(name) for name in wanted}


@dataclass
class _OrderCounts:
    """The largest first and second numbers of dates such as 01/02/2020."""

    first: int = 0
    second: int = 0
    example: str = ""
    row: int = 0

    def add(self, chunk: Chunk, name: str) -> None:
        texts = chunk.text(name)
        parts = pc.extract_regex(texts, TWO_DAYS)
        if parts.null_count == len(parts):
            return
        if not self.example:
            place = pc.index(parts.is_valid(), True).as_py()
            self.example, self.row = texts[place].as_py(), chunk.start + place
        for number in ("first", "second"):
            most = pc.max(pc.struct_field(parts, number).cast(pa.int64())).as_py()
            setattr(self, number, max(getattr(self, number), most))

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
