"""Minibatch descent for losses that draw random numbers or carry a state along."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dagmm._core.compilation import compiled

#: Most steps of one compiled call.
STEPS_PER_CALL = 500

#: Takes parameters, a state, rows along the last axis and a key; returns a loss and a new state.
Loss = Callable[[Any, Any, jax.Array, jax.Array], tuple[jax.Array, Any]]


class Plan(NamedTuple):
    """How long and how fast."""

    batch_size: int
    n_steps: int
    learning_rate: float
    """Of Adam, constant."""


def minimise(
    loss: Loss, parameters: Any, state: Any, x: np.ndarray, plan: Plan, seed: int
) -> tuple[Any, Any]:
    """Follow the gradient of a loss from minibatch to minibatch.

    Rows are reshuffled whenever all of them were used, as in the library's training. A step whose
    gradient is not finite is left out.

    Parameters
    ----------
    loss : callable
    parameters : tree of arrays
        Where to start.
    state : tree of arrays
        What the loss hands on from step to step without a gradient.
    x : ndarray of shape (n_rows, n_features), float32
    plan : Plan
    seed : int

    Returns
    -------
    parameters, state : trees of ndarray
    """
    adam = optax.adam(plan.learning_rate)
    order = _order(len(x), plan, np.random.default_rng([seed, 2]))
    keys = jax.random.split(jax.random.key(seed), plan.n_steps)
    carried = (parameters, state, adam.init(parameters))
    program = compiled(partial(_steps, loss, adam))
    rows = jnp.asarray(x)
    for start in range(0, plan.n_steps, STEPS_PER_CALL):
        part = slice(start, start + STEPS_PER_CALL)
        carried = program(rows, carried, (order[part], keys[part]))
    found: tuple[Any, Any] = jax.tree.map(np.asarray, carried[:2])
    return found


def _steps(
    loss: Loss, adam: Any, rows: jax.Array, carried: Any, batches: tuple[jax.Array, jax.Array]
) -> Any:
    def step(carried: Any, batch: tuple[jax.Array, jax.Array]) -> tuple[Any, None]:
        parameters, state, moments = carried
        index, key = batch
        slope = jax.value_and_grad(loss, has_aux=True)
        (_, new_state), parts = slope(parameters, state, rows[index].T, key)
        update, new_moments = adam.update(parts, moments)
        moved = optax.apply_updates(parameters, update), new_state, new_moments
        usable = jnp.array([jnp.isfinite(part).all() for part in jax.tree.leaves(parts)]).all()
        return jax.tree.map(lambda a, b: jnp.where(usable, a, b), moved, carried), None

    return jax.lax.scan(step, carried, batches)[0]


def _order(n_rows: int, plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of each step, shape (n_steps, batch_size)."""
    wanted = plan.n_steps * plan.batch_size
    shuffles = [rng.permutation(n_rows) for _ in range(-(-wanted // n_rows))]
    numbers = np.concatenate(shuffles)[:wanted].astype(np.int32)
    return numbers.reshape(plan.n_steps, plan.batch_size)
