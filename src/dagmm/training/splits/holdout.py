"""Which of a table's rows are fitted to, so that something is known about rows that are not."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from dagmm.inference.calibration.calibration import (
    HELD_OUT,
    HELD_OUT_IN_ORDER,
    HELD_OUT_IN_TIME,
    OUT_OF_FOLD,
    OUT_OF_FOLD_IN_ORDER,
    OUT_OF_FOLD_IN_TIME,
)
from dagmm.training.presets.held_out import (
    HELD_OUT_FROM_ROWS,
    HELD_OUT_FROM_ROWS_WITHOUT_FOLDS,
    HELD_OUT_SHARE,
    MOST_HELD_OUT,
)
from dagmm.training.splits.folds import Folds, folds_of_rows
from dagmm.training.splits.time_blocks import TimeOrder


@dataclass(frozen=True)
class Split:
    """Who is fitted to which of the rows, or windows, that are held.

    Parameters
    ----------
    fitted, held_out : ndarray of shape (n_fitted,) and (n_held_out,)
        What the model is fitted to, and what nothing of it is, by their positions.
    folds : Folds or None
        Which of them each network is fitted to; None where all are to all of ``fitted``.
    are : str
        Which rows those are that were not fitted to, in words.
    order : ndarray of shape (n,) or None
        Positions of all that are held, as they follow each other; None where they lie so.
    """

    fitted: Int64[np.ndarray, " n_fitted"]
    held_out: Int64[np.ndarray, " n_held_out"]
    folds: Folds | None = None
    are: str = ""
    order: Int64[np.ndarray, " n"] | None = None

    @property
    def n_each(self) -> int:
        """How many the network with the fewest is fitted to."""
        return len(self.fitted) if self.folds is None else self.folds.n_fitted

    def of_network(self, i: int) -> Int64[np.ndarray, " n_of_network"]:
        """Return what one network is fitted to."""
        return self.fitted if self.folds is None else self.folds.fitted[i]

    def as_they_follow(
        self, places: Int64[np.ndarray, " n_places"]
    ) -> Int64[np.ndarray, " n_places"]:
        """Return how to sort some positions so that they follow each other."""
        if self.order is None:
            return np.argsort(places)
        rank = np.empty_like(self.order)
        rank[self.order] = np.arange(len(rank))
        return np.argsort(rank[places])


def everything(n_rows: int) -> Split:
    """Fit everything to all rows."""
    return Split(np.arange(n_rows), np.empty(0, np.int64))


def split_rows(
    n_rows: int,
    n_networks: int,
    rng: np.random.Generator,
    *,
    by_network: bool,
    time_order: TimeOrder | None = None,
) -> Split:
    """Hold rows of a large table out of the fit; of a small one each network leaves out some.

    Parameters
    ----------
    n_rows : int
    n_networks : int
    rng : numpy.random.Generator
    by_network : bool
        Whether networks may leave out rows: not where densities are fixed from more rows than are
        held.
    time_order : TimeOrder, optional
        Of rows that follow each other, which are left out in blocks instead of at random.
    """
    order = None if time_order is None else time_order.order
    if n_rows >= (HELD_OUT_FROM_ROWS if by_network else HELD_OUT_FROM_ROWS_WITHOUT_FOLDS):
        held_out = rows_held_out(n_rows, rng, time_order)
        fitted = np.setdiff1d(np.arange(n_rows), held_out)
        return Split(fitted, held_out, None, _are(_HELD_OUT, time_order), order)
    whole = replace(everything(n_rows), order=order)
    if not by_network:
        return whole
    in_blocks = None if time_order is None else time_order.folds(n_networks)
    if in_blocks is not None:
        return replace(whole, folds=in_blocks, are=_are(_OUT_OF_FOLD, time_order))
    at_random = folds_of_rows(n_rows, n_networks, rng)
    if at_random is None:
        return whole
    return replace(whole, folds=at_random, are=OUT_OF_FOLD)


#: In words: at random, in blocks of time, in blocks of rows.
_HELD_OUT = (HELD_OUT, HELD_OUT_IN_TIME, HELD_OUT_IN_ORDER)
_OUT_OF_FOLD = (OUT_OF_FOLD, OUT_OF_FOLD_IN_TIME, OUT_OF_FOLD_IN_ORDER)


def _are(words: tuple[str, str, str], time_order: TimeOrder | None) -> str:
    at_random, in_time, in_order = words
    if time_order is None:
        return at_random
    return in_time if time_order.has_clock else in_order


def rows_held_out(
    n_rows: int, rng: np.random.Generator, time_order: TimeOrder | None = None
) -> Int64[np.ndarray, " n_held_out"]:
    """Return a tenth of the rows, drawn at random or in blocks of time, in ascending order."""
    n_held = min(MOST_HELD_OUT, int(HELD_OUT_SHARE * n_rows))
    if time_order is None:
        return np.sort(rng.choice(n_rows, n_held, replace=False))
    return np.sort(time_order.blocks(n_held))
