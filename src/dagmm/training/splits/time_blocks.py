"""Which rows of a table were measured one after the other, where each is scored by itself.

A row that is left out of a fit at random has neighbours in time that are nearly the same, and is
as good as fitted to. Left out in blocks, rows tell what later ones look like.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from dagmm.data.base import Rows
from dagmm.preprocessing.columns.date_text import ISO, DateReading
from dagmm.preprocessing.windows.clock import known_assets_of, known_times_of
from dagmm.training.presets.held_out import FEWEST_ROWS, N_BLOCKS
from dagmm.training.splits.folds import Folds
from dagmm.training.splits.window_folds import QUARTERS, folds_of


@dataclass(frozen=True)
class TimeOrder:
    """When each row of a table was measured, and on what.

    Parameters
    ----------
    asset : ndarray of shape (n_rows,)
        Assets are numbered from 0 on; rows that name none are one together.
    time : ndarray of shape (n_rows,)
        In seconds; a row without a time has NaN and comes after the others. Numbers of rows where
        there is no clock.
    has_clock : bool
    """

    asset: Int64[np.ndarray, " n_rows"]
    time: Float64[np.ndarray, " n_rows"]
    has_clock: bool = True

    @classmethod
    def of(
        cls, rows: Rows, time: str, group: str | None, reading: DateReading = ISO
    ) -> "TimeOrder":
        """Read the time axis of a table, and the column that names the assets.

        Raises
        ------
        InputError
            If the clock holds texts that are no dates.
        """
        known: dict[str | None, int] = {}
        assets, times = [], []
        columns = tuple(name for name in (time, reading.clock, group) if name)
        for chunk in rows.only(columns).chunks():
            times.append(known_times_of(chunk, time, reading))
            found, asset = known_assets_of(chunk, group)
            number = [known.setdefault(name, len(known)) for name in found]
            assets.append(np.array(number, np.int64)[asset])
        return cls(np.concatenate(assets), np.concatenate(times))

    @classmethod
    def of_rows(cls, n_rows: int) -> "TimeOrder":
        """Take the rows of a table as they follow each other."""
        return cls(np.zeros(n_rows, np.int64), np.arange(n_rows, dtype=np.float64), False)

    @property
    def order(self) -> Int64[np.ndarray, " n_rows"]:
        """Rows asset by asset, those of each in time."""
        return np.lexsort((self.time, self.asset))

    def folds(self, n_members: int) -> Folds | None:
        """Share out the rows: each network leaves out a quarter of each asset's time.

        Returns
        -------
        Folds or None
            None where there are too few rows to leave any out, or assets have on the mean not one
            for each quarter: hardly a row then follows another.
        """
        n_rows = len(self.asset)
        if n_rows < max(FEWEST_ROWS, len(QUARTERS) * (1 + int(self.asset.max()))):
            return None
        order = self.order
        folds = folds_of(np.arange(n_rows), self.asset[order], 1, n_members)
        return Folds(*([np.sort(order[part]) for part in parts] for parts in folds))

    def blocks(self, n_held: int) -> Int64[np.ndarray, " n_held"]:
        """Return the rows, whatever their asset, of some blocks of time.

        They lie evenly over the rows; the last one ends with them.
        """
        order = np.argsort(self.time, kind="stable")
        stops = np.linspace(0, len(order), N_BLOCKS + 1).astype(np.int64)[1:]
        sizes = np.diff(np.linspace(0, n_held, N_BLOCKS + 1).astype(np.int64))
        parts = [np.arange(stop - n, stop) for stop, n in zip(stops, sizes, strict=True)]
        return order[np.concatenate(parts)]
