"""Which training rows each network is not fitted to, so that something is known about new ones.

Rows that a model was fitted to have lower energies than new ones, most of all in small and wide
tables. If each network leaves some rows out, they tell what new rows look like, and no row is lost
to the model: the other networks are fitted to it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from dagmm.training.presets.held_out import FEWEST_ROWS, FOLDS_OF_FEW, FOLDS_OF_MANY, MANY_ROWS


class Folds(NamedTuple):
    """Rows, or windows, that each network is fitted to, and not fitted to, by their positions."""

    fitted: list[Int64[np.ndarray, " n_fitted"]]
    """By member."""
    held_out: list[Int64[np.ndarray, " n_held_out"]]
    """By member: of windows those that share no row with the others; none in small tables."""

    @property
    def n_fitted(self) -> int:
        """How many the network with the fewest is fitted to."""
        return min(map(len, self.fitted))

    def groups(self) -> list[list[int]]:
        """Members by groups that leave out the same; none where nothing is left out."""
        groups: dict[bytes, list[int]] = {}
        for i, places in enumerate(self.held_out):
            if len(places):
                groups.setdefault(places.tobytes(), []).append(i)
        return list(groups.values())


def whole(n: int, n_members: int) -> Folds:
    """Fit every network to everything."""
    return Folds([np.arange(n)] * n_members, [np.empty(0, np.int64)] * n_members)


def folds_of_rows(n_rows: int, n_members: int, rng: np.random.Generator) -> Folds | None:
    """Share out the rows at random: each network leaves out a part, in turn.

    Parameters
    ----------
    n_rows : int
    n_members : int
    rng : numpy.random.Generator

    Returns
    -------
    Folds or None
        None where there are too few rows to leave any out.
    """
    if n_rows < FEWEST_ROWS:
        return None
    n_folds = FOLDS_OF_FEW if n_rows < MANY_ROWS else FOLDS_OF_MANY
    fold = rng.permutation(n_rows) % n_folds
    left_out = [fold == i % n_folds for i in range(n_members)]
    return Folds(
        [np.flatnonzero(~places) for places in left_out],
        [np.flatnonzero(places) for places in left_out],
    )
