"""Downsampling of long series for a figure, in bounded memory."""

import numpy as np
from jaxtyping import Float


class MinMaxDownsampler:
    """Min-max downsampling of several series: lowest and highest value of equal runs of rows.

    A point is one row as long as there are few; whenever there are too many points, each two
    neighbours are merged. The extremes are exact.

    Parameters
    ----------
    n_series : int
    most : int, default=1000
        Most points; an even number.
    """

    def __init__(self, n_series: int, most: int = 1000) -> None:
        self._most = most
        self._low = np.full((most, n_series), np.nan)
        self._high = np.full((most, n_series), np.nan)
        self.n_rows = 0
        self.rows_per_point = 1

    def add(self, values: Float[np.ndarray, "n_rows n_series"]) -> None:
        """Add the rows that follow; NaN where there is no value."""
        if not len(values):
            return
        end = self.n_rows + len(values)
        while end > self._most * self.rows_per_point:
            self._merge()
        place = np.arange(self.n_rows, end) // self.rows_per_point
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        at = place[starts]
        self._low[at] = np.fmin(self._low[at], np.fmin.reduceat(values, starts))
        self._high[at] = np.fmax(self._high[at], np.fmax.reduceat(values, starts))
        self.n_rows = end

    @property
    def low(self) -> Float[np.ndarray, "n_points n_series"]:
        """Lowest values; NaN at a point without any."""
        return self._low[: self._n_used]

    @property
    def high(self) -> Float[np.ndarray, "n_points n_series"]:
        """Highest values; NaN at a point without any."""
        return self._high[: self._n_used]

    @property
    def first_row(self) -> Float[np.ndarray, " n_points"]:
        """Number of the first row of each point."""
        return np.arange(self._n_used, dtype=np.float64) * self.rows_per_point

    @property
    def _n_used(self) -> int:
        return -(-self.n_rows // self.rows_per_point)

    def _merge(self) -> None:
        half = self._most // 2
        for values, joined in ((self._low, np.fmin), (self._high, np.fmax)):
            values[:half] = joined(values[::2], values[1::2])
            values[half:] = np.nan
        self.rows_per_point *= 2
