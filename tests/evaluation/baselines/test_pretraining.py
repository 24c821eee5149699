import jax.numpy as jnp
import numpy as np
import pytest

from dagmm.evaluation.baselines.optimise import DescentConfig
from dagmm.evaluation.baselines.pretraining import Pair, PairGradient, pretrain
from dagmm.inference.forward import outputs_of
from dagmm.networks.dense import Dense, glorot
from dagmm.networks.network import Architecture, flatten
from oracle import feed, layers_of
from small_tables import correlated_rows

ARCHITECTURE = Architecture(6, (12, 8, 4), "tanh", (4, 2), "tanh", 0.25)
CONFIG = DescentConfig(64, 300, 5e-3)


@pytest.fixture(scope="module")
def parameters():
    return pretrain(ARCHITECTURE, correlated_rows(), CONFIG, np.random.default_rng(0))


def drawn():
    return np.asarray(flatten(ARCHITECTURE.build(np.random.default_rng(0))))


def test_the_layers_together_rebuild_rows(parameters):
    x = correlated_rows()
    before, after = (outputs_of(ARCHITECTURE, p, x).squared_error for p in (drawn(), parameters))
    assert after.mean() < 0.2 * before.mean()


def test_each_layer_was_trained_on_what_the_layers_before_make(parameters):
    named = ARCHITECTURE.named(parameters)
    encoder, decoder = (layers_of(named, f"compression.{part}") for part in ("encoder", "decoder"))
    for depth in (1, 2, 3):
        errors, sizes = [], []
        for row in correlated_rows(n_rows=40):
            # What comes out of the hidden layers before, and of this one's mirror image.
            before = np.tanh(feed(encoder[: depth - 1], row)) if depth > 1 else row
            hidden = feed(encoder[:depth], row)
            hidden = hidden if depth == 3 else np.tanh(hidden)
            rebuilt = feed(decoder[3 - depth : 4 - depth], hidden)
            rebuilt = rebuilt if depth == 1 else np.tanh(rebuilt)
            errors.append(((before - rebuilt) ** 2).sum())
            sizes.append((before**2).sum())
        assert np.mean(errors) < 0.25 * np.mean(sizes), depth


def test_the_estimation_network_is_as_drawn(parameters):
    before, after = ARCHITECTURE.named(drawn()), ARCHITECTURE.named(parameters)
    for name in before:
        same = np.array_equal(before[name], after[name])
        assert same == name.startswith("estimation."), name


def test_the_gradient_is_that_of_the_squared_error():
    rng = np.random.default_rng(0)
    pair = Pair(*(Dense.drawn(*sizes, init=glorot(rng)) for sizes in ((6, 4), (4, 6))))
    gradient, x = PairGradient("tanh", True, False), correlated_rows(n_rows=10).T

    def error(shift):
        weight = pair.encoder.weight.astype(np.float64).copy()
        weight[1, 2] += shift
        x_hat = pair.decoder.weight @ np.tanh(weight @ x)
        return ((x - x_hat) ** 2).sum() / 10

    slope = (error(1e-5) - error(-1e-5)) / 2e-5
    assert float(gradient(pair, jnp.asarray(x)).encoder.weight[1, 2]) == pytest.approx(
        slope, rel=1e-3
    )
