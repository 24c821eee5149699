"""Principal axes of encoded rows: where the linear path of a compression network begins."""

import numpy as np
from jaxtyping import Float, Float32

#: The axes are computed from no more rows than this, evenly spaced.
MAX_ROWS = 20_000
#: Nor from more numbers than this, which matters for large images.
MAX_NUMBERS = 2**26


def principal_axes(
    features: Float32[np.ndarray, "n_rows n_features"], n_axes: int
) -> Float[np.ndarray, "n_axes n_features"]:
    """Orthonormal directions along which rows vary most, the first the most.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
        About centred on zero.
    n_axes : int

    Returns
    -------
    ndarray of shape (n_axes, n_features)
        Zero where the rows vary along fewer directions than ``n_axes``.
    """
    from sklearn.decomposition import PCA  # whoever only scores does without

    most_rows = min(MAX_ROWS, max(n_axes + 1, MAX_NUMBERS // features.shape[1]))
    sample = features[:: -(-len(features) // most_rows)].astype(np.float64)
    axes = np.zeros((n_axes, features.shape[1]))
    most = min(n_axes, *sample.shape)
    if np.ptp(sample, axis=0).any():
        axes[:most] = PCA(most, random_state=0).fit(sample).components_
    return axes
