"""The time axis of a table: span, step, gaps; and round times as ticks of an axis."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from jaxtyping import Float

from dagmm.report.reservoir import Reservoir

#: Steps from one row to the next that the usual one is found from.
_SAMPLED_STEPS = 20_000
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
#: Steps between ticks, in seconds.
_TICK_STEPS = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 5, 10)),
)
#: Beyond these, steps in months.
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_MONTH = 30.4 * _DAY
#: Most steps between the ends of an axis.
_MOST_STEPS = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Timing:
    """What is known of the time axis.

    Parameters
    ----------
    name : str
    are_dates : bool
        Whether times are seconds since 1970; else they are numbers of a unit that is not known.
    first, last : float or None
    step : float or None
        The usual time from one row to the next.
    longest_step : float or None
    is_ascending : bool
        Whether no row is earlier than the one before it, of the same asset.
    """

    name: str
    are_dates: bool
    first: float | None
    last: float | None
    step: float | None
    longest_step: float | None
    is_ascending: bool


class TimeTracker:
    """Looks at times as they come.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.are_dates = False
        self._low, self._high = np.inf, -np.inf
        self._before: dict[str | None, float] = {}
        self._steps = Reservoir(_SAMPLED_STEPS, 0)
        self._longest = -np.inf
        self._is_ascending = True

    def add(self, group: str | None, times: Float[np.ndarray, " n_rows"]) -> None:
        """Look at the times of one asset, which follow those before."""
        times = times[~np.isnan(times)]
        if not len(times):
            return
        self._low = min(self._low, float(times.min()))
        self._high = max(self._high, float(times.max()))
        before = self._before.get(group)
        steps = np.diff(times) if before is None else np.diff(times, prepend=before)
        self._before[group] = float(times[-1])
        if len(steps):
            self._steps.add(step=steps)
            self._longest = max(self._longest, float(steps.max()))
            self._is_ascending &= bool((steps >= 0.0).all())

    def finish(self) -> Timing:
        """Return what was seen."""
        seen, stepped = np.isfinite(self._low), len(self._steps) > 0
        step = float(np.median(self._steps.first("step"))) if stepped else None
        return Timing(
            self.name,
            self.are_dates,
            self._low if seen else None,
            self._high if seen else None,
            step if step is not None and step > 0.0 else None,
            self._longest if stepped else None,
            self._is_ascending,
        )


def date_ticks(first: float, last: float) -> tuple[list[float], list[str], str]:
    """Return round times between two others, how to write them, and what is the same for all.

    Parameters
    ----------
    first, last : float
        Seconds since 1970.
    """
    step = next((step for step in _TICK_STEPS if (last - first) / step <= _MOST_STEPS), None)
    if step is None:
        return _months(first, last)
    ticks = step * np.arange(np.ceil(first / step), np.floor(last / step) + 1.0)
    whens = [_when(tick) for tick in ticks.tolist()]
    clock = "%H:%M" if step >= _MINUTE else "%H:%M:%S"
    names = [when.strftime("%m-%d" if _is_midnight(when) else clock) for when in whens]
    # Where some tick names the day, the year is enough below.
    below = "%Y" if any(_is_midnight(when) for when in whens) else "%Y-%m-%d"
    return ticks.tolist(), names, whens[0].strftime(below) if whens else ""


def _months(first: float, last: float) -> tuple[list[float], list[str], str]:
    """Return first days of months or years."""
    lengths = (months for months in _MONTHS if (last - first) / (_MONTH * months) <= _MOST_STEPS)
    step = next(lengths, _MONTHS[-1])
    start = _when(first)
    ticks, names = [], []
    month = 12 * start.year + start.month - 1
    month += -month % step
    while month < 12 * datetime.max.year:
        when = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        seconds = (when - _EPOCH).total_seconds()
        if seconds > last:
            break
        if seconds >= first:
            ticks.append(seconds)
            names.append(when.strftime("%Y-%m" if step < 12 else "%Y"))
        month += step
    return ticks, names, ""


def _when(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _is_midnight(when: datetime) -> bool:
    return (when.hour, when.minute, when.second) == (0, 0, 0)
