"""The time axis of a table: span, step, gaps."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dagmm.data.base import Chunk
from dagmm.preprocessing.columns.datetimes import dates_of, seconds_of
from dagmm.preprocessing.windows.clock import times_in_numbers
from dagmm.report.reservoir import Sample

#: Steps from one row to the next that the usual one is found from.
_STEPS = 20_000


def times_of(chunk: Chunk, name: str) -> tuple[Float[np.ndarray, " n_rows"], bool]:
    """Return the times of a chunk and whether they are dates.

    Returns
    -------
    times : ndarray of shape (n_rows,)
        Seconds since 1970 on the wall clock, or the column's own numbers; NaN in holes.
    are_dates : bool

    Raises
    ------
    InputError
        If the column holds neither dates nor numbers; the row is named.
    """
    numbers = times_in_numbers(chunk, name)
    if numbers is not None:
        return numbers, False
    dates = dates_of(chunk, name, "it is the time axis")
    seconds = seconds_of(dates).astype(np.float64)
    seconds[np.asarray(dates.is_null())] = np.nan
    return seconds, True


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
        self._steps = Sample(_STEPS, 0)
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
