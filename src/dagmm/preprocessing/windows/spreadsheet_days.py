"""A clock of days, as spreadsheets count them, which would be read as one of seconds."""

import warnings

import numpy as np
from jaxtyping import Float64

from dagmm._core.errors import TableWarning
from dagmm.data.base import Rows
from dagmm.preprocessing.columns.date_text import ISO, DateReading
from dagmm.preprocessing.windows.clock import times_in_numbers

#: Days since 1899-12-30 at the beginning of 1990 and of 2100.
_SINCE, _UNTIL = 32_874.0, 73_051.0
_LOOKED_AT = 1000


def warn_of_spreadsheet_days(rows: Rows, time: str, reading: DateReading = ISO) -> None:
    """Warn of a clock that holds numbers such as 45292.5, the noon of a day.

    Parameters
    ----------
    rows : Rows
    time : str
        The column that is the clock.
    reading : DateReading
        How it writes dates.
    """
    chunk = rows.only((time,)).chunk(0, min(rows.n_rows, _LOOKED_AT))
    numbers = times_in_numbers(chunk, time, reading)
    if numbers is None or not are_spreadsheet_days(numbers):
        return
    first = numbers[np.isfinite(numbers)][0]
    warnings.warn(
        f"column {time!r}, the time axis, holds numbers such as {first:.5f}, which are taken for "
        "seconds. They look like days as spreadsheets count them: write them as dates, such as "
        f"{_date_of(first)}.",
        TableWarning,
        stacklevel=3,
    )


def are_spreadsheet_days(numbers: Float64[np.ndarray, " n_rows"]) -> bool:
    """Tell whether numbers lie where days from 1990 to 2100 do, with fractions of a day.

    A minute is no whole number of thousandths of a day, whereas loggers that count seconds write
    whole thousandths.
    """
    known = numbers[np.isfinite(numbers)]
    if not len(known) or not ((known >= _SINCE) & (known < _UNTIL)).all():
        return False
    thousandths = known * 1000.0
    return bool((np.abs(thousandths - thousandths.round()) > 0.01).mean() > 0.5)


def _date_of(days: float) -> str:
    start = np.datetime64("1899-12-30T00:00:00")
    return str(start + np.timedelta64(round(days * 86400.0), "s")).replace("T", " ")
