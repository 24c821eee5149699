"""Dates: the hour of the day and the day of the week, where the training rows show both cycles.

How much time has passed is no feature: every later row would lie outside the training rows.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Num

from dagmm._core.numerics import AnyArray
from dagmm.data.base import Chunk
from dagmm.preprocessing.columns.date_text import ISO, DateReading, dates_of

Cycle: TypeAlias = Literal["day", "week"]
CYCLES: tuple[Cycle, ...] = get_args(Cycle)

_HOUR, _DAY, _WEEK = 3600, 86400, 7 * 86400
_LENGTH = {"day": _DAY, "week": _WEEK}
#: Times a cycle must have been seen before an hour or a weekday without rows means anything.
_LEAST_DAYS, _LEAST_WEEKS = 14, 4


@dataclass(frozen=True)
class DateColumn:
    """A column of dates as sine and cosine of one or two cycles; zero in holes.

    Parameters
    ----------
    name : str
    cycles : tuple of {"day", "week"}
        On the wall clock.
    reading : DateReading
        How they are written where they are text.
    """

    name: str
    cycles: tuple[Cycle, ...]
    reading: DateReading = ISO

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
        dates = dates_of(chunk, self.name, "this model was fitted on dates there", self.reading)
        holes = np.asarray(dates.is_null())
        return self.features_of(seconds_of(dates), holes), holes

    def features_of(
        self, seconds: Num[AnyArray, " n_rows"], holes: Bool[AnyArray, " n_rows"]
    ) -> Float64[AnyArray, "n_rows n_features"]:
        """Features of whole seconds since 1970 on the wall clock; zero in holes."""
        parts = []
        for cycle in self.cycles:
            # A week begins on Monday; the first of January 1970 was a Thursday.
            offset = 3 * _DAY if cycle == "week" else 0
            angle = 2.0 * np.pi * ((seconds + offset) % _LENGTH[cycle]) / _LENGTH[cycle]
            parts += [np.sin(angle), np.cos(angle)]
        return np.where(holes[:, None], 0.0, np.stack(parts, axis=1))


@dataclass
class DateCounts:
    """Which days and hours a column of dates has shown; mergeable by union."""

    days: set[int] = field(default_factory=set)
    hours: set[int] = field(default_factory=set)
    present: int = 0

    @classmethod
    def of(cls, dates: pa.Array) -> "DateCounts":
        """Look at some rows."""
        seconds = seconds_of(dates.drop_null())
        days, hours = np.unique(seconds // _DAY), np.unique(seconds % _DAY // _HOUR)
        return cls(set(days.tolist()), set(hours.tolist()), len(seconds))

    def merge(self, later: "DateCounts") -> None:
        """Look at the rows that follow."""
        self.present += later.present
        self.days |= later.days
        self.hours |= later.hours

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


def seconds_of(dates: pa.Array) -> np.ndarray:
    """Seconds since 1970 as int64; 0 in holes."""
    return dates.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("s" if n != 1 else "")
