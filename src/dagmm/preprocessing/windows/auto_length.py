"""A window that the rows choose: as long as their memory, and no longer than they can fill."""

import numpy as np
from jaxtyping import Bool, Float, Int64

from dagmm.preprocessing.windows.nonstationary import nonstationary_features

#: Fewest and most rows of a window that is chosen.
LEAST_ROWS, MOST_ROWS = 10, 60
#: Windows without a row in common that the training rows are to hold at least, where they can.
WINDOWS_APART = 25
#: Share of the features whose memory a window holds.
_SHARE = 0.9
#: Rows of an asset, at most, that its memory is found from; features that are looked at at a time.
_SOME_ROWS, _SOME_FEATURES = 2**16, 16
#: From so many rows that a tenth of the features remember themselves, rows are to be windows.
_LONG = 5.0


def rows_of_window(
    features: Float[np.ndarray, "n_rows n_features"], asset: Int64[np.ndarray, " n_rows"]
) -> int:
    """Choose how many rows a window has.

    As many as the memory of nine in ten features that are stationary, so that its level says more
    than its last row and a new one is not the same again; ten to sixty, and so few that the rows
    hold twenty-five windows that have no row in common.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
        Encoded; rows of one asset lie together, in their order.
    asset : ndarray of shape (n_rows,)
    """
    wanted = _long_memory(features, asset)
    possible = len(features) // WINDOWS_APART
    return int(np.clip(round(wanted), LEAST_ROWS, np.clip(possible, LEAST_ROWS, MOST_ROWS)))


def have_long_memory(
    features: Float[np.ndarray, "n_rows n_features"], asset: Int64[np.ndarray, " n_rows"]
) -> bool:
    """Whether rows depend on those before them so much that windows say more than they do.

    A tenth of the features that are stationary remember themselves for five rows or more.

    Parameters
    ----------
    features, asset
        As in :func:`rows_of_window`.
    """
    return _long_memory(features, asset) >= _LONG


def _long_memory(features: np.ndarray, asset: np.ndarray) -> float:
    counted = ~nonstationary_features(features, asset)
    memory = memory_of(features, asset)[counted]
    return float(np.quantile(memory, _SHARE)) if len(memory) else 0.0


def memory_of(
    features: Float[np.ndarray, "n_rows n_features"], asset: Int64[np.ndarray, " n_rows"]
) -> Float[np.ndarray, " n_features"]:
    """Return over how many rows features remember themselves: their autocorrelation time.

    One and twice the sum of the autocorrelations up to where those of two lags that follow each
    other are no longer positive in sum (Geyer, 1992); 1 for what does not vary. Of several assets
    the mean, by their rows.
    """
    total = np.zeros(features.shape[1])
    for part in np.split(np.arange(len(features)), np.flatnonzero(np.diff(asset)) + 1):
        rows = features[part[:_SOME_ROWS]]
        for start in range(0, rows.shape[1], _SOME_FEATURES):
            some = slice(start, start + _SOME_FEATURES)
            total[some] += len(part) * _memory_of_one(rows[:, some].astype(np.float64))
    return total / len(features)


def _memory_of_one(rows: Float[np.ndarray, "n_rows n_features"]) -> np.ndarray:
    n_rows = len(rows)
    centred = rows - rows.mean(axis=0)
    spectrum = np.fft.rfft(centred, 2 * n_rows, axis=0)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:n_rows]
    varies: Bool[np.ndarray, " n_features"] = covariance[0] > 0.0
    correlation = covariance / np.where(varies, covariance[0], 1.0)
    n_pairs = (n_rows - 1) // 2
    pairs = correlation[1 : 1 + 2 * n_pairs].reshape(n_pairs, 2, -1).sum(axis=1)
    is_kept = np.logical_and.accumulate(pairs > 0.0, axis=0)
    return np.where(varies, 1.0 + 2.0 * (pairs * is_kept).sum(axis=0), 1.0)
