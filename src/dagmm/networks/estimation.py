"""The estimation network: which component of the mixture a row belongs to (paper, 3.3)."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float, UInt32

from dagmm._core.numerics import Array
from dagmm.networks.activations import Activation, activation_function
from dagmm.networks.dense import Dense, Initializer, dense_stack
from dagmm.networks.dropout import fold_in, keep_mask


class Estimation(eqx.Module):
    """Fully connected network that ends in a softmax over the components.

    Parameters
    ----------
    n_latent : int
        Width of z.
    hiddens : tuple of int
        Widths of the layers, the last of which is the number of components.
    activation : str or callable
    dropout_ratio : float
        Share of each hidden layer that is dropped in training. In the reference
        implementation dropout never acts, because ``training=True`` is not passed on; here,
        as in the paper, it does.
    init : callable
        Draws the parameters.
    """

    layers: tuple[Dense, ...]
    activation: Activation = eqx.field(static=True)
    dropout_ratio: float = eqx.field(static=True)

    def __init__(
        self,
        n_latent: int,
        hiddens: tuple[int, ...],
        activation: Activation,
        dropout_ratio: float,
        *,
        init: Initializer,
    ) -> None:
        self.layers = dense_stack((n_latent, *hiddens), init=init)
        self.activation = activation
        self.dropout_ratio = dropout_ratio

    def gamma(
        self, z: Float[Array, "n_latent n_rows"], *, seed: UInt32[Array, " 2"] | None = None
    ) -> Float[Array, "n_components n_rows"]:
        """Return the soft membership of each row; with a seed, under dropout (training)."""
        function = activation_function(self.activation)
        for i, (layer, _) in enumerate(pairwise(self.layers)):
            z = jnp.asarray(function(layer(z)))
            if seed is not None and self.dropout_ratio > 0.0:
                stays = keep_mask(fold_in(seed, i), self.dropout_ratio, z.shape)
                z = jnp.where(stays, z / (1.0 - self.dropout_ratio), 0.0)
        return jax.nn.softmax(self.layers[-1](z), axis=0)
