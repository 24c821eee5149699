"""A detector trained against an adversary: GANomaly (Akcay et al., ACCV 2018), on dense layers.

A generator compresses a row to a code and rebuilds it, a second encoder compresses what was
rebuilt, and a discriminator learns to tell rows from rebuilt rows. The generator can only make
rows like those it was trained on, so a row that it fails to make is strange.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import jax
import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm._core.trees import tree
from dagmm.evaluation.baselines.method import Strangeness
from dagmm.evaluation.baselines.optimise import DescentConfig, Gradient, descend
from dagmm.networks.dense import Dense, Initializer, dense_stack, glorot

#: Weights of the generator's losses, as in the paper.
CONTEXT, ADVERSARIAL, ENCODER = 50.0, 1.0, 1.0
#: Widths of the hidden layers; the paper has convolutions.
HIDDENS = (64, 32)
LEAK = 0.2
CONFIG = DescentConfig(batch_size=256, n_steps=2000, learning_rate=1e-3, momentum=0.5)


@tree
class Ganomaly:
    """The four networks; rows lie along the last axis."""

    encoder: tuple[Dense, ...]
    decoder: tuple[Dense, ...]
    second_encoder: tuple[Dense, ...]
    discriminator: tuple[Dense, ...]

    @classmethod
    def drawn(cls, n_features: int, n_code: int, *, init: Initializer) -> "Ganomaly":
        """Draw new networks."""
        sizes = (n_features, *HIDDENS, n_code)
        return cls(
            encoder=dense_stack(sizes, init=init),
            decoder=dense_stack(sizes[::-1], init=init),
            second_encoder=dense_stack(sizes, init=init),
            discriminator=dense_stack((n_features, *HIDDENS, 1), init=init),
        )

    def generate(
        self, x: Float[Array, "n_features n_rows"]
    ) -> tuple[Float[Array, "n_code n_rows"], Float[Array, "n_features n_rows"]]:
        """Return the code of each row and what is rebuilt from it."""
        code = feed(self.encoder, x)
        return code, feed(self.decoder, code)

    def discriminate(
        self, x: Float[Array, "n_features n_rows"]
    ) -> tuple[Float[Array, "n_hidden n_rows"], Float[Array, "1 n_rows"]]:
        """Return the last hidden layer, and the log-odds that each row is a real one."""
        hidden = leaky(feed(self.discriminator[:-1], x))
        return hidden, self.discriminator[-1](hidden)

    def losses(self, x: Float[Array, "n_features n_rows"]) -> Float[Array, " n_rows"]:
        """Return the generator's loss of each row: contextual, adversarial and encoder term."""
        xp = x.__array_namespace__()
        code, x_hat = self.generate(x)
        real, _ = self.discriminate(x)
        fake, _ = self.discriminate(x_hat)
        second_code = feed(self.second_encoder, x_hat)
        return (
            CONTEXT * xp.abs(x - x_hat).mean(axis=0)
            + ADVERSARIAL * ((real - fake) ** 2).mean(axis=0)
            + ENCODER * ((code - second_code) ** 2).mean(axis=0)
        )


def feed(layers: tuple[Dense, ...], x: Float[Array, "in_size n_rows"]) -> Array:
    """Send rows through layers, the last of which is linear."""
    for layer, _ in pairwise(layers):
        x = leaky(layer(x))
    return layers[-1](x)


def leaky(x: Array) -> Array:
    """Rectifier that lets a little through on the negative side."""
    return x.__array_namespace__().maximum(x, LEAK * x)


def generator_loss(networks: Ganomaly, x: Float[Array, "n_features n_rows"]) -> Array:
    """Mean over rows of the generator's loss."""
    return networks.losses(x).mean()


def discriminator_loss(networks: Ganomaly, x: Float[Array, "n_features n_rows"]) -> Array:
    """Cross-entropy of telling rows from rebuilt rows, in nats."""
    _, x_hat = networks.generate(x)
    _, real = networks.discriminate(x)
    _, fake = networks.discriminate(jax.lax.stop_gradient(x_hat))
    return (jax.nn.softplus(-real) + jax.nn.softplus(fake)).mean()


@dataclass(frozen=True)
class AdversarialGradient(Gradient):
    """Each player follows its own loss: the discriminator one, the other three the other."""

    def __call__(self, networks: Ganomaly, x: Float[Array, "n_features n_rows"]) -> Ganomaly:
        """Return the gradients of both losses, each where it belongs."""
        ours: Ganomaly = jax.grad(generator_loss)(networks, x)
        theirs: Ganomaly = jax.grad(discriminator_loss)(networks, x)
        return replace(ours, discriminator=theirs.discriminator)


def gan(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, config: DescentConfig = CONFIG
) -> Strangeness:
    """Loss of the generator on a row.

    The paper takes the encoder's term alone, which found fewer anomalies on the tables that were
    tried: they lie where the row itself is not rebuilt.
    """
    rng = np.random.default_rng(seed)
    n_features = x.shape[1]
    start = Ganomaly.drawn(n_features, _code_width(n_features), init=glorot(rng))
    networks = descend(AdversarialGradient(), start, x.astype(np.float32), config, rng)
    return lambda rows: np.asarray(networks.losses(rows.T), np.float64)


def _code_width(n_features: int) -> int:
    return min(8, -(-n_features // 2))
