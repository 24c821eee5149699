"""Parts of each asset's time, and the windows that share a row with what lies in one.

Windows that follow each other share nearly all their rows: what is to say something of new windows
must leave out all that touch them.
"""

import numpy as np
from jaxtyping import Bool, Int64


def parts_of(asset: Int64[np.ndarray, " n_rows"], n_parts: int) -> Int64[np.ndarray, " n_rows"]:
    """Return the part of its asset's rows that each row lies in, from 0 on.

    Parameters
    ----------
    asset : ndarray of shape (n_rows,)
        Rows of one asset lie together, in their order.
    n_parts : int
    """
    n = np.bincount(asset)
    start = np.searchsorted(asset, np.arange(len(n)))
    return (np.arange(len(asset)) - start[asset]) * n_parts // n[asset]


def touches(
    chosen: Bool[np.ndarray, " n_rows"], asset: Int64[np.ndarray, " n_rows"], n_steps: int
) -> Bool[np.ndarray, " n_rows"]:
    """Whether a window that ends at a row shares a row with one that ends at a chosen row."""
    n = len(asset)
    counted = np.concatenate([[0], np.cumsum(chosen)])
    begins = np.searchsorted(asset, np.arange(asset.max() + 1))
    stops = np.append(begins[1:], n)
    low = np.maximum(np.arange(n) - (n_steps - 1), begins[asset])
    high = np.minimum(np.arange(n) + n_steps, stops[asset])
    return counted[high] > counted[low]
