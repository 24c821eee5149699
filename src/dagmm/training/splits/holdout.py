"""Which of a table's rows are fitted to, so that something is known about rows that are not."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from dagmm.preprocessing.row_views import FeatureMatrix, RowSubset
from dagmm.training.splits.folds import Folds, folds_of_rows
from dagmm.training.splits.time_blocks import TimeOrder

#: From so many rows on some are held out of the fit altogether. In smaller tables, where each row
#: counts for detection and a tenth of them would say little, each network leaves out others.
FROM_ROWS = 10_000
#: The same where networks leave out nothing: smaller tables are fitted to whole.
FROM_ROWS_UNCROSSED = 5000
#: Share that is held out, and the most rows, which are enough for a threshold's tail.
SHARE, MOST_ROWS = 0.1, 20_000


@dataclass(frozen=True)
class Split:
    """Who is fitted to which of the rows that are held.

    Parameters
    ----------
    n_fitted : int
        How many rows, the first ones, the model is fitted to.
    order : ndarray of shape (n_rows,)
        ``order[i]`` is the row of the table that is now row ``i``.
    folds : Folds or None
        Which of the first rows each network is fitted to; None where all are to all.
    in_time : bool
        Whether what is left out are blocks of time; rows drawn at random otherwise.
    """

    n_fitted: int
    order: Int64[np.ndarray, " n_rows"]
    folds: Folds | None = None
    in_time: bool = False

    @property
    def n_each(self) -> int:
        """How many rows the network with the fewest is fitted to."""
        return self.n_fitted if self.folds is None else self.folds.n_fitted

    def seen_by(self, member: int, features: np.ndarray) -> FeatureMatrix:
        """Return those of the first rows that one network is fitted to."""
        return features if self.folds is None else RowSubset(features, self.folds.fitted[member])


def split_rows(
    features: Float[np.ndarray, "padded_rows n_features"],
    n_rows: int,
    n_members: int,
    rng: np.random.Generator,
    *,
    crossing: bool,
    time_order: TimeOrder | None = None,
) -> Split:
    """Hold rows of a large table out of the fit; of a small one each network leaves out some.

    Parameters
    ----------
    features : ndarray of shape (padded_rows, n_features)
        Rows that are held out are moved behind the others, in place.
    n_rows : int
    n_members : int
    rng : numpy.random.Generator
    crossing : bool
        Whether networks may leave out rows: not where mixtures are fixed from more rows than are
        held.
    time_order : TimeOrder, optional
        Of rows in time, which are left out in blocks instead of at random.
    """
    if n_rows >= (FROM_ROWS if crossing else FROM_ROWS_UNCROSSED):
        n_fitted, order = hold_out(features, n_rows, rng, time_order)
        return Split(n_fitted, order, in_time=time_order is not None)
    in_blocks = at_random = None
    if crossing:
        in_blocks = None if time_order is None else time_order.folds(n_members)
        at_random = None if in_blocks else folds_of_rows(n_rows, n_members, rng)
    folds = in_blocks or at_random
    return Split(n_rows, np.arange(n_rows), folds, in_time=in_blocks is not None)


def hold_out(
    features: Float[np.ndarray, "padded_rows n_features"],
    n_rows: int,
    rng: np.random.Generator,
    time_order: TimeOrder | None = None,
) -> tuple[int, np.ndarray]:
    """Move a tenth of the rows, drawn at random or in blocks, behind the others, in place.

    Parameters
    ----------
    features : ndarray of shape (padded_rows, n_features)
        Changed in place; rows from ``n_rows`` on are padding and stay.
    n_rows : int
    rng : numpy.random.Generator
    time_order : TimeOrder, optional
        Of rows in time.

    Returns
    -------
    n_fitted : int
        How many rows are left to fit to: the first ones.
    order : ndarray of shape (n_rows,)
        ``order[i]`` is the row of the table that is now row ``i``.
    """
    order = np.arange(n_rows)
    n_held = min(MOST_ROWS, int(SHARE * n_rows))
    n_fitted = n_rows - n_held
    if time_order is None:
        held = rng.choice(n_rows, n_held, replace=False)
    else:
        held = time_order.blocks(n_held)
    # Those that lie behind already stay; the others change places with what lies there.
    from_front = np.sort(held[held < n_fitted])
    to_front = np.setdiff1d(np.arange(n_fitted, n_rows), held)
    order[from_front], order[to_front] = to_front, from_front
    features[np.concatenate([from_front, to_front])] = features[
        np.concatenate([to_front, from_front])
    ]
    return n_fitted, order
