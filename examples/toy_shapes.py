"""Plane shapes that tell methods apart, after scikit-learn's gallery."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from sklearn.datasets import make_blobs, make_circles, make_moons

#: Rows of a shape, and the share of them that is strewn over the whole plane.
ROWS = 300
STREWN = 0.15
#: The plane reaches from -LIMIT to LIMIT along both axes.
LIMIT = 6.0


def one_blob(n_rows: int, seed: int) -> np.ndarray:
    """One round cluster."""
    return make_blobs(n_rows, centers=[[0.0, 0.0]], cluster_std=0.5, random_state=seed)[0]


def two_blobs(n_rows: int, seed: int) -> np.ndarray:
    """Two clusters of one density."""
    centres = [[2.0, 2.0], [-2.0, -2.0]]
    return make_blobs(n_rows, centers=centres, cluster_std=0.5, random_state=seed)[0]


def uneven_blobs(n_rows: int, seed: int) -> np.ndarray:
    """Two clusters, one dense and one loose."""
    centres, spread = [[2.0, 2.0], [-2.0, -2.0]], [0.3, 1.5]
    return make_blobs(n_rows, centers=centres, cluster_std=spread, random_state=seed)[0]


def moons(n_rows: int, seed: int) -> np.ndarray:
    """Two half moons."""
    return 3.5 * (make_moons(n_rows, noise=0.05, random_state=seed)[0] - np.array([0.5, 0.25]))


def ring(n_rows: int, seed: int) -> np.ndarray:
    """Points around an empty middle."""
    points, outer = make_circles(2 * n_rows, noise=0.03, random_state=seed)
    return 4.0 * points[outer == 0][:n_rows]


def line(n_rows: int, seed: int) -> np.ndarray:
    """Two columns that follow one another along a bent line."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(-1.0, 1.0, n_rows)
    return np.stack([4.0 * load, 6.0 * load**2 - 3.0], axis=1) + rng.normal(0.0, 0.15, (n_rows, 2))


SHAPES: dict[str, Callable[[int, int], np.ndarray]] = {
    "one blob": one_blob,
    "two blobs": two_blobs,
    "uneven blobs": uneven_blobs,
    "moons": moons,
    "ring": ring,
    "bent line": line,
}


def shape_with_strewn(name: str, seed: int, n_rows: int = ROWS) -> Float[np.ndarray, "n_rows 2"]:
    """Rows of a shape, the last ``STREWN`` of which lie anywhere in the plane."""
    n_strewn = round(STREWN * n_rows)
    rng = np.random.default_rng([seed, 1])
    strewn = rng.uniform(-LIMIT, LIMIT, (n_strewn, 2))
    return np.concatenate([SHAPES[name](n_rows - n_strewn, seed), strewn])
