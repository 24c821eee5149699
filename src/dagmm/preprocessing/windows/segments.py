"""Segments: rows of one asset without a gap. No window reaches beyond its own."""

import numpy as np
from jaxtyping import Float64, Int64

#: Times the median interval; where more time passes from one row to the next there is a gap.
GAP = 10.0


def median_interval(
    asset: Int64[np.ndarray, " n_rows"], time: Float64[np.ndarray, " n_rows"]
) -> float:
    """Median time from one row of an asset to its next, in seconds; 0 where there are no two.

    Parameters
    ----------
    asset, time : ndarray of shape (n_rows,)
        Rows of one asset lie together, in their order.
    """
    intervals = np.diff(time)[asset[1:] == asset[:-1]]
    return float(np.median(intervals)) if len(intervals) else 0.0


def first_rows(
    asset: Int64[np.ndarray, " n_rows"], time: Float64[np.ndarray, " n_rows"], gap: float
) -> Int64[np.ndarray, " n_rows"]:
    """Return, for each row, the first row of its segment.

    Parameters
    ----------
    asset, time : ndarray of shape (n_rows,)
        Rows of one asset lie together, in their order.
    gap : float
        Longest time from one row to the next within a segment, in seconds.
    """
    begins = np.ones(len(asset), bool)
    begins[1:] = (asset[1:] != asset[:-1]) | (np.diff(time) > gap)
    return np.maximum.accumulate(np.where(begins, np.arange(len(asset)), 0))


def window_ends(
    first: Int64[np.ndarray, " n_rows"], n_steps: int, step: int = 1
) -> Int64[np.ndarray, " n_windows"]:
    """Return the last rows of whole windows, every ``step``-th of each segment."""
    before = np.arange(len(first)) - first - (n_steps - 1)
    return np.flatnonzero((before >= 0) & (before % step == 0))
