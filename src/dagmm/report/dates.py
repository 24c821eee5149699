"""Round times for an axis, and how to write them."""

from datetime import UTC, datetime, timedelta

import numpy as np

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
#: Steps between ticks, in seconds.
_STEPS = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 5, 10)),
)
#: Beyond these, steps in months.
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_MONTH = 30.4 * _DAY
#: Most steps between the ends.
_MOST = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def date_ticks(first: float, last: float) -> tuple[list[float], list[str], str]:
    """Return round times between two others, how to write them, and what is the same for all.

    Parameters
    ----------
    first, last : float
        Seconds since 1970.
    """
    step = next((step for step in _STEPS if (last - first) / step <= _MOST), None)
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
    lengths = (months for months in _MONTHS if (last - first) / (_MONTH * months) <= _MOST)
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
