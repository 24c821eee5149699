"""Networks that JAX computes for scoring as well: convolutions, and activations of others' own.

Any number of rows goes through one compiled program, in blocks and buffers of one shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from dagmm._core.compilation import compiled, make_room
from dagmm._core.forks import check_process
from dagmm._core.numerics import Array, aligned_zeros, sum_of_features
from dagmm.inference.chunks import block_rows, buffer_rows
from dagmm.networks.network import Architecture


@cache
def _program() -> Callable[..., Any]:
    def outputs(
        parameters: Array,
        rows: Array,
        target: Array,
        n_blocks: Array,
        only_seen: Array,
        *,
        architecture: Architecture,
    ) -> Array:
        network = architecture.unflatten(parameters)
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
            seen = architecture.seen(x, z[: architecture.n_code], x_hat)
            result = jnp.concatenate([seen, jax.lax.cond(only_seen, lambda: blank, others)])
            return jax.lax.dynamic_update_index_in_dim(results, result, i, 0)

        width = architecture.n_seen + n_others
        results = jnp.zeros((n_rows // size, width, size), jnp.float32)
        return jax.lax.fori_loop(0, n_blocks, of_block, results)

    return compiled(outputs, static_argnames="architecture")


@dataclass(frozen=True)
class Buffers:
    """Encoded rows in arrays of the one shape that a program takes, for any number of networks.

    Parameters
    ----------
    arrays : list of ndarray of shape (buffer_rows, n_features), float32
    n_rows : int
        The rows beyond it are zeros.
    """

    arrays: list[np.ndarray]
    n_rows: int

    @classmethod
    def of(cls, features: Float32[np.ndarray, "n_rows n_features"]) -> "Buffers":
        """Put rows in buffers."""
        n_rows, n_features = features.shape
        size, arrays = buffer_rows(n_features), []
        for first in range(0, n_rows, size):
            part = features[first : first + size]
            if len(part) < size:
                padded = aligned_zeros(size, n_features)
                padded[: len(part)] = part
                part = padded
            arrays.append(part)
        return cls(arrays, n_rows)


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
        self.architecture = architecture
        self._parameters = jax.device_put(parameters)

    def start(self, rows: Buffers) -> Callable[[], Float32[np.ndarray, "n_seen n_rows"]]:
        """Hand rows over; what is returned waits for what densities see of them.

        Several networks that are started before the first is waited for run side by side.
        """
        waiting = self._start(rows, rows, only_seen=True)
        return lambda: self._finish(waiting, rows.n_rows, self.architecture.n_seen)

    def outputs(self, rows: Buffers, target: Buffers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what densities see of rows, memberships, and squared errors by the target."""
        waiting = self._start(rows, target, only_seen=False)
        d = self.architecture.n_seen
        whole = self._finish(waiting, rows.n_rows, d + self.architecture.n_components + 1)
        return whole[:d], whole[d:-1], whole[-1]

    def _start(self, rows: Buffers, target: Buffers, *, only_seen: bool) -> list[Array]:
        make_room(_program())
        n_features = self.architecture.n_features
        size, at_once = block_rows(n_features), buffer_rows(n_features)
        return [
            _program()(
                self._parameters,
                array,
                to_rebuild,
                np.int32(-(-min(at_once, rows.n_rows - i * at_once) // size)),
                np.bool_(only_seen),
                architecture=self.architecture,
            )
            for i, (array, to_rebuild) in enumerate(zip(rows.arrays, target.arrays, strict=True))
        ]

    def _finish(self, waiting: list[Array], n_rows: int, width: int) -> np.ndarray:
        """Wait for blocks of outputs, and lay the first few end to end, without the padding."""
        at_once = buffer_rows(self.architecture.n_features)
        whole = np.empty((width, n_rows), np.float32)
        for i, result in enumerate(waiting):
            part = whole[:, i * at_once : (i + 1) * at_once]
            found = np.asarray(result)[:, :width].transpose(1, 0, 2)
            part[:] = found.reshape(width, -1)[:, : part.shape[1]]
        return whole


def latent_rows(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
) -> Float32[np.ndarray, "n_seen n_rows"]:
    """Return what densities see of rows; see :func:`dagmm.inference.forward.latent_rows`."""
    return CompiledNetwork(architecture, parameters).start(Buffers.of(features))()


def outputs_of(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
    target: Float32[np.ndarray, "n_rows n_features"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all outputs for rows; see :func:`dagmm.inference.forward.outputs_of`."""
    rows = Buffers.of(features)
    wanted = rows if target is features else Buffers.of(target)
    return CompiledNetwork(architecture, parameters).outputs(rows, wanted)


def decoded_rows(
    architecture: Architecture,
    parameters: Float32[np.ndarray, " n_parameters"],
    code: Float32[np.ndarray, "n_code n_rows"],
) -> Float32[np.ndarray, "n_rows n_features"]:
    """Return rows that codes stand for, in blocks of one shape."""
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
