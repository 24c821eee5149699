"""The compression network: a row to its code, and the code back to a row (paper, 3.2)."""

from abc import ABC, abstractmethod
from itertools import pairwise

from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm._core.trees import static, tree
from dagmm.networks.activations import Activation, activation_function
from dagmm.networks.dense import Dense, Initializer, dense_stack


class Compression(ABC):
    """What every compression network does; rows lie along the last axis, features before it."""

    @abstractmethod
    def encode(
        self, x: Float[Array, "... n_features n_rows"]
    ) -> Float[Array, "... n_code n_rows"]:
        """Return the code z_c of each row."""

    @abstractmethod
    def decode(
        self, code: Float[Array, "... n_code n_rows"]
    ) -> Float[Array, "... n_features n_rows"]:
        """Return the row x_hat that each code stands for."""


@tree
class DenseCompression(Compression):
    """Fully connected encoder and its mirror image; code and output are linear.

    Parameters
    ----------
    encoder, decoder : tuple of Dense
    activation : str or callable
    shortcuts : tuple of Dense
        Linear maps that lead past the layers of encoder and decoder: what is linear need not be
        learnt by what bends (skip connections: He et al., 2016). None in the paper.
    """

    encoder: tuple[Dense, ...]
    decoder: tuple[Dense, ...]
    activation: Activation = static()
    shortcuts: tuple[Dense, ...] = ()

    @classmethod
    def drawn(
        cls,
        n_features: int,
        hiddens: tuple[int, ...],
        activation: Activation,
        *,
        has_shortcuts: bool = False,
        init: Initializer,
    ) -> "DenseCompression":
        """Draw a new network.

        Parameters
        ----------
        n_features : int
            Width of an encoded row.
        hiddens : tuple of int
            Widths of the encoder's layers, the last of which is the width of the code.
        activation : str or callable
        has_shortcuts : bool
            Whether linear maps lead past the layers, of the encoder and of the decoder.
        init : callable
            Draws the parameters.
        """
        sizes = (n_features, *hiddens)
        encoder = dense_stack(sizes, init=init)
        decoder = dense_stack(sizes[::-1], init=init)
        past = (n_features, hiddens[-1])
        ends = (past, past[::-1]) if has_shortcuts else ()
        shortcuts = tuple(Dense.drawn(*end, init=init) for end in ends)
        return cls(encoder, decoder, activation, shortcuts)

    def encode(
        self, x: Float[Array, "... n_features n_rows"]
    ) -> Float[Array, "... n_code n_rows"]:
        """Return the code z_c of each row."""
        code = _feed(self.encoder, self.activation, x)
        return code + self.shortcuts[0](x) if self.shortcuts else code

    def decode(
        self, code: Float[Array, "... n_code n_rows"]
    ) -> Float[Array, "... n_features n_rows"]:
        """Return the row x_hat that each code stands for."""
        x_hat = _feed(self.decoder, self.activation, code)
        return x_hat + self.shortcuts[1](code) if self.shortcuts else x_hat


def _feed(
    layers: tuple[Dense, ...], activation: Activation, x: Float[Array, "... in_size n_rows"]
) -> Float[Array, "... out_size n_rows"]:
    function = activation_function(activation)
    for layer, _ in pairwise(layers):
        x = function(layer(x))
    return layers[-1](x)
