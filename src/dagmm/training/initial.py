"""Where networks begin: at the principal components of the rows that they are trained on."""

import numpy as np
from jaxtyping import Float

from dagmm.networks.network import Architecture

#: Rows, at most, that principal components are taken of.
_ROWS = 2**14


def at_principal_components(
    architecture: Architecture, drawn: np.ndarray, rows: Float[np.ndarray, "n_rows n_features"]
) -> np.ndarray:
    """Return parameters of a network that encodes and decodes as principal components do."""
    some = rows[:: -(-len(rows) // _ROWS)].astype(np.float64)
    mean, k = some.mean(axis=0), architecture.n_code
    variance, axes = np.linalg.eigh(np.cov(some.T, bias=True).reshape(2 * (some.shape[1],)))
    variance, axes = variance[::-1][:k], axes[:, ::-1][:, :k]
    scale = np.sqrt(np.maximum(variance, 1e-6))
    parts = {name: np.array(part) for name, part in architecture.named(drawn).items()}
    last = len(architecture.comp_hiddens) - 1
    for name in (f"compression.encoder.{last}", f"compression.decoder.{last}"):
        parts[name + ".weight"][:] = 0.0
        parts[name + ".bias"][:] = 0.0
    into = axes / scale
    parts["compression.shortcuts.0.weight"][:] = into.T
    parts["compression.shortcuts.0.bias"][:] = -mean @ into
    parts["compression.shortcuts.1.weight"][:] = axes * scale
    parts["compression.shortcuts.1.bias"][:] = mean
    return np.concatenate([part.ravel() for part in parts.values()]).astype(np.float32)
