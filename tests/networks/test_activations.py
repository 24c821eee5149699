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


JAX_NAMES = {"linear": None, "sin": jnp.sin, "softsign": jax.nn.soft_sign, "tanh": jnp.tanh}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("namespace", [np, jnp])
def test_an_activation_is_that_of_jax_and_leaves_its_argument_alone(name, namespace):
    x = np.linspace(-12.0, 12.0, 97, dtype=np.float32)
    given = namespace.asarray(x.copy())
    function = JAX_NAMES[name] if name in JAX_NAMES else getattr(jax.nn, name)
    expected = x if function is None else function(x)
    found = activation_function(name)(given)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(given, x)


@pytest.mark.parametrize("name", KNOWN)
def test_the_slope_of_an_activation_is_that_of_jax(name):
    x = jnp.linspace(-5.0, 5.0, 41)  # 0 among them
    function = JAX_NAMES[name] if name in JAX_NAMES else getattr(jax.nn, name)
    expected = jnp.ones_like(x) if function is None else jax.grad(lambda v: function(v).sum())(x)
    found = jax.grad(lambda v: activation_function(name)(v).sum())(x)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


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
