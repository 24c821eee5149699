"""How long a window is, as a user says it."""

from dataclasses import dataclass
from numbers import Integral

from dagmm._core.arguments import check_int
from dagmm._core.durations import parse_duration
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import given, named

#: Leaves it to the rows.
AUTO = "auto"


@dataclass(frozen=True)
class WindowLength:
    """A window, before the rows are known.

    Parameters
    ----------
    time : str
        The column that says when a row was measured.
    group : str or None
        The column that names the asset.
    rows : int or None
        Rows of a window; None where ``seconds`` says it, or neither does: the rows choose.
    seconds : float or None
        Duration of a window.
    said : int or str
        What the user wrote.
    step : int
        Every so many rows a window is trained on.
    """

    time: str
    group: str | None
    rows: int | None
    seconds: float | None
    said: int | str
    step: int

    @classmethod
    def of(
        cls, window: object, step: object, time: str | None, group: str | None
    ) -> "WindowLength":
        """Check what a user passes.

        Raises
        ------
        ArgumentError
            If ``window`` is neither a number of rows nor a duration, or there is no ``time``.
        """
        if window == AUTO:
            rows, seconds = None, None
        elif isinstance(window, str):
            rows, seconds = None, parse_duration("window", window)
        elif isinstance(window, Integral) and not isinstance(window, bool) and int(window) >= 2:
            rows, seconds = int(window), None
        else:
            raise ArgumentError(
                f"{named('window')} must be an int >= 2, a number of rows, a duration such as "
                f"'60s' or '10 min', or 'auto', got {window!r}."
            )
        if time is None:
            raise ArgumentError(
                f"{named('window')} needs {named('time')}, the column that says when a row was "
                f"measured; pass {given('time', '...')} as well."
            )
        said = window if isinstance(window, str) else int(window)
        return cls(time, group, rows, seconds, said, check_int("step", step, 1))

    @property
    def is_auto(self) -> bool:
        """Whether the rows choose."""
        return self.rows is None and self.seconds is None

    def n_steps(self, interval: float) -> int:
        """Return the rows of a window that is said.

        Parameters
        ----------
        interval : float
            Median time from one row of an asset to its next, in seconds.

        Raises
        ------
        ArgumentError
            If a duration holds fewer than two rows, or the clock stands still.
        """
        if self.rows is not None:
            return self.rows
        assert self.seconds is not None, "rows that choose are asked otherwise"
        if interval <= 0.0:
            raise ArgumentError(
                f"{named('window')} is {self.said!r}, but the median time from one row to the "
                f"next is 0 s in column {self.time!r}; give {named('window')} as a "
                f"number of rows, or name the column of the asset in {named('group')} where rows "
                "of several are mixed."
            )
        n_steps = round(self.seconds / interval)
        if n_steps < 2:
            raise ArgumentError(
                f"{named('window')} must hold at least 2 rows, but {self.said!r} holds {n_steps} "
                f"at the median interval of {interval:g} s from one row to the next; give a "
                "longer one."
            )
        return n_steps
