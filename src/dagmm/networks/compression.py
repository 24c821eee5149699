"""The compression network: a row to its code, and the code back to a row (paper, 3.2)."""

from abc import abstractmethod
from itertools import pairwise

import equinox as eqx
from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm.networks.activations import Activation, activation_function
from dagmm.networks.dense import Dense, Initializer, dense_stack


class Compression(eqx.Module):
    """What every compression network does; rows lie along the last axis."""

    @abstractmethod
    def encode(self, x: Float[Array, "n_features n_rows"]) -> Float[Array, "n_code n_rows"]:
        """Return the code z_c of each row."""

    @abstractmethod
    def decode(self, code: Float[Array, "n_code n_rows"]) -> Float[Array, "n_features n_rows"]:
        """Return the row x_hat that each code stands for."""


class DenseCompression(Compression):
    """Fully connected encoder and its mirror image; code and output are linear.

    Parameters
    ----------
    n_features : int
        Width of an encoded row.
    hiddens : tuple of int
        Widths of the encoder's layers, the last of which is the width of the code.
    activation : str or callable
    has_shortcuts : bool
        Whether a linear map leads past the layers, of the encoder and of the decoder: what is
        linear need not be learnt by what bends (skip connections: He et al., 2016).
    init : callable
        Draws the parameters.
    """

    encoder: tuple[Dense, ...]
    decoder: tuple[Dense, ...]
    shortcuts: tuple[Dense, ...]
    activation: Activation = eqx.field(static=True)

    def __init__(
        self,
        n_features: int,
        hiddens: tuple[int, ...],
        activation: Activation,
        *,
        has_shortcuts: bool = False,
        init: Initializer,
    ) -> None:
        sizes = (n_features, *hiddens)
        self.encoder = dense_stack(sizes, init=init)
        self.decoder = dense_stack(sizes[::-1], init=init)
        past = (n_features, hiddens[-1])
        ends = (past, past[::-1]) if has_shortcuts else ()
        self.shortcuts = tuple(Dense(i, o, init=init) for i, o in ends)
        self.activation = activation

    def encode(self, x: Float[Array, "n_features n_rows"]) -> Float[Array, "n_code n_rows"]:
        """Return the code z_c of each row."""
        code = _feed(self.encoder, self.activation, x)
        return code + self.shortcuts[0](x) if self.shortcuts else code

    def decode(self, code: Float[Array, "n_code n_rows"]) -> Float[Array, "n_features n_rows"]:
        """Return the row x_hat that each code stands for."""
        x_hat = _feed(self.decoder, self.activation, code)
        return x_hat + self.shortcuts[1](code) if self.shortcuts else x_hat


def _feed(
    layers: tuple[Dense, ...], activation: Activation, x: Float[Array, "in_size n_rows"]
) -> Float[Array, "out_size n_rows"]:
    function = activation_function(activation)
    for layer, _ in pairwise(layers):
        x = function(layer(x))
    return layers[-1](x)
