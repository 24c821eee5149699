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
