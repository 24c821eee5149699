"""An alarm budget: how many false alarms somebody can bear, as a share of the rows."""

from dagmm._core.arguments import check_choice, check_number
from dagmm._core.durations import parse_duration
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import named

#: Seconds of what alarms are counted in.
PERIODS = {
    "hour": 3600.0,
    "day": 86400.0,
    "week": 604800.0,
    "month": 2592000.0,  # of 30 days
    "year": 31536000.0,
}


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
    rows = period / parse_duration("every", every)
    if allowed >= rows:
        raise ArgumentError(
            f"{named('alarms')} must be fewer than the rows of a {per}, {rows:g} at one "
            f"every {every!r}, got {alarms!r}."
        )
    return allowed / rows
