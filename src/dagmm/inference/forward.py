"""What networks make of any number of rows, dropout off.

Networks of dense layers run in NumPy: their formulas are those of training, and a process that
scores need not import JAX, nor wait for a compiler. They compute in the type of their parameters
(:mod:`dagmm.training.precision`).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from dagmm._core.blocks import BLOCK_ROWS, in_blocks, padded_rows
from dagmm._core.lazy_imports import check_jax
from dagmm._core.numerics import sum_of_features
from dagmm.networks.network import Architecture

#: Numbers of a layer's output, of all networks, that are computed at a time: as many as stay in a
#: processor's cache with what is made of them on the way.
_CACHED_NUMBERS = 2**16


class Outputs(NamedTuple):
    """What a network makes of rows, dropout off."""

    seen: np.ndarray
    """What densities see: z, or code and residuals; shape (n_seen, n_rows)."""
    gamma: np.ndarray
    """Memberships, shape (n_components, n_rows)."""
    squared_error: np.ndarray
    """``|x - x_hat|^2``, where x is the target, in squared encoded units."""


class DenseNetworks:
    """Networks of one architecture, whose layers are multiplied in one go.

    Parameters
    ----------
    architecture : Architecture
    parameters : sequence of ndarray of shape (n_parameters,)
        One for each network, all of one type.
    """

    def __init__(
        self,
        architecture: Architecture,
        parameters: Sequence[Float[np.ndarray, " n_parameters"]],
    ) -> None:
        self._architecture, self._n_networks = architecture, len(parameters)
        stacked = np.stack(parameters)
        self._network, self._dtype = architecture.unflatten(stacked), stacked.dtype

    def seen(
        self, shown: Sequence[Float32[np.ndarray, "n_blocks n_features block_rows"]], n_rows: int
    ) -> list[Float[np.ndarray, "n_seen n_rows"]]:
        """Return what densities see of rows by each network.

        Parameters
        ----------
        shown : sequence of ndarray of shape (n_blocks, n_features, block_rows)
            What each network is shown of the rows.
        n_rows : int
        """
        n_blocks, architecture = len(shown[0]), self._architecture
        shape = (self._n_networks, architecture.n_seen, n_blocks, BLOCK_ROWS)
        seen = np.empty(shape, self._dtype)
        alike = all(one is shown[0] for one in shown)
        with np.errstate(all="ignore"):  # a row that is far away overflows
            for part in self._parts(n_blocks):
                # Of what all are shown there is one, and the products are of each with that.
                x = shown[0][part, None] if alike else np.stack([b[part] for b in shown], axis=1)
                x = x.astype(self._dtype, copy=False)
                found = architecture.seen(x, *self._network.rebuilt(x))
                seen[:, :, part] = found.transpose(1, 2, 0, 3)
        return list(seen.reshape(self._n_networks, architecture.n_seen, -1)[..., :n_rows])

    def outputs(
        self,
        features: Float32[np.ndarray, "n_rows n_features"],
        target: Float32[np.ndarray, "n_rows n_features"],
    ) -> Outputs:
        """Return all that the only network makes of rows, which it is to rebuild as the target."""
        rows, wanted = (blocks_of(one.T, self._dtype) for one in (features, target))
        architecture, n_blocks = self._architecture, len(rows)
        n_components = architecture.n_components
        seen, gamma, squared_error = (
            np.empty((n_blocks, *shape, BLOCK_ROWS), self._dtype)
            for shape in ((architecture.n_seen,), (n_components,), ())
        )
        with np.errstate(all="ignore"):
            for part in self._parts(n_blocks):
                x = rows[part, None]
                z, x_hat = self._network.latent(x)
                code = z[..., : architecture.n_code, :]
                seen[part] = architecture.seen(x, code, x_hat)[:, 0]
                gamma[part] = self._network.gamma(z)[:, 0]
                squared_error[part] = sum_of_features((wanted[part] - x_hat[:, 0]) ** 2)
        n_rows = len(features)
        return Outputs(
            _rows_of(seen, n_rows), _rows_of(gamma, n_rows), squared_error.ravel()[:n_rows]
        )

    def decode(
        self, code: Float[np.ndarray, "n_code n_rows"]
    ) -> Float[np.ndarray, "n_rows n_features"]:
        """Return the rows that codes stand for, by the only network."""
        blocks, parts = blocks_of(code, self._dtype), []
        with np.errstate(all="ignore"):
            for part in self._parts(len(blocks)):
                parts.append(self._network.compression.decode(blocks[part, None])[:, 0])
        nothing = np.empty((0, self._architecture.n_features, BLOCK_ROWS), self._dtype)
        return _rows_of(np.concatenate([nothing, *parts]), code.shape[1]).T

    def _parts(self, n_blocks: int) -> Iterator[slice]:
        """Yield blocks, so many at a time that what is made of them stays in a cache."""
        one = self._architecture
        widest = max(one.n_features, *one.comp_hiddens, *one.est_hiddens)
        size = max(1, _CACHED_NUMBERS // (self._n_networks * widest * BLOCK_ROWS))
        return (slice(first, first + size) for first in range(0, n_blocks, size))


def blocks_of(
    x: Float[np.ndarray, "n_features n_rows"], dtype: type[np.floating] | np.dtype = np.float32
) -> Float[np.ndarray, "n_blocks n_features block_rows"]:
    """Cut rows into blocks, each by itself in memory; zeros fill the last."""
    return np.ascontiguousarray(in_blocks(padded_rows(x, dtype)))


def _rows_of(
    blocks: Float[np.ndarray, "n_blocks n_features block_rows"], n_rows: int
) -> Float[np.ndarray, "n_features n_rows"]:
    """Lay blocks end to end."""
    n_features = blocks.shape[1]
    return blocks.transpose(1, 0, 2).reshape(n_features, -1)[:, :n_rows]


def compiled_networks() -> Any:
    """Return the module of networks that JAX computes for scoring as well.

    Raises
    ------
    MissingExtraError
        If JAX is not installed.
    """
    check_jax("scoring by convolutions, or by an activation of one's own,")
    from dagmm.inference import compiled

    return compiled


def latent_rows(
    architecture: Architecture,
    parameters: Float[np.ndarray, " n_parameters"],
    features: Float32[np.ndarray, "n_rows n_features"],
) -> Float[np.ndarray, "n_seen n_rows"]:
    """Return what densities see of encoded rows: z, or code and residuals.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    features : ndarray of shape (n_rows, n_features), float32
    """
    if architecture.is_compiled:
        return compiled_networks().latent_rows(architecture, parameters, features)
    blocks = blocks_of(features.T)
    return DenseNetworks(architecture, [parameters]).seen([blocks], len(features))[0]


def outputs_of(
    architecture: Architecture,
    parameters: Float[np.ndarray, " n_parameters"],
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
    wanted = features if target is None else target
    if architecture.is_compiled:
        return Outputs(*compiled_networks().outputs_of(architecture, parameters, features, wanted))
    return DenseNetworks(architecture, [parameters]).outputs(features, wanted)


def decoded_rows(
    architecture: Architecture,
    parameters: Float[np.ndarray, " n_parameters"],
    code: Float[np.ndarray, "n_code n_rows"],
) -> Float[np.ndarray, "n_rows n_features"]:
    """Rows that codes stand for.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,)
    code : ndarray of shape (n_code, n_rows)
    """
    if architecture.is_compiled:
        return compiled_networks().decoded_rows(architecture, parameters, code)
    return DenseNetworks(architecture, [parameters]).decode(code)
