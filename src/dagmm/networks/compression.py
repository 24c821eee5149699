"""The compression network: a row to its code, and the code back to a row (paper, 3.2)."""

from abc import abstractmethod
from itertools import pairwise

import equinox as eqx
import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm.networks.activations import Activation, activation_function
from dagmm.networks.dense import Dense, Initializer, dense_stack

#: What a network's last layers are multiplied by where a linear path begins at its best.
FAINT = np.float32(0.1)


class Compression(eqx.Module):
    """What every compression network does; rows lie along the last axis."""

    @abstractmethod
    def encode(self, x: Float[Array, "n_features n_rows"]) -> Float[Array, "n_code n_rows"]:
        """Return the code z_c of each row."""

    @abstractmethod
    def decode(self, code: Float[Array, "n_code n_rows"]) -> Float[Array, "n_features n_rows"]:
        """Return the row x_hat that each code stands for."""

    @abstractmethod
    def fainter(self, factor: np.float32) -> "Compression":
        """Return the same network with smaller weights in the last layers of both halves."""


class DenseCompression(Compression):
    """Fully connected encoder and its mirror image; code and output are linear.

    Parameters
    ----------
    n_features : int
        Width of an encoded row.
    hiddens : tuple of int
        Widths of the encoder's layers, the last of which is the width of the code.
    activation : str or callable
    init : callable
        Draws the parameters.
    """

    encoder: tuple[Dense, ...]
    decoder: tuple[Dense, ...]
    activation: Activation = eqx.field(static=True)

    def __init__(
        self,
        n_features: int,
        hiddens: tuple[int, ...],
        activation: Activation,
        *,
        init: Initializer,
    ) -> None:
        sizes = (n_features, *hiddens)
        self.encoder = dense_stack(sizes, init=init)
        self.decoder = dense_stack(sizes[::-1], init=init)
        self.activation = activation

    def encode(self, x: Float[Array, "n_features n_rows"]) -> Float[Array, "n_code n_rows"]:
        """Return the code z_c of each row."""
        return _feed(self.encoder, self.activation, x)

    def decode(self, code: Float[Array, "n_code n_rows"]) -> Float[Array, "n_features n_rows"]:
        """Return the row x_hat that each code stands for."""
        return _feed(self.decoder, self.activation, code)

    def fainter(self, factor: np.float32) -> "DenseCompression":
        """Return the same network with smaller weights in the last layers of both halves."""
        return eqx.tree_at(
            lambda network: (network.encoder[-1].weight, network.decoder[-1].weight),
            self,
            replace_fn=lambda weight: weight * factor,
        )


class SkipCompression(Compression):
    """A compression network beside a linear one; code and x_hat are the sums of both.

    Not in the paper. The linear path begins as the principal axes of the rows, so that the network
    starts from the best linear reconstruction and learns what bends away from it. Codes keep
    distances, and a row far from the training rows has a code far from theirs: the other path
    alone may saturate.

    Parameters
    ----------
    inner : Compression
        The network beside the linear path.
    n_features, n_code : int
    axes : ndarray of shape (n_code, n_features), optional
        Orthonormal; where the linear path begins. Drawn at random by default.
    init : callable
        Draws the parameters.
    """

    inner: Compression
    to_code: Dense
    to_row: Dense

    def __init__(
        self,
        inner: Compression,
        n_features: int,
        n_code: int,
        *,
        axes: Float[np.ndarray, "n_code n_features"] | None = None,
        init: Initializer,
    ) -> None:
        self.inner = inner if axes is None else inner.fainter(FAINT)
        self.to_code = Dense(n_features, n_code, init=init)
        self.to_row = Dense(n_code, n_features, init=init)
        if axes is not None:
            self.to_code = self.to_code.with_weight(axes)
            self.to_row = self.to_row.with_weight(axes.T)

    def encode(self, x: Float[Array, "n_features n_rows"]) -> Float[Array, "n_code n_rows"]:
        """Return the code z_c of each row."""
        return self.to_code(x) + self.inner.encode(x)

    def decode(self, code: Float[Array, "n_code n_rows"]) -> Float[Array, "n_features n_rows"]:
        """Return the row x_hat that each code stands for."""
        return self.to_row(code) + self.inner.decode(code)

    def fainter(self, factor: np.float32) -> "SkipCompression":
        """Return the same network with smaller weights in the last layers of both halves."""
        return eqx.tree_at(lambda network: network.inner, self, self.inner.fainter(factor))


def _feed(
    layers: tuple[Dense, ...], activation: Activation, x: Float[Array, "in_size n_rows"]
) -> Float[Array, "out_size n_rows"]:
    function = activation_function(activation)
    for layer, _ in pairwise(layers):
        x = function(layer(x))
    return layers[-1](x)
