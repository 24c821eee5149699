import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm.networks.dense import blank, glorot
from dagmm.networks.network import Architecture, flatten


def a_network(hiddens, activation="tanh", n_features=5):
    architecture = Architecture(n_features, hiddens, activation, (4, 2), "tanh", 0.0)
    parameters = flatten(architecture.build(np.random.default_rng(0)))
    # Biases begin at zero; here they count.
    parameters += np.random.default_rng(1).normal(0.0, 0.1, parameters.shape).astype(np.float32)
    return architecture, parameters


@pytest.mark.parametrize("hiddens", [(2,), (4, 2), (8, 4, 1), (6, 7)])
@pytest.mark.parametrize(("name", "function"), [("tanh", np.tanh), ("linear", lambda v: v)])
def test_code_and_reconstruction_are_those_of_the_paper(hiddens, name, function):
    architecture, parameters = a_network(hiddens, name)
    named = architecture.named(parameters)
    network = architecture.unflatten(jnp.asarray(parameters)).compression
    x = np.random.default_rng(2).normal(size=(9, 5)).astype(np.float32)
    code = network.encode(jnp.asarray(x.T))
    x_hat = network.decode(code)
    assert code.shape == (hiddens[-1], 9)
    for i, row in enumerate(x):
        expected = oracle.feed(oracle.layers_of(named, "compression.encoder"), row, function)
        np.testing.assert_allclose(code[:, i], expected, rtol=1e-4, atol=1e-5)
        expected = oracle.feed(oracle.layers_of(named, "compression.decoder"), expected, function)
        np.testing.assert_allclose(x_hat[:, i], expected, rtol=1e-4, atol=1e-5)


def test_the_decoder_mirrors_the_encoder():
    architecture, _ = a_network((8, 3))
    shapes = {k: v for k, v in architecture.shapes().items() if k.startswith("compression")}
    assert shapes == {
        "compression.encoder.0.weight": (8, 5),
        "compression.encoder.0.bias": (8,),
        "compression.encoder.1.weight": (3, 8),
        "compression.encoder.1.bias": (3,),
        "compression.decoder.0.weight": (8, 3),
        "compression.decoder.0.bias": (8,),
        "compression.decoder.1.weight": (5, 8),
        "compression.decoder.1.bias": (5,),
    }


def test_weights_begin_within_the_limits_of_glorot_and_biases_at_zero():
    init = glorot(np.random.default_rng(3))
    weight = init((200, 100))
    limit = np.sqrt(6.0 / 300)
    assert weight.dtype == np.float32
    assert np.abs(weight).max() <= limit
    assert weight.std() == pytest.approx(limit / np.sqrt(3.0), rel=0.02)
    np.testing.assert_array_equal(init((7,)), np.zeros(7, np.float32))


def test_blank_arrays_take_no_memory():
    array = blank((1000, 1000))
    assert array.shape == (1000, 1000)
    assert array.strides == (0, 0)


def a_skip_network(axes=None, n_features=5):
    architecture = Architecture(n_features, (4, 2), "tanh", (4, 2), "tanh", 0.0, skip=True)
    return architecture, flatten(architecture.build(np.random.default_rng(0), axes))


def linear(named, name):
    return [(np.asarray(named[f"{name}.weight"]), np.asarray(named[f"{name}.bias"]))]


def test_a_linear_path_is_added_to_code_and_reconstruction():
    architecture, parameters = a_skip_network()
    parameters += np.random.default_rng(1).normal(0.0, 0.1, parameters.shape).astype(np.float32)
    named = architecture.named(parameters)
    network = architecture.unflatten(jnp.asarray(parameters)).compression
    x = np.random.default_rng(2).normal(size=(9, 5)).astype(np.float32)
    code = network.encode(jnp.asarray(x.T))
    x_hat = network.decode(code)
    for i, row in enumerate(x):
        bent = oracle.feed(oracle.layers_of(named, "compression.inner.encoder"), row, np.tanh)
        straight = oracle.feed(linear(named, "compression.to_code"), row)
        np.testing.assert_allclose(code[:, i], bent + straight, rtol=1e-4, atol=1e-5)
        z = bent + straight
        bent = oracle.feed(oracle.layers_of(named, "compression.inner.decoder"), z, np.tanh)
        straight = oracle.feed(linear(named, "compression.to_row"), z)
        np.testing.assert_allclose(x_hat[:, i], bent + straight, rtol=1e-4, atol=1e-5)


def test_a_linear_path_begins_at_the_axes_and_rules_at_first():
    x = np.random.default_rng(2).normal(size=(300, 5)).astype(np.float32)
    axes = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0][:2]
    architecture, parameters = a_skip_network(axes)
    network = architecture.unflatten(jnp.asarray(parameters)).compression
    x_hat = np.asarray(network.decode(network.encode(jnp.asarray(x.T)))).T
    projected = x @ axes.T @ axes
    of_axes, of_network = (((x - guess) ** 2).sum() for guess in (projected, x_hat))
    assert of_network == pytest.approx(of_axes, rel=0.1)
    named = architecture.named(parameters)
    np.testing.assert_allclose(named["compression.to_code.weight"], axes, rtol=1e-6)
    np.testing.assert_allclose(named["compression.to_row.weight"], axes.T, rtol=1e-6)


def test_a_code_with_a_linear_path_does_not_saturate():
    architecture, parameters = a_skip_network(np.eye(5)[:2])
    network = architecture.unflatten(jnp.asarray(parameters)).compression
    near, far = (np.asarray(network.encode(jnp.full((5, 1), v))) for v in (1e3, 1e6))
    assert (np.abs(far) > 500.0 * np.abs(near)).all()
