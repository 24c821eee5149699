"""How numbers are written on the page."""

from datetime import UTC, datetime, timedelta

import numpy as np

from dagmm.report.plots.scale import short_number

#: What stands for a number that is not there.
NOTHING = "\N{EN DASH}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: From this many days after 1970 on there are no dates.
_LAST_DAY = 2_900_000


def count(n: int | None) -> str:
    """Write a number of things."""
    return NOTHING if n is None else f"{n:,}"


def percent(share: float | None) -> str:
    """Write a share in percent, to three digits."""
    if share is None:
        return NOTHING
    digits = f"{100.0 * share:.3g}"
    text = f"{float(digits):.10f}".rstrip("0").rstrip(".") if "e-" in digits else digits
    return f"{text or '0'}\N{NO-BREAK SPACE}%"


def nats(energy: float | None) -> str:
    """Write an energy or a contribution."""
    if energy is None:
        return NOTHING
    if abs(energy) >= 1e6:
        return short_number(float(f"{energy:.3g}"))
    text = f"{energy:,.1f}" if abs(energy) < 1000.0 else f"{energy:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def value(number: float | str | None, digits: int = 5) -> str:
    """Write a value of the user's table: text as it is, numbers to five digits."""
    if number is None:
        return NOTHING
    if isinstance(number, str):
        return number
    return short_number(float(f"{number:.{digits}g}"))


def rough(number: float | str | None) -> str:
    """Write a value that went through float32, which does not hold the last digits."""
    return value(number, 4)


def figure(number: float | None, digits: int = 3) -> str:
    """Write a figure between 0 and 1, or a small one, with fixed decimals."""
    if number is None:
        return NOTHING
    return f"{number:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def rate(number: float) -> str:
    """Write how many alarms there are in a time."""
    if number >= 100.0:
        return f"{number:,.0f}"
    digits = f"{number:.2g}"
    return f"{float(digits):.8f}".rstrip("0").rstrip(".") if "e" in digits else digits


def moment(seconds: float | None) -> str:
    """Write seconds since 1970 as a date and a time of the wall clock."""
    if seconds is None or not np.isfinite(seconds) or abs(seconds) > 86400.0 * _LAST_DAY:
        return NOTHING
    when = _EPOCH + timedelta(seconds=round(seconds))
    form = "%Y-%m-%d %H:%M:%S" if when.second else "%Y-%m-%d %H:%M"
    return when.strftime(form)


def duration(seconds: float, units: dict[str, str]) -> str:
    """Write a duration in the largest unit that it fills.

    Parameters
    ----------
    seconds : float
    units : dict of str to str
        Names of ``s``, ``min``, ``h`` and ``d``.
    """
    lengths = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
    unit, length = next((pair for pair in lengths if seconds >= pair[1]), lengths[-1])
    return f"{seconds / length:.3g}\N{NO-BREAK SPACE}{units[unit]}"
