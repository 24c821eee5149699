"""The compiled program of training: a step, and some whole epochs of one network."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.experimental.layout import Layout, with_layout_constraint
from jaxtyping import Float, Int, UInt32

from dagmm._core.compilation import compiled
from dagmm._core.numerics import Array
from dagmm.networks.dropout import fold_in
from dagmm.networks.network import Architecture, Network, flatten
from dagmm.preprocessing.windows.features import WindowGather
from dagmm.training.minibatch import LatentPadding
from dagmm.training.objective import Terms, objective
from dagmm.training.schedule import Schedule


class State(NamedTuple):
    """What a step changes. All parameters are one vector: one operation updates them."""

    parameters: Float[Array, " n_parameters"]
    adam: Any
    step: Int[Array, ""]
    phi: Float[Array, " n_components"]
    cov: Float[Array, "n_components n_latent n_latent"]


class StepRecord(NamedTuple):
    """What a step reports."""

    loss: Array
    reconstruction: Array
    energy: Array
    penalty: Array
    gradient_norm: Array
    dropped: Array


_ADAM = optax.scale_by_adam()


def _step(
    architecture: Architecture,
    rows: Float[Array, "n_rows n_columns"],
    windowed: WindowGather | None,
    seed: UInt32[Array, " 2"],
    padding: LatentPadding,
    state: State,
    batch: tuple[Int[Array, " batch_size"], Schedule],
) -> tuple[State, StepRecord]:
    index, schedule = batch
    step_seed = fold_in(seed, state.step)

    def loss(network: Network) -> tuple[Array, Terms]:
        x = _turned(rows[index]) if windowed is None else windowed(rows, index)
        return objective(
            network,
            x,
            schedule.lambda1,
            schedule.lambda2,
            step_seed,
            schedule.reconstruction_weight,
            architecture.mask_ratio,
            padding,
        )

    # Not the gradient of the vector: each part would be padded to the whole and added up.
    network = architecture.unflatten(state.parameters)
    (value, terms), parts = jax.value_and_grad(loss, has_aux=True)(network)
    gradient = flatten(parts)
    norm = jnp.sqrt((gradient * gradient).sum())
    update, adam = _ADAM.update(gradient, state.adam)
    parameters = state.parameters - schedule.learning_rate * update
    moved = State(parameters, adam, state.step, terms.phi, terms.cov)
    # One step that is not finite would destroy every weight: it is left out and counted.
    usable = jnp.isfinite(value) & jnp.isfinite(norm)
    state = jax.tree.map(lambda new, old: jnp.where(usable, new, old), moved, state)
    record = StepRecord(value, terms.reconstruction, terms.energy, terms.penalty, norm, ~usable)
    return state._replace(step=state.step + 1), record


def _turned(rows: Float[Array, "n_rows n_columns"]) -> Float[Array, "n_columns n_rows"]:
    """Lay rows along the last axis in memory as well, for all that comes after the products."""
    return with_layout_constraint(rows.T, Layout((0, 1)))  # type: ignore[no-untyped-call]


def fresh_state(architecture: Architecture, parameters: Float[Array, " n_parameters"]) -> State:
    """Return the state before the first step."""
    k, d = architecture.n_components, architecture.n_latent
    zeros = np.zeros_like(parameters)
    return State(
        parameters,
        # Of no parameters, as JAX would compile a program for each number of them.
        _ADAM.init(zeros[:0])._replace(mu=zeros, nu=zeros),
        np.zeros((), np.int32),
        np.full(k, 1.0 / k, np.float32),
        np.broadcast_to(np.eye(d, dtype=np.float32), (k, d, d)),
    )


def reshaped(
    state: State,
    of_parameters: Callable[[Array], Array],
    of_cov: Callable[[Array], Array],
) -> State:
    """Pad or cut everything in a state that has the shape of the network."""
    mu, nu = of_parameters(state.adam.mu), of_parameters(state.adam.nu)
    return state._replace(
        parameters=of_parameters(state.parameters),
        adam=state.adam._replace(mu=mu, nu=nu),
        cov=of_cov(state.cov),
    )


@cache
def program() -> Callable[..., Any]:
    """Return the compiled program: some whole epochs of one member."""

    def run(
        rows: Array,
        windowed: WindowGather | None,
        seed: Array,
        padding: LatentPadding,
        state: State,
        batches: tuple[Array, Schedule],
        *,
        architecture: Architecture,
    ) -> tuple[State, tuple[StepRecord, Array, Array]]:
        def epoch(state: State, batches: tuple[Array, Schedule]) -> Any:
            state, record = jax.lax.scan(
                lambda s, b: _step(architecture, rows, windowed, seed, padding, s, b),
                state,
                batches,
            )
            return state, (record, state.phi, state.cov)

        return jax.lax.scan(epoch, state, batches)

    return compiled(run, static_argnames="architecture")
