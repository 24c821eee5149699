"""Which rows of a table were measured one after the other, where each is judged by itself.

A row that is left out of a fit at random has neighbours in time that are nearly the same, and is
as good as fitted to. Left out in stretches, rows tell what later ones look like.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Int64

from dagmm.folds import FEWEST_ROWS, Folds
from dagmm.rows import Chunk, Rows
from dagmm.windows.clock import known_times_of
from dagmm.windows.folds import QUARTERS, folds_of

#: Stretches that are held out of a large table, evenly over its time.
STRETCHES = 10


@dataclass(frozen=True)
class Succession:
    """Rows of a table by asset and time.

    Parameters
    ----------
    order : ndarray of shape (n_rows,)
        Where each row lies in the table. A row without a time comes after the others of its asset.
    asset : ndarray of shape (n_rows,)
        Which asset each row belongs to, in this order; rows that name none are one together.
    """

    order: Int64[np.ndarray, " n_rows"]
    asset: Int64[np.ndarray, " n_rows"]

    @classmethod
    def of(cls, rows: Rows, time: str, group: str | None) -> "Succession":
        """Read when the rows of a table were measured, and on what.

        Raises
        ------
        InputError
            If the clock holds texts that are no dates.
        """
        known: dict[object, int] = {}
        assets, times = [], []
        for chunk in rows.only((time,) if group is None else (time, group)).chunks():
            times.append(known_times_of(chunk, time))
            assets.append(_assets_of(chunk, group, known))
        asset, moment = np.concatenate(assets), np.concatenate(times)
        order = np.lexsort((moment, asset))
        return cls(order, asset[order])

    def folds(self, n_members: int) -> Folds | None:
        """Share out the rows: each network leaves out a quarter of each asset's time.

        Returns
        -------
        Folds or None
            None where there are too few rows to leave any out, or assets have on the mean not one
            for each quarter: hardly a row then follows another.
        """
        n_rows = len(self.order)
        if n_rows < max(FEWEST_ROWS, len(QUARTERS) * (1 + int(self.asset[-1]))):
            return None
        folds = folds_of(np.arange(n_rows), self.asset, 1, n_members)
        return Folds(*([np.sort(self.order[part]) for part in parts] for parts in folds))

    def stretches(self, n_held: int) -> Int64[np.ndarray, " n_held"]:
        """Return rows that lie in some stretches, the last of which ends with the table."""
        n_rows = len(self.order)
        stops = np.linspace(0, n_rows, STRETCHES + 1).astype(np.int64)[1:]
        sizes = np.diff(np.linspace(0, n_held, STRETCHES + 1).astype(np.int64))
        parts = (np.arange(stop - n, stop) for stop, n in zip(stops, sizes, strict=True))
        return self.order[np.concatenate(list(parts))]


def _assets_of(
    chunk: Chunk, name: str | None, known: dict[object, int]
) -> Int64[np.ndarray, " n_rows"]:
    if name is None:
        return np.zeros(chunk.n_rows, np.int64)
    texts = pc.dictionary_encode(chunk.text(name), null_encoding="encode")
    number = [known.setdefault(text, len(known)) for text in texts.dictionary.to_pylist()]
    return np.array(number, np.int64)[np.asarray(texts.indices, np.int64)]
