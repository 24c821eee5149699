from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dagmm.evaluation.baselines import gan as module
from dagmm.evaluation.baselines.gan import (
    CONFIG,
    AdversarialGradient,
    Ganomaly,
    discriminator_loss,
    gan,
    generator_loss,
)
from dagmm.evaluation.baselines.optimise import descend
from dagmm.networks.dense import glorot
from small_tables import broken_rows, correlated_rows

SHORT = replace(CONFIG, batch_size=64, n_steps=400)


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setattr(module, "HIDDENS", (16, 8))


def drawn(seed=0):
    return Ganomaly.drawn(6, 3, init=glorot(np.random.default_rng(seed)))


def feed(layers, row):
    """One row through dense layers, in plain float64."""
    hidden = []
    for i, layer in enumerate(layers):
        row = layer.weight.astype(np.float64) @ row + layer.bias
        if i < len(layers) - 1:
            row = np.where(row > 0, row, 0.2 * row)
            hidden.append(row)
    return row, hidden[-1]


def test_the_generators_loss_is_the_papers():
    networks, x = drawn(), correlated_rows(n_rows=5).astype(np.float64)
    expected = []
    for row in x:
        code, _ = feed(networks.encoder, row)
        rebuilt, _ = feed(networks.decoder, code)
        second, _ = feed(networks.second_encoder, rebuilt)
        real, fake = (feed(networks.discriminator, one)[1] for one in (row, rebuilt))
        context = np.abs(row - rebuilt).mean()
        encoder = ((code - second) ** 2).mean()
        expected.append(50.0 * context + ((real - fake) ** 2).mean() + encoder)
    np.testing.assert_allclose(networks.losses(x.T), expected, rtol=1e-6)
    assert float(generator_loss(networks, jnp.asarray(x.T))) == pytest.approx(
        np.mean(expected), rel=1e-5
    )


def test_the_discriminators_loss_is_the_cross_entropy_of_real_and_rebuilt():
    networks, x = drawn(), correlated_rows(n_rows=5).astype(np.float64)
    entropy = 0.0
    for row in x:
        rebuilt, _ = feed(networks.decoder, feed(networks.encoder, row)[0])
        p_real, p_fake = (
            1.0 / (1.0 + np.exp(-feed(networks.discriminator, one)[0][0]))
            for one in (row, rebuilt)
        )
        entropy -= np.log(p_real) + np.log(1.0 - p_fake)
    assert float(discriminator_loss(networks, jnp.asarray(x.T))) == pytest.approx(
        entropy / 5, rel=1e-5
    )


def test_each_player_follows_its_own_loss():
    networks, x = drawn(), jnp.asarray(correlated_rows(n_rows=20).T)
    moved = AdversarialGradient()(networks, x)
    ours, theirs = (jax.grad(loss)(networks, x) for loss in (generator_loss, discriminator_loss))
    for part in ("encoder", "decoder", "second_encoder"):
        for got, expected in zip(getattr(moved, part), getattr(ours, part), strict=True):
            np.testing.assert_allclose(got.weight, expected.weight, rtol=1e-5, atol=1e-7)
        assert all((layer.weight == 0.0).all() for layer in getattr(theirs, part))
    for got, expected in zip(moved.discriminator, theirs.discriminator, strict=True):
        np.testing.assert_allclose(got.weight, expected.weight, rtol=1e-5, atol=1e-7)


def test_both_players_learn():
    x = correlated_rows()
    before = drawn()
    after = descend(AdversarialGradient(), before, x, SHORT, np.random.default_rng(0))
    columns = jnp.asarray(x.T)
    losses = [float(generator_loss(networks, columns)) for networks in (before, after)]
    assert losses[1] < 0.5 * losses[0]
    # Against the generator of after, the discriminator of before would do worse.
    older = replace(after, discriminator=before.discriminator)
    losses = [float(discriminator_loss(networks, columns)) for networks in (older, after)]
    assert losses[1] < losses[0]


def test_rows_that_it_cannot_make_are_strange():
    x = correlated_rows().astype(np.float64)
    score = gan(x, 0, SHORT)
    normal, broken = (part.astype(np.float64) for part in (correlated_rows(7), broken_rows(8)))
    strangeness = score(np.concatenate([normal, broken]))
    assert strangeness.dtype == np.float64
    assert roc_auc_score(np.arange(800) >= 400, strangeness) > 0.85
    np.testing.assert_allclose(score(normal[:3]), strangeness[:3], rtol=1e-6)
    np.testing.assert_array_equal(gan(x, 0, SHORT)(normal), strangeness[:400])
