"""Activations are names, so that a model can be saved without code in the file.

Their functions take NumPy arrays and JAX arrays alike, and leave what they are given as it is.
Steps are in place where arrays can be changed: of large ones memory is what takes the time.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

from dagmm._core.errors import ArgumentError
from dagmm._core.numerics import Array, logistic_share

#: The name of a known activation, or a function of an array that JAX can trace.
Activation: TypeAlias = str | Callable[[Array], Array]


#: Of the self-normalising network (Klambauer et al., 2017).
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_LEAK = 0.01


def _elu(x: Array) -> Array:
    xp = x.__array_namespace__()
    return xp.where(x > 0.0, x, xp.expm1(xp.where(x > 0.0, 0.0, x)))


def _gelu(x: Array) -> Array:
    """Hendrycks and Gimpel (2016), by their formula with tanh."""
    u = x * x
    u *= x
    u *= 0.044715
    u += x
    u *= math.sqrt(2.0 / math.pi)
    return logistic_share(x, u)


def _leaky_relu(x: Array) -> Array:
    return x.__array_namespace__().where(x >= 0.0, x, _LEAK * x)


def _linear(x: Array) -> Array:
    return x


def _relu(x: Array) -> Array:
    # Unlike a maximum it has the slope 0 at 0.
    return x.__array_namespace__().where(x <= 0.0, 0.0, x)


def _selu(x: Array) -> Array:
    xp = x.__array_namespace__()
    below = _SELU_ALPHA * xp.expm1(xp.where(x > 0.0, 0.0, x))
    return _SELU_SCALE * xp.where(x > 0.0, x, below)


def _sigmoid(x: Array) -> Array:
    return logistic_share(1.0, 0.5 * x)


def _silu(x: Array) -> Array:
    return logistic_share(x, 0.5 * x)


def _sin(x: Array) -> Array:
    return x.__array_namespace__().sin(x)


def _softplus(x: Array) -> Array:
    return x.__array_namespace__().logaddexp(x, 0.0)


def _softsign(x: Array) -> Array:
    return x / (1.0 + x.__array_namespace__().abs(x))


def _tanh(x: Array) -> Array:
    return x.__array_namespace__().tanh(x)


KNOWN: dict[str, Callable[[Array], Array]] = {
    "celu": _elu,
    "elu": _elu,
    "gelu": _gelu,
    "leaky_relu": _leaky_relu,
    "linear": _linear,
    "relu": _relu,
    "selu": _selu,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "sin": _sin,
    "softplus": _softplus,
    "softsign": _softsign,
    "swish": _silu,
    "tanh": _tanh,
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
