import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm.networks.dense import glorot
from dagmm.networks.dropout import seed_of
from dagmm.networks.estimation import Estimation


def an_estimation(hiddens=(16, 3), dropout_ratio=0.5, n_latent=4, activation="tanh"):
    init = glorot(np.random.default_rng(0))
    return Estimation.drawn(n_latent, hiddens, activation, dropout_ratio, init=init)


def z_of(n_rows=11):
    return jnp.asarray(np.random.default_rng(1).normal(size=(4, n_rows)), jnp.float32)


def named(network):
    arrays = {}
    for i, layer in enumerate(network.layers):
        arrays[f"estimation.layers.{i}.weight"] = layer.weight
        arrays[f"estimation.layers.{i}.bias"] = layer.bias
    return arrays


def a_seed(number):
    return seed_of(np.random.SeedSequence(number))


@pytest.mark.parametrize("hiddens", [(3,), (6, 3), (8, 5, 2), (4, 1)])
def test_memberships_are_equation_4(hiddens):
    network = an_estimation(hiddens)
    z = z_of()
    gamma = network.gamma(z)
    assert gamma.shape == (hiddens[-1], 11)
    expected = oracle.memberships(named(network), np.asarray(z, np.float64).T)
    np.testing.assert_allclose(gamma, expected.T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gamma.sum(axis=0), 1.0, rtol=1e-5)


def test_memberships_stay_finite_for_codes_that_are_far_out():
    gamma = an_estimation(activation="linear").gamma(1e6 * z_of())
    assert jnp.isfinite(gamma).all()
    np.testing.assert_allclose(gamma.sum(axis=0), 1.0, rtol=1e-5)


def test_without_a_seed_nothing_is_dropped():
    network, z = an_estimation(), z_of()
    np.testing.assert_array_equal(network.gamma(z), network.gamma(z))
    np.testing.assert_array_equal(network.gamma(z), an_estimation(dropout_ratio=0.0).gamma(z))


def test_with_a_seed_dropout_acts_and_the_seed_decides():
    network, z = an_estimation(), z_of()
    one, again, other = (network.gamma(z, seed=a_seed(i)) for i in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (np.asarray(one) != np.asarray(network.gamma(z))).all(axis=0).mean() > 0.9
    assert (np.asarray(one) != np.asarray(other)).all(axis=0).mean() > 0.9


def test_a_dropout_ratio_of_zero_drops_nothing():
    network, z = an_estimation(dropout_ratio=0.0), z_of()
    np.testing.assert_allclose(network.gamma(z, seed=a_seed(0)), network.gamma(z), rtol=1e-6)


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_dropout_leaves_the_expectation_as_it_is(ratio):
    # The log of a ratio of memberships is linear in what is dropped, so its mean can be told.
    network, z = an_estimation((64, 2), ratio), z_of(2000)
    z = jnp.broadcast_to(z[:, :1], z.shape)

    def log_odds(gamma):
        return np.log(np.asarray(gamma[0], np.float64) / np.asarray(gamma[1], np.float64))

    drawn = log_odds(network.gamma(z, seed=a_seed(2)))
    error = drawn.std() / np.sqrt(len(drawn))
    assert error > 0.0
    assert abs(drawn.mean() - log_odds(network.gamma(z))[0]) < 4.0 * error


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_dropout_drops_the_share_it_is_told_to_in_every_row_anew(ratio):
    network = an_estimation((1, 2), ratio, activation="linear")
    z = jnp.broadcast_to(z_of(1), (4, 4000))
    gamma = np.asarray(network.gamma(z, seed=a_seed(3)))
    # Without its one hidden unit a row's memberships are those of the last bias, which is zero.
    dropped = np.isclose(gamma[0], 0.5, atol=1e-7).mean()
    assert dropped == pytest.approx(ratio, abs=4.0 * np.sqrt(ratio * (1 - ratio) / 4000))
