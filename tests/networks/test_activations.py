import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dagmm._core.errors import ArgumentError
from dagmm.networks.activations import (
    KNOWN,
    activation_function,
    activation_name,
    resolve_activation,
)

NAMES = (
    "celu, elu, gelu, leaky_relu, linear, relu, selu, sigmoid, silu, sin, softplus, softsign, "
    "swish, tanh"
)


def scaled_tanh(x):
    return 1.5 * jnp.tanh(x)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("tanh", "tanh"),
        ("ReLU", "relu"),
        (jnp.tanh, "tanh"),
        (np.tanh, "tanh"),
        (jax.nn.relu, "relu"),
        (jax.nn.sigmoid, "sigmoid"),
        (jnp.sin, "sin"),
    ],
)
def test_a_known_function_becomes_its_name(value, name):
    assert resolve_activation("comp_activation", value) == name


def test_a_function_of_ones_own_stays_a_function():
    assert resolve_activation("comp_activation", scaled_tanh) is scaled_tanh
    assert activation_function(scaled_tanh) is scaled_tanh


@pytest.mark.parametrize("value", ["tan h", 3, None])
def test_anything_else_is_refused_with_the_names_that_are_known(value):
    with pytest.raises(ArgumentError) as caught:
        resolve_activation("est_activation", value)
    assert str(caught.value) == f"est_activation must be one of {NAMES}, or a function, got " + (
        f"{value!r}."
    )


def test_a_name_is_saved_as_it_is():
    assert activation_name("comp_activation", "tanh") == "tanh"


def test_a_function_without_a_known_name_cannot_be_saved():
    with pytest.raises(ArgumentError) as caught:
        activation_name("comp_activation", scaled_tanh)
    assert str(caught.value) == (
        f"comp_activation is the function {scaled_tanh!r}, which cannot be saved; a model to be "
        f"saved needs one of {NAMES}."
    )


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_activation_and_its_gradient_are_finite(name):
    function = activation_function(name)
    x = jnp.array([-1e4, -1.0, 0.0, 1.0, 1e4])
    assert jnp.isfinite(function(x)).all()
    assert jnp.isfinite(jax.grad(lambda v: function(v).sum())(x)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("linear", -0.5),
        ("relu", 0.0),
        ("leaky_relu", -0.005),
        ("tanh", np.tanh(-0.5)),
        ("sigmoid", 1.0 / (1.0 + np.exp(0.5))),
        ("softplus", np.log1p(np.exp(-0.5))),
        ("softsign", -0.5 / 1.5),
        ("elu", np.expm1(-0.5)),
        ("silu", -0.5 / (1.0 + np.exp(0.5))),
        ("swish", -0.5 / (1.0 + np.exp(0.5))),
        ("sin", np.sin(-0.5)),
    ],
)
def test_an_activation_does_what_its_name_says(name, value):
    assert float(activation_function(name)(jnp.array(-0.5))) == pytest.approx(value, rel=1e-5)
