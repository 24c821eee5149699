"""Activations are names, so that a model can be saved without code in the file."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp

from dagmm._core.errors import ArgumentError
from dagmm._core.numerics import Array

#: The name of a known activation, or a function of an array that JAX can trace.
Activation: TypeAlias = str | Callable[[Array], Array]


def _linear(x: Array) -> Array:
    return x


KNOWN: dict[str, Callable[[Array], Array]] = {
    "celu": jax.nn.celu,
    "elu": jax.nn.elu,
    "gelu": jax.nn.gelu,
    "leaky_relu": jax.nn.leaky_relu,
    "linear": _linear,
    "relu": jax.nn.relu,
    "selu": jax.nn.selu,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "sin": jnp.sin,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "swish": jax.nn.silu,
    "tanh": jnp.tanh,
}


def resolve_activation(argument: str, value: object) -> Activation:
    """Turn what a user passes into a known name, or leave a function of their own.

    Parameters
    ----------
    argument : str
        Name of the argument, for the message.
    value : str or callable
        A known name, or any function that carries one: ``jnp.tanh``, ``jax.nn.relu``,
        ``tf.nn.tanh``, ``torch.tanh``, ``numpy.tanh``. A function whose name is not known is
        used as it is and must be traceable by JAX; a model with it cannot be saved.

    Raises
    ------
    ArgumentError
        If it is neither a known name nor callable.
    """
    name = value if isinstance(value, str) else getattr(value, "__name__", None)
    if isinstance(name, str) and name.lower() in KNOWN:
        return name.lower()
    if not isinstance(value, str) and callable(value):
        return value
    raise ArgumentError(
        f"{argument} must be one of {', '.join(KNOWN)}, or a function, got {value!r}."
    )


def activation_function(activation: Activation) -> Callable[[Array], Array]:
    """Return the function that a resolved activation stands for."""
    return KNOWN[activation] if isinstance(activation, str) else activation


def activation_name(argument: str, activation: Activation) -> str:
    """Return the name under which an activation is saved.

    Raises
    ------
    ArgumentError
        If it is a function that no name is known for.
    """
    if isinstance(activation, str):
        return activation
    raise ArgumentError(
        f"{argument} is the function {activation!r}, which cannot be saved; a model to be saved "
        f"needs one of {', '.join(KNOWN)}."
    )
