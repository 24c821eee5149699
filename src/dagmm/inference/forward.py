"""Scoring: what networks make of any number of rows, in blocks and buffers of one shape."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from dagmm._core.compilation import compiled, make_room
from dagmm._core.forks import check_process
from dagmm._core.numerics import Array, sum_of_features
from dagmm.data.base import CHUNK_ROWS
from dagmm.networks.network import Architecture
from dagmm.networks.padding import padding_of
from dagmm.preprocessing.row_views import FeatureMatrix

#: Rows of a block. One shape means one compilation, and a row that goes through the same
#: arithmetic whether it comes alone or among a million.
BLOCK_ROWS = 64
#: Blocks of a buffer: calling a program takes longer than a block does, so that it is called once
#: for many, and goes through those that hold rows.
BUFFER_BLOCKS = 32
#: Buffers, and blocks as well, of rows as wide as large images hold no more numbers than this.
BUFFER_FEATURES = 2**23


class Outputs(NamedTuple):
    """What a network makes of rows, dropout off."""

    seen: np.ndarray
    """What densities see: z, or code and residuals; shape (n_seen, n_rows), float32."""
    gamma: np.ndarray
    """Memberships, shape (n_components, n_rows), float32."""
    squared_error: np.ndarray
    """``|x - x_hat|^2``, where x is the target, in squared encoded units; float32."""


@cache
def _program() -> Callable[..., Any]:
    def outputs(
        arrays: list[Array],
        rows: Array,
        target: Array,
        n_blocks: Array,
        only_seen: Array,
        *,
        architecture: Architecture,
    ) -> Array:
        network = architecture.assemble(arrays)
        size, (n_rows, _) = block_rows(architecture.n_features), rows.shape
        n_others = architecture.n_components + 1

        def block_of(part: Array, i: Array) -> Array:
            return jax.lax.dynamic_slice_in_dim(part, i * size, size).T

        def of_block(i: Array, results: Array) -> Array:
            x = block_of(rows, i)
            z, x_hat = network.latent(x)

            def others() -> Array:
                squared_error = sum_of_features((block_of(target, i) - x_hat) ** 2)
                return jnp.concatenate([network.gamma(z), squared_error[None]])

            # Energies need neither, which would take a fifth of the time.
            blank = jnp.zeros((n_others, size), jnp.float32)
            seen = architecture.seen(x, z, x_hat)
            result = jnp.concatenate([seen, jax.lax.cond(only_seen, lambda: blank, others)])
            return jax.lax.dynamic_update_index_in_dim(results, result, i, 0)

        width = architecture.n_seen + n_others
        results = jnp.zeros((n_rows // size, width, size), jnp.float32)
        return jax.lax.fori_loop(0, n_blocks, of_block, results)

    return compiled(outputs, static_argnames="architecture")


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


class CompiledNetwork:
    """A trained network that waits for rows, its parameters on the device.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    """

    def __init__(
        self, architecture: Architecture, parameters: Float32[np.ndarray, " n_parameters"]
    ) -> None:
        check_process()
        self.padding = padding_of(architecture)
        network = self.padding.wide.unflatten(self.padding.pad(parameters))
        self._arrays = jax.device_put(jax.tree.leaves(network))

    def start(self, rows: Buffers) -> Callable[[], Float32[np.ndarray, "n_seen n_rows"]]:
        """Hand rows over; what is returned waits for what densities see of them.

        Several networks that are started before the first is waited for run side by side.
        """
        waiting = self._start(rows, rows, only_seen=True)
        return lambda: self._finish(waiting, rows.n_rows, self.padding.seen)

    def outputs(self, rows: Buffers, target: Buffers) -> Outputs:
        """Everything that the network makes of rows, which it has to rebuild as the target."""
        waiting = self._start(rows, target, only_seen=False)
        seen, wide = self.padding.seen, self.padding.wide
        others = np.arange(wide.n_components + 1) + wide.n_seen
        whole = self._finish(waiting, rows.n_rows, np.concatenate([seen, others]))
        d = len(seen)
        return Outputs(whole[:d], whole[d:-1], whole[-1])

    def _start(self, rows: Buffers, target: Buffers, *, only_seen: bool) -> list[Array]:
        make_room(_program())
        wide = self.padding.wide
        size, at_once = block_rows(wide.n_features), buffer_rows(wide.n_features)
        return [
            _program()(
                self._arrays,
                array,
                to_rebuild,
                np.int32(-(-min(at_once, rows.n_rows - i * at_once) // size)),
                np.bool_(only_seen),
                architecture=wide,
            )
            for i, (array, to_rebuild) in enumerate(zip(rows.arrays, target.arrays, strict=True))
        ]

    def _finish(self, waiting: list[Array], n_rows: int, places: np.ndarray) -> np.ndarray:
        """Wait for blocks of outputs, and lay the first few end to end, without the padding."""
        at_once = buffer_rows(self.padding.wide.n_features)
        whole = np.empty((len(places), n_rows), np.float32)
        for i, result in enumerate(waiting):
            part = whole[:, i * at_once : (i + 1) * at_once]
            true = np.asarray(result)[:, places].transpose(1, 0, 2)
            part[:] = true.reshape(len(places), -1)[:, : part.shape[1]]
        return whole


def latent_rows(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
) -> Float32[np.ndarray, "n_latent n_rows"]:
    """Z of encoded rows: their code and residual features.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    features : ndarray of shape (n_rows, n_features), float32
    """
    return CompiledNetwork(architecture, parameters).start(Buffers.of(features, architecture))()


def outputs_of(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
    target: Float32[np.ndarray, "n_rows n_features"] | None = None,
) -> Outputs:
    """Everything that a network makes of encoded rows, dropout off.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    features : ndarray of shape (n_rows, n_features), float32
    target : ndarray of shape (n_rows, n_features), float32, optional
        The rows that are to be rebuilt, where they are not those that the network sees.
    """
    rows = Buffers.of(features, architecture)
    wanted = rows if target is None else Buffers.of(target, architecture)
    return CompiledNetwork(architecture, parameters).outputs(rows, wanted)


def decoded_rows(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    code: Float32[np.ndarray, "n_code n_rows"],
) -> Float32[np.ndarray, "n_rows n_features"]:
    """Rows that codes stand for, in blocks of one shape.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    code : ndarray of shape (n_code, n_rows), float32
    """
    n_rows, size = code.shape[1], block_rows(architecture.n_features)
    padded = np.zeros((len(code), -(-n_rows // size) * size), np.float32)
    padded[:, :n_rows] = code
    rows = np.empty((padded.shape[1], architecture.n_features), np.float32)
    for i in range(0, n_rows, size):
        part = padded[:, i : i + size]
        rows[i : i + size] = np.asarray(_decoding()(parameters, part, architecture=architecture)).T
    return rows[:n_rows]


@cache
def _decoding() -> Callable[..., Any]:
    def decode(parameters: Array, code: Array, *, architecture: Architecture) -> Array:
        return architecture.unflatten(parameters).compression.decode(code)

    return compiled(decode, static_argnames="architecture")


def chunks_of(features: FeatureMatrix) -> Iterator[slice]:
    """Rows in chunks, of which what is made of one takes a bounded memory."""
    n_rows, n_features = features.shape
    at_once = buffer_rows(n_features)
    size = max(at_once, min(CHUNK_ROWS, BUFFER_FEATURES // n_features) // at_once * at_once)
    return (slice(first, first + size) for first in range(0, n_rows, size))


def block_rows(n_features: int) -> int:
    """Rows of a block, a power of two."""
    return min(BLOCK_ROWS, 1 << (max(1, BUFFER_FEATURES // n_features).bit_length() - 1))


def buffer_rows(n_features: int) -> int:
    """Rows of a buffer, a power of two of blocks."""
    size = block_rows(n_features)
    blocks = max(1, BUFFER_FEATURES // (size * n_features))
    return size * min(BUFFER_BLOCKS, 1 << (blocks.bit_length() - 1))
