"""Which features wander: the training rows show too little of where their level may be.

A temperature that warms up for the whole of a short table has been seen on its way only; where it
goes next is no news. Its level says nothing, unless the other features tell what it has to be.
"""

import numpy as np
from jaxtyping import Bool, Float32, Int64

#: Pieces that the rows of each asset are cut into.
PIECES = 20
#: Of a wandering feature, more than this share of the variance lies between the pieces: fewer than
#: about twenty levels that are independent of each other were seen.
SHARE = 0.5
#: Where the other features tell more than this share of a feature's variance, its level counts: it
#: has to be what they say. Two features that both wander seem to be correlated by chance alone,
#: but not as closely as that.
TOLD = 0.9
#: Of wider tables it is not asked what features tell of each other.
MOST_FEATURES = 1024


def nonstationary_features(
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
        them do, and the other features do not tell the feature's value. What assets differ in is
        no wandering.
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
    nonstationary = np.asarray(between > SHARE * total)
    return nonstationary & ~told(rows) if nonstationary.any() else nonstationary


def told(rows: Float32[np.ndarray, "n_rows n_features"]) -> Bool[np.ndarray, " n_features"]:
    """Return which features a linear function of the others tells.

    By correlations that are shrunk by ``n_rows / (n_rows + n_features)``.
    """
    n_rows, n_features = rows.shape
    nothing = np.zeros(n_features, bool)
    if n_features > MOST_FEATURES:
        return nothing
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt((centred**2).mean(axis=0))
    varies = deviation > 0.0
    if varies.sum() < 2:
        return nothing
    scaled = centred[:, varies] / deviation[varies]
    correlation = scaled.T @ scaled / n_rows * (n_rows / (n_rows + n_features))
    np.fill_diagonal(correlation, 1.0)
    nothing[varies] = 1.0 - 1.0 / np.diag(np.linalg.inv(correlation)) > TOLD
    return nothing
