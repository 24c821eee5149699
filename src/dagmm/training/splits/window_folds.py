"""Which windows each network is not fitted to, so that something is known about new ones.

Windows that follow each other share nearly all their rows: one that is held out at random is as
good as fitted to. Each network leaves out a part of each asset's time instead, and all windows
that share a row with it; see :mod:`dagmm.training.splits.folds`.
"""

import numpy as np
from jaxtyping import Int64

from dagmm.preprocessing.windows.parts import parts_of, touches
from dagmm.training.presets.held_out import LEAST_LEFT
from dagmm.training.splits.folds import Folds, whole

#: Quarters of each asset's rows, in the order in which networks leave them out: the last comes
#: first, since it is most like what comes after the training rows.
QUARTERS = (3, 1, 0, 2)
#: Stands for no part.
_NOTHING = -1
#: Parts of an asset's rows, and which of them networks leave out in turn. Windows that share a row
#: with what is left out are lost on one side only at an end, so that short tables leave out ends.
_PLANS = ((4, QUARTERS), (4, (3, 0)), (4, (3, _NOTHING)), (8, (7, _NOTHING)))


def folds_of(
    ends: Int64[np.ndarray, " n_windows"],
    asset: Int64[np.ndarray, " n_rows"],
    n_steps: int,
    n_members: int,
) -> Folds:
    """Share out the windows: each network leaves out a quarter, or less of a short table.

    Parameters
    ----------
    ends : ndarray of shape (n_windows,)
        Last rows of the windows.
    asset : ndarray of shape (n_rows,)
        Rows of one asset lie together, in their order.
    n_steps : int
    n_members : int

    Returns
    -------
    Folds
        Nothing is left out where some network would not keep half of the windows.
    """
    for n_parts, turns in _PLANS:
        part = parts_of(asset, n_parts)
        fitted, held_out = [], []
        turn = [turns[i % len(turns)] for i in range(n_members)]
        for one in turn:
            left_out = part == one
            fitted.append(np.flatnonzero(~touches(left_out, asset, n_steps)[ends]))
            held_out.append(np.flatnonzero(left_out[ends]))
        enough = min(map(len, fitted)) >= max(2, LEAST_LEFT * len(ends))
        if enough and all(
            len(part) or one == _NOTHING for part, one in zip(held_out, turn, strict=True)
        ):
            return Folds(fitted, held_out)
    return whole(len(ends), n_members)
