"""Scoring: latent rows of any number of rows, in blocks of one fixed shape."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Float32

from dagmm.compilation import compiled, make_room
from dagmm.networks import Architecture
from dagmm.networks.padding import padding_of
from dagmm.numerics import Array

#: Rows of a block. One shape means one compilation, and a row that goes through the same
#: arithmetic whether it comes alone or among a million.
BLOCK_ROWS = 256
#: Rows as wide as large images come in smaller blocks, of no more numbers than this.
BLOCK_FEATURES = 2**23


@cache
def _program() -> Callable[..., Any]:
    def latent(
        parameters: Array, block: Array, target: Array, *, architecture: Architecture
    ) -> Any:
        network = architecture.unflatten(parameters)
        z, x_hat = network.latent(block.T)
        return z, network.gamma(z), ((target.T - x_hat) ** 2).sum(axis=0)

    return compiled(latent, static_argnames="architecture")


def latent_rows(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
    target: Float32[np.ndarray, "n_rows n_features"] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Send encoded rows through a network, dropout off.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    features : ndarray of shape (n_rows, n_features), float32
    target : ndarray of shape (n_rows, n_features), float32, optional
        The rows that are to be rebuilt, where they are not those that the network sees.

    Returns
    -------
    z : ndarray of shape (n_latent, n_rows), float32
    gamma : ndarray of shape (n_components, n_rows), float32
    squared_error : ndarray of shape (n_rows,), float32
        ``|x - x_hat|^2``, where x is the target, in squared encoded units.
    """
    return start(architecture, parameters, features, target)()


def start(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
    target: Float32[np.ndarray, "n_rows n_features"] | None = None,
) -> Callable[[], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Hand rows over to a network; what is returned waits for :func:`latent_rows`' result.

    Several networks that are started before the first is waited for run side by side.
    """
    n_rows, padding = len(features), padding_of(architecture)
    size = block_rows(padding.wide.n_features)
    padded = padding.pad(parameters)
    make_room(_program())
    # Of one block, as where rows come one by one, handing it over by itself takes longer.
    device_parameters = jax.device_put(padded) if n_rows > size else padded
    results = []
    for first in range(0, n_rows, size):
        part = slice(first, first + size)
        block = padding.pad_rows(features[part], size)
        wanted = block if target is None else padding.pad_rows(target[part], size)
        result = _program()(device_parameters, block, wanted, architecture=padding.wide)
        results.append((first, result))

    def finish() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z = np.empty((architecture.n_latent, n_rows), np.float32)
        gamma = np.empty((architecture.n_components, n_rows), np.float32)
        squared_error = np.empty(n_rows, np.float32)
        for first, result in results:
            stop = min(first + size, n_rows)
            parts = (padding.cut_z(result[0]), *result[1:])
            for whole, part in zip((z, gamma, squared_error), parts, strict=True):
                whole[..., first:stop] = np.asarray(part)[..., : stop - first]
        return z, gamma, squared_error

    return finish


def block_rows(n_features: int) -> int:
    """Rows of a block, a power of two."""
    return min(BLOCK_ROWS, 1 << (max(1, BLOCK_FEATURES // n_features).bit_length() - 1))
