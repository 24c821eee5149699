"""Deep structured energy based model, fully connected (Zhai, Cheng, Lu and Zhang, ICML 2016).

The energy of a row is that of a unit Gaussian around b', less what the last layer of a network
sums up to,

    E(x) = |x - b'|^2 / 2 - sum_j h_L,j      h_l = g(W_l h_(l-1) + b_l)   h_0 = x

with g the softplus. It is trained by score matching in its denoising form (Vincent, 2011): one
step down the energy,

    f(x) = x - grad E(x)

has to take the noise away, which is least squares |x - f(x + noise)|^2, without sampling and
without the normalising constant. For one layer f is an autoencoder with tied weights and sigmoid
units: f(x) = b' + W^T sigmoid(W x + b).

DSEBM-e calls rows strange by E(x), DSEBM-r by the reconstruction error |x - f(x)|^2, which is
|grad E(x)|^2.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dagmm._core.compilation import compiled
from paper_peers.descent import Plan, minimise

#: Widths of the layers, deviation of the noise and training: one setting for all tables of rows
#: scaled to deviation 1. The paper does not give them for these sets.
HIDDENS = (128, 128)
NOISE = 1.0
PLAN = Plan(batch_size=256, n_steps=4000, learning_rate=1e-3)

#: Rows that are scored at a time.
_ROWS_AT_ONCE = 16384


class Energy(NamedTuple):
    """Parameters of an energy."""

    weights: tuple[jax.Array, ...]
    """Of each layer, (n_out, n_in)."""
    biases: tuple[jax.Array, ...]
    centre: jax.Array
    """b', shape (n_features,)."""

    @classmethod
    def drawn(
        cls, n_features: int, hiddens: tuple[int, ...], rng: np.random.Generator
    ) -> "Energy":
        """Draw a new network; the Gaussian is around zero."""
        sizes = pairwise((n_features, *hiddens))
        weights = tuple(
            jnp.asarray(rng.normal(0.0, np.sqrt(2.0 / (a + b)), (b, a)), jnp.float32)
            for a, b in sizes
        )
        biases = tuple(jnp.zeros(size, jnp.float32) for size in hiddens)
        return cls(weights, biases, jnp.zeros(n_features, jnp.float32))


def energy(model: Energy, x: jax.Array) -> jax.Array:
    """Energy of each row, up to a constant; rows lie along the last axis."""
    hidden = x
    for weight, bias in zip(model.weights, model.biases, strict=True):
        hidden = jax.nn.softplus(weight @ hidden + bias[:, None])
    return 0.5 * ((x - model.centre[:, None]) ** 2).sum(axis=0) - hidden.sum(axis=0)


def reconstruction(model: Energy, x: jax.Array) -> jax.Array:
    """f(x): each row, one step down its energy."""
    return x - jax.grad(lambda rows: energy(model, rows).sum())(x)


def denoising_loss(model: Energy, x: jax.Array, noise: jax.Array) -> jax.Array:
    """Mean over rows of the squared error with which noise is taken away."""
    return ((x - reconstruction(model, x + noise)) ** 2).sum(axis=0).mean()


def fit(
    x: np.ndarray,
    seed: int,
    *,
    hiddens: tuple[int, ...] = HIDDENS,
    noise: float = NOISE,
    plan: Plan = PLAN,
) -> Energy:
    """Fit an energy to rows of shape (n_rows, n_features) whose columns have deviation 1."""
    start = Energy.drawn(x.shape[1], hiddens, np.random.default_rng(seed))

    def loss(
        model: Energy, state: None, rows: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, None]:
        drawn = noise * jax.random.normal(key, rows.shape, rows.dtype)
        return denoising_loss(model, rows, drawn), state

    return minimise(loss, start, None, x.astype(np.float32), plan, seed)[0]


def dsebm_e(x: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """DSEBM-e: the energy."""
    model = fit(x, seed)
    return _scored(lambda rows: energy(model, rows))


def dsebm_r(x: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """DSEBM-r: the squared reconstruction error."""
    model = fit(x, seed)
    return _scored(lambda rows: ((rows - reconstruction(model, rows)) ** 2).sum(axis=0))


def _scored(score: Callable[[jax.Array], jax.Array]) -> Callable[[np.ndarray], np.ndarray]:
    program = compiled(score)

    def of(rows: np.ndarray) -> np.ndarray:
        parts = (rows[i : i + _ROWS_AT_ONCE] for i in range(0, len(rows), _ROWS_AT_ONCE))
        found = [np.asarray(program(part.T.astype(np.float32)), np.float64) for part in parts]
        return np.concatenate(found)

    return of
