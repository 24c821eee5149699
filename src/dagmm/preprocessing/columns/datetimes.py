"""Dates: the hour of the day and the day of the week, where the training rows show both cycles.

How much time has passed is no feature: every later row would lie outside the training rows.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64

from dagmm._core.errors import InputError
from dagmm.data.base import Chunk
from dagmm.data.number_text.cells import tidied

Cycle: TypeAlias = Literal["day", "week"]
CYCLES: tuple[Cycle, ...] = get_args(Cycle)

_HOUR, _DAY, _WEEK = 3600, 86400, 7 * 86400
_LENGTH = {"day": _DAY, "week": _WEEK}
#: Times a cycle must have been seen before an hour or a weekday without rows means anything.
_LEAST_DAYS, _LEAST_WEEKS = 14, 4

_ZONE = r"(Z|[+-]\d{2}:?\d{2})?"
_TIME = rf"([ T]\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?\s*{_ZONE})?"
#: A date, perhaps with a time, a fraction of a second and a time zone.
_WRITTEN = rf"^\s*\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}{_TIME}\s*$"
_DAY_OF_MONTH = r"^\d{4}-\d{1,2}-(?P<day>\d{1,2})"
#: Other ways to write a date that can mean one day only, and how ISO 8601 writes it.
_OTHERS = (
    (r"^(\d{1,2})\.(\d{1,2})\.(\d{4})(?: |$)", r"\3-\2-\1 "),
    (r"^(\d{4})\.(\d{1,2})\.(\d{1,2})(?: |$)", r"\1-\2-\3 "),
    (r"^(\d{4})年 ?(\d{1,2})月 ?(\d{1,2})日 ?", r"\1-\2-\3 "),
    (r"^((?:19|20)\d{2})(\d{2})(\d{2})[T_ -]?(\d{2})(\d{2})(\d{2})$", r"\1-\2-\3 \4:\5:\6"),
    (r" (\d{1,2})時 ?(\d{1,2})分 ?(\d{1,2}(?:\.\d+)?)秒$", r" \1:\2:\3"),
    (r" (\d{1,2})時 ?(\d{1,2})分$", r" \1:\2"),
)
#: A date that can mean two days.
AMBIGUOUS = r"^\s*\d{1,2}/\d{1,2}/\d{2,4}\b"
_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True)
class DateColumn:
    """A column of dates as sine and cosine of one or two cycles; zero in holes.

    Parameters
    ----------
    name : str
    cycles : tuple of {"day", "week"}
        On the wall clock.
    """

    name: str
    cycles: tuple[Cycle, ...]

    @property
    def n_features(self) -> int:
        """Number of encoded features: two for each cycle."""
        return 2 * len(self.cycles)

    def encode(
        self, chunk: Chunk
    ) -> tuple[Float64[np.ndarray, "n_rows n_features"], Bool[np.ndarray, " n_rows"]]:
        """Features of a chunk, and which rows are holes.

        Raises
        ------
        InputError
            If the column holds no dates; the row is named.
        """
        dates = dates_of(chunk, self.name, "this model was fitted on dates there")
        holes = np.asarray(dates.is_null())
        seconds = seconds_of(dates)
        parts = []
        for cycle in self.cycles:
            # A week begins on Monday; the first of January 1970 was a Thursday.
            offset = 3 * _DAY if cycle == "week" else 0
            angle = 2.0 * np.pi * ((seconds + offset) % _LENGTH[cycle]) / _LENGTH[cycle]
            parts += [np.sin(angle), np.cos(angle)]
        features = np.stack(parts, axis=1)
        features[holes] = 0.0
        return features, holes


@dataclass
class DateCounts:
    """Which days and hours a column of dates has shown; mergeable by union."""

    days: set[int] = field(default_factory=set)
    hours: set[int] = field(default_factory=set)
    present: int = 0

    def add(self, dates: pa.Array) -> None:
        """Look at some rows."""
        seconds = seconds_of(dates.drop_null())
        self.present += len(seconds)
        self.days.update(np.unique(seconds // _DAY).tolist())
        self.hours.update(np.unique(seconds % _DAY // _HOUR).tolist())

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """The cycles that have been seen often enough."""
        weeks = {(day + 3) // 7 for day in self.days}
        weekdays = {(day + 3) % 7 for day in self.days}
        seen: list[Cycle] = []
        if len(self.days) >= _LEAST_DAYS and len(self.hours) > 1:
            seen.append("day")
        if len(weeks) >= _LEAST_WEEKS and len(weekdays) > 1:
            seen.append("week")
        return tuple(seen)

    @property
    def in_words(self) -> str:
        """What is wrong with dates that show no cycle."""
        return (
            f"its dates lie on {_counted(len(self.days), 'day')}, too few to learn the hours of "
            f"a day (from {_LEAST_DAYS} days on) or the days of a week (from {_LEAST_WEEKS} "
            "weeks on), and the time that passes is no feature"
        )


def dates_of(chunk: Chunk, name: str, expected: str) -> pa.Array:
    """Read a column of dates, or of text that is dates.

    Parameters
    ----------
    chunk : Chunk
    name : str
    expected : str
        Why dates are wanted, for the message.

    Returns
    -------
    pyarrow.TimestampArray
        Seconds on the wall clock; a hole is null.

    Raises
    ------
    InputError
        Naming the first row that is no date.
    """
    if chunk.kind(name) != "text":
        return chunk.dates(name)
    texts = chunk.text(name)
    dates = parsed(texts)
    bad = np.asarray(dates.is_null()) & ~np.asarray(texts.is_null())
    if bad.any():
        row = int(np.argmax(bad))
        text = texts[row].as_py()
        raise InputError(
            f"column {name!r}, row {chunk.start + row}: expected a date such as "
            f"2024-03-09 10:14:33, got {text!r}; {expected}.{_remedy(text)}"
        )
    return dates


def parsed(texts: pa.Array) -> pa.Array:
    """Read dates of ISO 8601, also with slashes, 01.03.2020, 2020年3月1日 and 20200301154406.

    Null where a text is none. A time zone is left out: the hour is that on the wall clock of the
    place.
    """
    texts = as_iso(texts)
    written = pc.match_substring_regex(texts, _WRITTEN)
    tidy = pc.if_else(pc.fill_null(written, False), texts, pa.scalar(None, pa.string()))
    tidy = pc.utf8_trim_whitespace(pc.replace_substring(tidy, "/", "-"))
    tidy = pc.replace_substring(tidy, "T", " ")
    tidy = pc.replace_substring_regex(tidy, rf"(\.\d+)?\s*{_ZONE}$", "")
    found = [pc.strptime(tidy, form, "s", error_is_null=True) for form in _FORMATS]
    dates = pc.coalesce(*found)
    # Of the 31st of February strptime makes a day of March.
    day = pc.struct_field(pc.extract_regex(tidy, _DAY_OF_MONTH), "day").cast(pa.int64())
    return pc.if_else(pc.equal(day, pc.day(dates)), dates, pa.scalar(None, dates.type))


def as_iso(texts: pa.Array) -> pa.Array:
    """Return dates that are written in another way as ISO 8601 writes them, the rest as it is."""
    other = pc.invert(pc.match_substring_regex(texts, _WRITTEN)).fill_null(False)
    if not pc.any(other, min_count=0).as_py():
        return texts
    places = np.flatnonzero(np.asarray(other))
    some = tidied(texts.cast(pa.string()).take(pa.array(places)))
    for pattern, iso in _OTHERS:
        some = pc.replace_substring_regex(some, pattern, iso)
    return pc.replace_with_mask(texts.cast(pa.string()), other, pc.utf8_trim_whitespace(some))


def _remedy(text: str) -> str:
    if not re.match(AMBIGUOUS, text):
        return ""
    return " Write the year first: whether day or month comes first, nobody can tell."


def seconds_of(dates: pa.Array) -> np.ndarray:
    """Seconds since 1970 as int64; 0 in holes."""
    return dates.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("s" if n != 1 else "")
