"""Whether the rows of a table follow each other, also where nobody named a clock.

Files of plants are written row after row. A row that is left out of a fit at random then has
neighbours that are nearly the same, and is as good as fitted to.
"""

import numpy as np
from jaxtyping import Bool, Float32

#: Blocks of rows, within which neighbours are compared and whose levels are; fewest rows of one.
_N_BLOCKS, _LEAST_ROWS = 20, 10
#: Correlation of a column with itself one row later, within blocks, from which its rows follow
#: each other, and in how many standard deviations of independent rows it must be seen.
_ALIKE, _DEVIATIONS = 0.3, 4.0
#: The same of a column that moves: correlation of two rows of one block (intraclass correlation).
_MOVES = 0.25
#: Share of the columns, at least, that must do one or the other.
_LEAST_SHARE = 0.2


def columns_in_order(
    features: Float32[np.ndarray, "n_rows n_features"],
) -> Bool[np.ndarray, " n_features"]:
    """Return which columns go on from row to row, if enough of them do for rows to be a series.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
        Encoded rows, in the order of the table.

    Returns
    -------
    ndarray of shape (n_features,)
        All False where less than a fifth of the columns that vary do, or there are fewer than 200
        rows.
    """
    n_rows, n_features = features.shape
    nothing = np.zeros(n_features, bool)
    if n_rows < _N_BLOCKS * _LEAST_ROWS:
        return nothing
    mean = features.mean(axis=0, dtype=np.float64)
    next_to, within, between = np.zeros((3, _N_BLOCKS, n_features))
    for i, block in enumerate(np.array_split(features, _N_BLOCKS)):
        level = block.mean(axis=0, dtype=np.float64)
        centred = block - level
        next_to[i] = (centred[1:] * centred[:-1]).sum(axis=0)
        within[i] = (centred**2).sum(axis=0)
        between[i] = len(block) * (level - mean) ** 2
    # Each block counts alike, so that a few odd rows beside each other make no series.
    follows = _ratio(next_to, within).mean(axis=0) > max(_ALIKE, _DEVIATIONS / np.sqrt(n_rows))
    # For the same reason the block that lies furthest away is left out.
    of_blocks = (between.sum(axis=0) - between.max(axis=0)) / (_N_BLOCKS - 2)
    of_rows = within.sum(axis=0) / (n_rows - _N_BLOCKS)
    moves = _ratio(of_blocks - of_rows, of_blocks + (n_rows / _N_BLOCKS - 1) * of_rows) > _MOVES
    in_order, n_varying = follows | moves, (within + between > 0.0).any(axis=0).sum()
    return in_order if in_order.sum() >= max(1.0, _LEAST_SHARE * n_varying) else nothing


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)
