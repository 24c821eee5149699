"""Scoring: latent rows of any number of rows, block by block in buffers of one fixed shape."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from dagmm.compilation import compiled, make_room
from dagmm.networks import Architecture
from dagmm.networks.padding import padding_of
from dagmm.numerics import Array

#: Rows of a block. One shape means one compilation, and a row that goes through the same
#: arithmetic whether it comes alone or among a million.
BLOCK_ROWS = 64
#: Blocks of a buffer: calling a program takes longer than a block does, so that it is called once
#: for many, and goes through those that hold rows.
BUFFER_BLOCKS = 32
#: Buffers, and blocks as well, of rows as wide as large images hold no more numbers than this.
BUFFER_FEATURES = 2**23

#: z, memberships and squared reconstruction errors; see :func:`latent_rows`.
Latent: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


@cache
def _program() -> Callable[..., Any]:
    def latent(
        arrays: list[Array],
        rows: Array,
        target: Array,
        n_blocks: Array,
        *,
        architecture: Architecture,
    ) -> Array:
        network = architecture.assemble(arrays)
        size, (n_rows, _) = block_rows(architecture.n_features), rows.shape
        n_results = architecture.n_latent + architecture.n_components + 1

        def of_block(i: Array, results: Array) -> Array:
            x, wanted = (
                jax.lax.dynamic_slice_in_dim(part, i * size, size).T for part in (rows, target)
            )
            z, x_hat = network.latent(x)
            squared_error = ((wanted - x_hat) ** 2).sum(axis=0, keepdims=True)
            result = jnp.concatenate([z, network.gamma(z), squared_error])
            return jax.lax.dynamic_update_index_in_dim(results, result, i, 0)

        results = jnp.zeros((n_rows // size, n_results, size), jnp.float32)
        return jax.lax.fori_loop(0, n_blocks, of_block, results)

    return compiled(latent, static_argnames="architecture")


@dataclass(frozen=True)
class Buffers:
    """Encoded rows in arrays of the one shape that programs take, for any number of networks.

    Parameters
    ----------
    arrays : list of ndarray of shape (buffer_rows, n_features), float32
    n_rows : int
        The rows beyond it are zeros.
    """

    arrays: list[np.ndarray]
    n_rows: int

    @classmethod
    def of(
        cls, features: Float32[np.ndarray, "n_rows n_features"], architecture: Architecture
    ) -> "Buffers":
        """Put rows in buffers, for networks of this kind or of as wide inputs."""
        padding, (n_rows, _) = padding_of(architecture), features.shape
        size = buffer_rows(padding.wide.n_features)
        parts = (features[first : first + size] for first in range(0, n_rows, size))
        return cls([padding.pad_rows(part, size) for part in parts], n_rows)


class Scorer:
    """A trained network that waits for rows, its parameters on the device.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    """

    def __init__(
        self, architecture: Architecture, parameters: Float32[np.ndarray, " n_parameters"]
    ) -> None:
        self.padding = padding_of(architecture)
        network = self.padding.wide.unflatten(self.padding.pad(parameters))
        self._arrays = jax.device_put(jax.tree.leaves(network))

    def start(self, rows: Buffers, target: Buffers | None = None) -> Callable[[], Latent]:
        """Hand rows over; what is returned waits for their latent rows.

        Several networks that are started before the first is waited for run side by side.
        """
        make_room(_program())
        wide = self.padding.wide
        size, at_once = block_rows(wide.n_features), buffer_rows(wide.n_features)
        wanted = rows.arrays if target is None else target.arrays
        results = [
            _program()(
                self._arrays,
                array,
                to_rebuild,
                np.int32(-(-min(at_once, rows.n_rows - i * at_once) // size)),
                architecture=wide,
            )
            for i, (array, to_rebuild) in enumerate(zip(rows.arrays, wanted, strict=True))
        ]

        def finish() -> Latent:
            k, d = wide.n_components, self.padding.architecture.n_latent
            whole = np.empty((d + k + 1, rows.n_rows), np.float32)
            for i, result in enumerate(results):
                part = whole[:, i * at_once : (i + 1) * at_once]
                # Coordinates of z that are padding come first.
                true = np.asarray(result)[:, -len(whole) :].transpose(1, 0, 2)
                part[:] = true.reshape(len(whole), -1)[:, : part.shape[1]]
            return whole[:d], whole[d:-1], whole[-1]

        return finish


def latent_rows(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
    target: Float32[np.ndarray, "n_rows n_features"] | None = None,
) -> Latent:
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
    rows = Buffers.of(features, architecture)
    wanted = None if target is None else Buffers.of(target, architecture)
    return Scorer(architecture, parameters).start(rows, wanted)()


def block_rows(n_features: int) -> int:
    """Rows of a block, a power of two."""
    return min(BLOCK_ROWS, 1 << (max(1, BUFFER_FEATURES // n_features).bit_length() - 1))


def buffer_rows(n_features: int) -> int:
    """Rows of a buffer, a power of two of blocks."""
    size = block_rows(n_features)
    blocks = max(1, BUFFER_FEATURES // (size * n_features))
    return size * min(BUFFER_BLOCKS, 1 << (blocks.bit_length() - 1))
