"""Rows that are held out of a fit, so that something is known about rows it has not seen."""

import numpy as np
from jaxtyping import Float

#: Tables with fewer rows are fitted to whole: there each row counts for detection, and a tenth
#: of them would say little about rare alarms.
FROM_ROWS = 5000
#: Share that is held out of others, and the most rows, which are enough for a threshold's tail.
SHARE, MOST_ROWS = 0.1, 20_000


def hold_out(
    features: Float[np.ndarray, "padded_rows n_features"], n_rows: int, rng: np.random.Generator
) -> tuple[int, np.ndarray]:
    """Move the rows to hold out, drawn at random, behind the others, in place.

    Parameters
    ----------
    features : ndarray of shape (padded_rows, n_features)
        Changed in place; rows from ``n_rows`` on are padding and stay.
    n_rows : int
    rng : numpy.random.Generator

    Returns
    -------
    n_fitted : int
        How many rows are left to fit to: the first ones; all of a small table.
    order : ndarray of shape (n_rows,)
        ``order[i]`` is the row of the table that is now row ``i``.
    """
    order = np.arange(n_rows)
    if n_rows < FROM_ROWS:
        return n_rows, order
    n_held = min(MOST_ROWS, int(SHARE * n_rows))
    n_fitted = n_rows - n_held
    held = rng.choice(n_rows, n_held, replace=False)
    # Those that lie behind already stay; the others change places with what lies there.
    from_front = np.sort(held[held < n_fitted])
    to_front = np.setdiff1d(np.arange(n_fitted, n_rows), held)
    order[from_front], order[to_front] = to_front, from_front
    features[np.concatenate([from_front, to_front])] = features[
        np.concatenate([to_front, from_front])
    ]
    return n_fitted, order
