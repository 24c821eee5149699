"""Durations as people write them: ``"10 min"``."""

import re

from dagmm._core.arguments import check_number
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import named

_UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|min|h|d)")


def parse_duration(argument: str, duration: object) -> float:
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
                f"{named(argument)} must be a duration > 0 such as '1s', '10 min' or '1 h', "
                f"got {duration!r}."
            )
        return float(match[1]) * _UNITS[match[2]]
    return check_number(argument, duration, 0.0, above=True)
