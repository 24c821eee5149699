import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from paper_peers import dsebm
from paper_peers.descent import Plan
from paper_peers.dsebm import Energy, denoising_loss, energy, reconstruction
from small_tables import broken_rows, correlated_rows


def drawn(hiddens=(5, 3), seed=0):
    """An energy with no parameter at zero."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda part: jnp.asarray(rng.normal(size=part.shape), jnp.float32),
        Energy.drawn(6, hiddens, rng),
    )


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0)


def test_the_energy_is_the_papers():
    model, rows = drawn(), correlated_rows(n_rows=4).astype(np.float64)
    expected = []
    for row in rows:
        hidden = row
        for weight, bias in zip(model.weights, model.biases, strict=True):
            hidden = softplus(np.asarray(weight, np.float64) @ hidden + np.asarray(bias))
        expected.append(0.5 * ((row - np.asarray(model.centre)) ** 2).sum() - hidden.sum())
    np.testing.assert_allclose(energy(model, jnp.asarray(rows.T)), expected, rtol=1e-5)


def test_one_layer_rebuilds_rows_as_an_autoencoder_of_tied_sigmoid_units():
    model, x = drawn(hiddens=(5,)), correlated_rows(n_rows=4).T
    (weight,), (bias,) = (np.asarray(part[0])[None] for part in (model.weights, model.biases))
    units = 1.0 / (1.0 + np.exp(-(weight @ x + bias[:, None])))
    expected = np.asarray(model.centre)[:, None] + weight.T @ units
    np.testing.assert_allclose(reconstruction(model, jnp.asarray(x)), expected, rtol=1e-4)


def test_the_gradient_of_the_energy_is_what_is_not_rebuilt():
    model, x = drawn(), correlated_rows(n_rows=4).T.astype(np.float32)
    slope, small = np.empty_like(x), 1e-2
    for i in range(len(x)):
        step = np.zeros_like(x)
        step[i] = small
        up, down = (np.asarray(energy(model, jnp.asarray(x + s))) for s in (step, -step))
        slope[i] = (up - down) / (2.0 * small)
    rebuilt = np.asarray(reconstruction(model, jnp.asarray(x)))
    np.testing.assert_allclose(slope, x - rebuilt, atol=2e-2)


def test_the_loss_is_of_rows_without_noise():
    model, rng = drawn(), np.random.default_rng(0)
    x, noise = (jnp.asarray(rng.normal(size=(6, 8)), jnp.float32) for _ in range(2))
    gaps = np.asarray(x) - np.asarray(reconstruction(model, x + noise))
    expected = np.mean([gap @ gap for gap in gaps.T])
    assert float(denoising_loss(model, x, noise)) == pytest.approx(expected, rel=1e-5)


def test_a_gaussian_is_found():
    """Of rows N(m, s^2), with noise of 1, f is the posterior mean: a slope of s^2 / (s^2 + 1)."""
    rows = np.random.default_rng(0).normal(0.7, 1.0, (4000, 1)).astype(np.float32)
    model = dsebm.fit(rows, 0, hiddens=(16,), plan=Plan(1024, 1500, 3e-3))
    x = np.linspace(-0.8, 2.2, 7, dtype=np.float32)
    rebuilt = np.asarray(reconstruction(model, jnp.asarray(x[None])))[0]
    np.testing.assert_allclose(rebuilt, 0.7 + (x - 0.7) / 2.0, atol=0.1)


def test_both_criteria_find_broken_correlations(monkeypatch):
    monkeypatch.setattr(dsebm.fit, "__kwdefaults__", QUICK)
    new = np.concatenate([correlated_rows(7), broken_rows(8)]).astype(np.float64)
    for fit in (dsebm.dsebm_e, dsebm.dsebm_r):
        score = fit(correlated_rows().astype(np.float64), 0)
        strangeness = score(new)
        assert strangeness.dtype == np.float64
        assert roc_auc_score(np.arange(800) >= 400, strangeness) > 0.8


QUICK = {"hiddens": (32,), "noise": 0.5, "plan": Plan(64, 1000, 1e-2)}
