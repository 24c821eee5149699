"""An alarm budget: how many false alarms somebody can bear, as a share of the rows."""

import re

from dagmm._core.arguments import check_choice, check_number
from dagmm._core.errors import ArgumentError

#: Seconds of what alarms are counted in.
PERIODS = {
    "hour": 3600.0,
    "day": 86400.0,
    "week": 604800.0,
    "month": 2592000.0,  # of 30 days
    "year": 31536000.0,
}
_UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|min|h|d)")


def seconds_of(argument: str, duration: object) -> float:
    """Return a duration in seconds.

    Parameters
    ----------
    argument : str
        How messages call it.
    duration : float or str
        Seconds, or a number with a unit: ms, s, min, h or d.

    Raises
    ------
    ArgumentError
        If it is neither, or not more than zero.
    """
    if isinstance(duration, str):
        match = _DURATION.fullmatch(duration.strip())
        if match is None or float(match[1]) == 0.0:
            raise ArgumentError(
                f"{argument} must be a duration > 0 such as '1s', '10 min' or '1 h', "
                f"got {duration!r}."
            )
        return float(match[1]) * _UNITS[match[2]]
    return check_number(argument, duration, 0.0, above=True)


def share_of_budget(alarms: object, per: object, every: object) -> float:
    """Share of normal rows that may be called anomalies.

    Parameters
    ----------
    alarms : float
        False alarms, at most.
    per : {"hour", "day", "week", "month", "year"}
        The time they are counted in; a month has 30 days.
    every : float or str
        The time from one row to the next: seconds, or a text such as ``"10 min"``.

    Raises
    ------
    ArgumentError
        If one of them cannot be used, or there are more alarms than rows.
    """
    allowed = check_number("alarms", alarms, 0.0, above=True)
    period = PERIODS[str(check_choice("per", per, tuple(PERIODS)))]
    rows = period / seconds_of("every", every)
    if allowed >= rows:
        raise ArgumentError(
            f"alarms must be fewer than the rows of a {per}, {rows:g} at one every {every!r}, "
            f"got {alarms!r}."
        )
    return allowed / rows
