import jax.numpy as jnp
import numpy as np

import oracle
from dagmm.networks.network import Architecture, Network, flatten

ARCHITECTURE = Architecture(5, (4, 2), "tanh", (6, 3), "tanh", 0.5)


def drawn(seed=0):
    return flatten(ARCHITECTURE.build(np.random.default_rng(seed)))


def test_z_is_the_code_and_the_two_residual_features():
    parameters = drawn()
    x = np.random.default_rng(1).normal(size=(12, 5)).astype(np.float32)
    z, x_hat = ARCHITECTURE.unflatten(jnp.asarray(parameters)).latent(jnp.asarray(x.T))
    expected_z, expected_x_hat = oracle.latent(ARCHITECTURE.named(parameters), x)
    assert z.shape == (ARCHITECTURE.n_latent, 12) == (4, 12)
    np.testing.assert_allclose(z.T, expected_z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(x_hat.T, expected_x_hat, rtol=1e-4, atol=1e-5)


def test_gamma_is_that_of_the_estimation_network():
    parameters = drawn()
    network = ARCHITECTURE.unflatten(jnp.asarray(parameters))
    z = np.random.default_rng(2).normal(size=(12, 4)).astype(np.float32)
    expected = oracle.memberships(ARCHITECTURE.named(parameters), z)
    np.testing.assert_allclose(network.gamma(jnp.asarray(z.T)), expected.T, rtol=1e-5)


def test_residual_features_can_be_chosen():
    architecture = Architecture(5, (2,), "tanh", (3,), "tanh", 0.0, ("cosine_similarity",))
    network = architecture.build(np.random.default_rng(0))
    x = jnp.asarray(np.random.default_rng(3).normal(size=(5, 7)), jnp.float32)
    z, x_hat = network.latent(x)
    assert z.shape == (architecture.n_latent, 7) == (3, 7)
    row = oracle.cosine_similarity(np.asarray(x[:, 0]), np.asarray(x_hat[:, 0]))
    np.testing.assert_allclose(z[2, 0], row, rtol=1e-5)


def test_shapes_of_all_parameters_by_path():
    assert ARCHITECTURE.n_components == 3
    assert ARCHITECTURE.shapes() == {
        "compression.encoder.0.weight": (4, 5),
        "compression.encoder.0.bias": (4,),
        "compression.encoder.1.weight": (2, 4),
        "compression.encoder.1.bias": (2,),
        "compression.decoder.0.weight": (4, 2),
        "compression.decoder.0.bias": (4,),
        "compression.decoder.1.weight": (5, 4),
        "compression.decoder.1.bias": (5,),
        "estimation.layers.0.weight": (6, 4),
        "estimation.layers.0.bias": (6,),
        "estimation.layers.1.weight": (3, 6),
        "estimation.layers.1.bias": (3,),
    }


def test_parameters_in_one_vector_become_the_same_network_again():
    network = ARCHITECTURE.build(np.random.default_rng(4))
    parameters = flatten(network)
    again = ARCHITECTURE.unflatten(parameters)
    assert isinstance(again, Network)
    np.testing.assert_array_equal(flatten(again), parameters)
    np.testing.assert_array_equal(
        again.estimation.layers[1].weight, network.estimation.layers[1].weight
    )
    assert parameters.dtype == np.float32
    assert parameters.size == sum(int(np.prod(s)) for s in ARCHITECTURE.shapes().values())


def test_named_parameters_follow_the_order_of_the_vector():
    parameters = np.arange(drawn().size, dtype=np.float32)
    named = ARCHITECTURE.named(parameters)
    assert list(named) == list(ARCHITECTURE.shapes())
    np.testing.assert_array_equal(
        np.concatenate([np.ravel(v) for v in named.values()]), parameters
    )


def test_a_seed_draws_the_same_network_and_another_seed_another():
    np.testing.assert_array_equal(drawn(5), drawn(5))
    assert (drawn(5) != drawn(6)).any()


def test_no_two_weight_arrays_are_drawn_alike():
    weights = [w for name, w in ARCHITECTURE.named(drawn()).items() if name.endswith("weight")]
    starts = {tuple(np.ravel(weight)[:2].tolist()) for weight in weights}
    assert len(starts) == len(weights)
