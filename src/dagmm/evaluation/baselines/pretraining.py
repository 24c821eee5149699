"""Layer-wise pre-training of a deep autoencoder (Vincent et al., JMLR 2010).

Each layer is trained with its mirror image as a shallow autoencoder of what the layers before it
make of the rows; put together they are where the training of the whole network starts.
"""

from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Float, Float32

from dagmm._core.numerics import Array
from dagmm._core.trees import tree
from dagmm.evaluation.baselines.optimise import DescentConfig, Gradient, descend
from dagmm.networks.activations import Activation, activation_function
from dagmm.networks.compression import DenseCompression
from dagmm.networks.dense import Dense
from dagmm.networks.network import Architecture, flatten


@tree
class Pair:
    """A layer of the encoder and its mirror image in the decoder."""

    encoder: Dense
    decoder: Dense


@dataclass(frozen=True)
class PairGradient(Gradient):
    """Gradient of the mean squared error of a shallow autoencoder.

    Parameters
    ----------
    activation : str or callable
    first, last : bool
        The first layer's decoder and the last layer's encoder are linear, as they are in the
        whole network.
    """

    activation: Activation
    first: bool
    last: bool

    def encode(self, pair: Pair, x: Float[Array, "in_size n_rows"]) -> Array:
        """Send rows through the layer."""
        hidden = pair.encoder(x)
        return hidden if self.last else activation_function(self.activation)(hidden)

    def decode(self, pair: Pair, hidden: Float[Array, "out_size n_rows"]) -> Array:
        """Send them back."""
        x_hat = pair.decoder(hidden)
        return x_hat if self.first else activation_function(self.activation)(x_hat)

    def __call__(self, pair: Pair, x: Float[Array, "in_size n_rows"]) -> Pair:
        """Return the gradient."""

        def loss(pair: Pair) -> Array:
            return ((x - self.decode(pair, self.encode(pair, x))) ** 2).sum(axis=0).mean()

        gradient: Pair = jax.grad(loss)(pair)
        return gradient


def pretrain(
    architecture: Architecture,
    features: Float32[np.ndarray, "n_rows n_features"],
    config: DescentConfig,
    rng: np.random.Generator,
) -> Float32[np.ndarray, " n_parameters"]:
    """Pre-train the compression network of an architecture, layer by layer.

    Parameters
    ----------
    architecture : Architecture
        With a dense compression network.
    features : ndarray of shape (n_rows, n_features), float32
    config : DescentConfig
        Of each layer.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_parameters,), float32
        Parameters of the whole network; those of the estimation network are drawn.
    """
    network = architecture.build(rng)
    assert isinstance(network.compression, DenseCompression), "layers are dense"
    encoders, decoders = network.compression.encoder, network.compression.decoder[::-1]
    pairs: list[Pair] = []
    for i, (encoder, decoder) in enumerate(zip(encoders, decoders, strict=True)):
        gradient = PairGradient(architecture.comp_activation, i == 0, i == len(encoders) - 1)
        pairs.append(descend(gradient, Pair(encoder, decoder), features, config, rng))
        features = np.asarray(gradient.encode(pairs[-1], features.T)).T
    pretrained = replace(
        network.compression,
        encoder=tuple(pair.encoder for pair in pairs),
        decoder=tuple(pair.decoder for pair in pairs[::-1]),
    )
    return np.asarray(flatten(replace(network, compression=pretrained)))
