"""Where networks with shortcuts begin: at the principal components of their training rows.

An autoencoder without hidden layers learns the principal components (Baldi and Hornik, 1989), and
one with hidden layers takes long to come as far, or from few rows never does: it knows these by
heart before. Begun there it can only add to them what bends.
"""

import numpy as np
from jaxtyping import Float, Float32

from dagmm.networks.network import Architecture

#: Along an axis of less variance, of inputs whose own is one, rows are taken not to vary: a new
#: one that does would be without bounds in a coordinate of deviation one.
_LEAST_VARIANCE = 1e-6


def at_principal_components(
    architecture: Architecture,
    drawn: Float32[np.ndarray, " n_parameters"],
    rows: Float[np.ndarray, "n_rows n_features"],
) -> Float32[np.ndarray, " n_parameters"]:
    """Return a network whose code is the principal components of some rows.

    Its shortcuts encode and decode them, each coordinate of the code with deviation 1, or 0 where
    rows do not vary along any other axis; the last layers beside the shortcuts add nothing yet.

    Parameters
    ----------
    architecture : Architecture
        With shortcuts.
    drawn : ndarray of shape (n_parameters,)
        The other parameters.
    rows : ndarray of shape (n_rows, n_features)
    """
    rows = rows.astype(np.float64)
    centred = rows - rows.mean(axis=0)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(rows))
    largest = slice(None, -architecture.n_code - 1, -1)
    variance, axes = variance[largest], axes[:, largest]
    varies = variance > _LEAST_VARIANCE
    axes, scale = axes * varies, np.sqrt(np.where(varies, variance, 1.0))
    parts = {name: np.array(part) for name, part in architecture.named(drawn).items()}
    last = len(architecture.comp_hiddens) - 1
    for coder in ("encoder", "decoder"):
        for part in ("weight", "bias"):
            parts[f"compression.{coder}.{last}.{part}"][:] = 0.0
    parts["compression.shortcuts.0.weight"][:] = (axes / scale).T
    parts["compression.shortcuts.0.bias"][:] = -rows.mean(axis=0) @ (axes / scale)
    parts["compression.shortcuts.1.weight"][:] = axes * scale
    parts["compression.shortcuts.1.bias"][:] = rows.mean(axis=0)
    return np.concatenate([part.ravel() for part in parts.values()])
