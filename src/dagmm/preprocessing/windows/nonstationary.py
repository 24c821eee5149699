"""Non-stationary features: the training rows show too little of where their level may be.

A temperature that warms up for the whole of a short table has been seen on its way only; where it
goes next is no news. Its level says nothing, unless the other features tell what it has to be.
"""

import numpy as np
from jaxtyping import Bool, Float32, Int64

#: Blocks of time that the rows of each asset are cut into.
_N_BLOCKS = 20
#: Of a non-stationary feature, more than this share of the variance lies between the blocks: fewer
#: than about twenty levels that are independent of each other were seen.
_BETWEEN_BLOCKS = 0.5
#: Where the other features explain more than this share of a feature's variance, its level counts:
#: it has to be what they say. Two features that are both non-stationary seem to be correlated by
#: chance alone, but not as closely as that.
_EXPLAINED = 0.9
#: Of wider tables it is not asked what features explain of each other.
_MOST_FEATURES = 1024


def nonstationary_features(
    rows: Float32[np.ndarray, "n_rows n_features"], asset: Int64[np.ndarray, " n_rows"]
) -> Bool[np.ndarray, " n_features"]:
    """Return which features are non-stationary.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Encoded; rows of one asset lie together, in their order.
    asset : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_features,)
        Whether the means of twentieths of each asset's rows vary more than the rows within
        them do, and the other features do not explain the feature's value. What assets differ in
        makes no feature non-stationary.
    """
    between, total = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(asset)) + 1):
        if len(part) < 2 * _N_BLOCKS:
            continue
        mean = rows[part].mean(axis=0, dtype=np.float64)
        total += rows[part].var(axis=0, dtype=np.float64) * len(part)
        for block in np.array_split(part, _N_BLOCKS):
            level = rows[block].mean(axis=0, dtype=np.float64)
            between += len(block) * (level - mean) ** 2
    nonstationary = np.asarray(between > _BETWEEN_BLOCKS * total)
    return nonstationary & ~explained_by_others(rows) if nonstationary.any() else nonstationary


def explained_by_others(
    rows: Float32[np.ndarray, "n_rows n_features"],
) -> Bool[np.ndarray, " n_features"]:
    """Return which features a linear function of the others explains.

    By correlations that are shrunk by ``n_rows / (n_rows + n_features)``.
    """
    n_rows, n_features = rows.shape
    explained = np.zeros(n_features, bool)
    if n_features > _MOST_FEATURES:
        return explained
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt((centred**2).mean(axis=0))
    varies = deviation > 0.0
    if varies.sum() < 2:
        return explained
    scaled = centred[:, varies] / deviation[varies]
    correlation = scaled.T @ scaled / n_rows * (n_rows / (n_rows + n_features))
    np.fill_diagonal(correlation, 1.0)
    explained[varies] = 1.0 - 1.0 / np.diag(np.linalg.inv(correlation)) > _EXPLAINED
    return explained
