"""From the training rows to the windows that are trained on."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from dagmm._core.errors import InputError, ShortSegmentWarning
from dagmm._core.wording import named
from dagmm.data.base import Rows
from dagmm.preprocessing.columns.date_text import ISO, DateReading
from dagmm.preprocessing.windows.auto_length import rows_of_window
from dagmm.preprocessing.windows.buffer import places_of
from dagmm.preprocessing.windows.clock import assets_of, check_forward, times_of
from dagmm.preprocessing.windows.length import WindowLength
from dagmm.preprocessing.windows.segments import GAP, first_rows, median_interval, window_ends
from dagmm.preprocessing.windows.spec import WindowSpec

#: Shorter assets that a warning lists by name.
_LISTED = 5


@dataclass(frozen=True)
class Series:
    """Training rows in the order of windows: asset by asset.

    Parameters
    ----------
    names : list of str
        The assets.
    asset : ndarray of shape (n_rows,)
        Which of them each row belongs to.
    time : ndarray of shape (n_rows,)
        In seconds.
    order : ndarray of shape (n_rows,)
        Where each row lies in the table.
    first : ndarray of shape (n_rows,)
        First row of each row's segment.
    ends : ndarray of shape (n_windows,)
        Last rows of the whole windows, every ``step``-th.
    n_steps : int
        Rows of a window.
    interval, gap : float
        Median time from one row to the next, and the longest within a segment, in seconds.
    """

    names: list[str]
    asset: Int64[np.ndarray, " n_rows"]
    time: Float64[np.ndarray, " n_rows"]
    order: Int64[np.ndarray, " n_rows"]
    first: Int64[np.ndarray, " n_rows"]
    ends: Int64[np.ndarray, " n_windows"]
    n_steps: int
    interval: float
    gap: float


def series_of(
    rows: Rows, length: WindowLength, features: np.ndarray, reading: DateReading = ISO
) -> Series:
    """Read clock and assets of the training rows, and find the windows.

    Parameters
    ----------
    rows : Rows
    length : WindowLength
    features : ndarray of shape (n_rows, n_features)
        The rows, encoded, which choose the length of a window where it is not said.
    reading : DateReading
        How the clock writes dates.

    Raises
    ------
    InputError
        If a row has no time or no asset, the clock of an asset runs backwards, or no segment is
        as long as a window.
    ArgumentError
        If a duration holds fewer than two rows.

    Warns
    -----
    ShortSegmentWarning
        If an asset has no segment as long as a window.
    """
    asset, time, names = _read(rows, length.time, length.group, reading)
    order = np.argsort(asset, kind="stable")
    asset, time = asset[order], time[order]
    interval = median_interval(asset, time)
    gap = GAP * interval
    if length.is_auto:
        n_steps = rows_of_window(features[order], asset)
    else:
        n_steps = length.n_steps(interval)
    if interval <= 0.0:
        gap = np.inf  # a clock that stands still shows no gaps
    first = first_rows(asset, time, gap)
    ends = window_ends(first, n_steps, length.step)
    _check_enough(length, first, asset, names, ends, n_steps)
    return Series(names, asset, time, order, first, ends, n_steps, interval, gap)


def series_of_more(rows: Rows, windows: WindowSpec, reading: DateReading = ISO) -> Series:
    """Find the windows of rows other than the training rows; there may be none.

    Parameters
    ----------
    rows : Rows
    windows : WindowSpec
        Learnt from the training rows.
    reading : DateReading
        How the clock writes dates.

    Raises
    ------
    InputError
        If a row has no time or no asset, or the clock of an asset runs backwards.
    """
    asset, time, names = _read(rows, windows.time, windows.group, reading)
    order = np.argsort(asset, kind="stable")
    asset, time = asset[order], time[order]
    first = first_rows(asset, time, windows.gap)
    ends = window_ends(first, windows.n_steps, windows.step)
    return Series(
        *(names, asset, time, order, first, ends),
        *(windows.n_steps, windows.interval, windows.gap),
    )


def _read(
    rows: Rows, clock: str, group: str | None, reading: DateReading
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    known: dict[str, int] = {}
    assets, times = [], []
    before: dict[str, float] = {}
    for chunk in rows.chunks():
        time = times_of(chunk, clock, reading)
        found, asset = assets_of(chunk, group)
        for name, places in zip(found, places_of(asset, len(found)), strict=True):
            own, earlier = time[places], before.get(name, -np.inf)
            check_forward(*(chunk, clock, group, name, earlier, own, places), reading)
            before[name] = float(own[-1])
        number = np.array([known.setdefault(name, len(known)) for name in found], np.int64)
        assets.append(number[asset])
        times.append(time)
    return np.concatenate(assets), np.concatenate(times), list(known)


def _check_enough(
    length: WindowLength,
    first: np.ndarray,
    asset: np.ndarray,
    names: list[str],
    ends: np.ndarray,
    n_steps: int,
) -> None:
    longest = int((np.arange(len(first)) - first).max()) + 1
    said = f"{named('window')} {length.said!r}"
    if isinstance(length.said, str):
        said += f", {n_steps} rows"
    if len(ends) < 2:
        raise InputError(
            f"{said}: expected at least 2 windows to fit to, got {len(ends)}; the longest segment "
            f"of rows without a gap has {longest}. Choose a shorter window."
        )
    whole = np.zeros(len(names), bool)
    whole[asset[ends]] = True
    short = [names[i] for i in np.flatnonzero(~whole)]
    if short:
        listed = ", ".join(repr(name) for name in short[:_LISTED])
        more = f" and {len(short) - _LISTED} more" if len(short) > _LISTED else ""
        warnings.warn(
            f"{said}: no segment of {listed}{more} without a gap is as long, so nothing is learnt "
            f"of {'it' if len(short) == 1 else 'them'}.",
            ShortSegmentWarning,
            stacklevel=2,
        )
