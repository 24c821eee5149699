"""Which features wander: the training rows show too little of where their level may be.

A temperature that warms up for the whole of a short table has been seen on its way only; where it
goes next is no news. Its level says nothing, and neither does what it is correlated with.
"""

import numpy as np
from jaxtyping import Bool, Float32, Int64

#: Pieces that the rows of each asset are cut into.
PIECES = 20
#: Of a wandering feature, more than this share of the variance lies between the pieces: fewer than
#: about twenty levels that are independent of each other were seen.
SHARE = 0.5


def wandering(
    rows: Float32[np.ndarray, "n_rows n_features"], asset: Int64[np.ndarray, " n_rows"]
) -> Bool[np.ndarray, " n_features"]:
    """Return which features wander.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Encoded; rows of one asset lie together, in their order.
    asset : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_features,)
        Whether the means of twentieths of each asset's rows vary more than the rows within
        them do. What assets differ in is no wandering.
    """
    between, total = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(asset)) + 1):
        if len(part) < 2 * PIECES:
            continue
        mean = rows[part].mean(axis=0, dtype=np.float64)
        total += rows[part].var(axis=0, dtype=np.float64) * len(part)
        for piece in np.array_split(part, PIECES):
            level = rows[piece].mean(axis=0, dtype=np.float64)
            between += len(piece) * (level - mean) ** 2
    return np.asarray(between > SHARE * total)
