"""Gradient descent for what is not trained by DAGMM's objective: layers, adversaries."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Float32

from dagmm._core.compilation import compiled, make_room
from dagmm._core.numerics import Array

_P = TypeVar("_P")


class Gradient(ABC):
    """The direction to go: a gradient of one loss, or of several losses of several players.

    A frozen dataclass, so that a program compiled for it is found again.
    """

    @abstractmethod
    def __call__(self, parameters: Any, x: Float[Array, "n_features n_rows"], /) -> Any:
        """Return a gradient in the form of the parameters."""


@dataclass(frozen=True)
class DescentConfig:
    """How long and how fast.

    Parameters
    ----------
    batch_size, n_steps : int
    learning_rate : float
        Of Adam at the start; it falls to zero along a cosine.
    momentum : float
        Adam's first decay rate; adversaries want less than the usual 0.9.
    """

    batch_size: int
    n_steps: int
    learning_rate: float
    momentum: float = 0.9


def descend(
    gradient: Gradient,
    parameters: _P,
    features: Float32[np.ndarray, "n_rows n_features"],
    config: DescentConfig,
    rng: np.random.Generator,
) -> _P:
    """Follow a gradient from minibatch to minibatch.

    Parameters
    ----------
    gradient : Gradient
    parameters : tree of arrays
        Where to start.
    features : ndarray of shape (n_rows, n_features), float32
    config : DescentConfig
    rng : numpy.random.Generator
        Draws the rows of each minibatch, with replacement.

    Returns
    -------
    tree of ndarray
        A step whose gradient is not finite is left out, so the result is finite.
    """
    index = rng.integers(len(features), size=(config.n_steps, config.batch_size), dtype=np.int32)
    decay = 0.5 + 0.5 * np.cos(np.pi * np.arange(config.n_steps) / config.n_steps)
    rates = (config.learning_rate * decay).astype(np.float32)
    make_room(_program())
    result: _P = jax.tree.map(
        np.asarray,
        _program()(
            features, parameters, (index, rates), gradient=gradient, momentum=config.momentum
        ),
    )
    return result


@cache
def _program() -> Callable[..., Any]:
    def run(
        features: Array,
        parameters: Any,
        batches: tuple[Array, Array],
        *,
        gradient: Gradient,
        momentum: float,
    ) -> Any:
        adam = optax.scale_by_adam(b1=momentum)

        def step(state: Any, batch: tuple[Array, Array]) -> Any:
            parameters, moments = state
            index, rate = batch
            parts = gradient(parameters, features[index].T)
            update, moved = adam.update(parts, moments)
            new = jax.tree.map(lambda p, u: p - rate * u, parameters, update), moved
            usable = jnp.array([jnp.isfinite(p).all() for p in jax.tree.leaves(parts)]).all()
            return jax.tree.map(lambda a, b: jnp.where(usable, a, b), new, state), None

        (parameters, _), _ = jax.lax.scan(step, (parameters, adam.init(parameters)), batches)
        return parameters

    return compiled(run, static_argnames=("gradient", "momentum"))
