"""Networks with shortcuts begin at principal components, and keep them where those are best."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from dagmm.inference.forward import outputs_of
from dagmm.networks.network import Architecture, flatten
from dagmm.training.principal_components import at_principal_components
from dagmm.training.schedule import TrainingConfig
from dagmm.training.trainer import TrainingRows, train


def architecture(n_features, n_code):
    return Architecture(n_features, (16, n_code), "gelu", (4, 2), "tanh", 0.0, has_shortcuts=True)


@pytest.mark.parametrize(("n_features", "n_code"), [(6, 2), (3, 1), (5, 5), (1, 1)])
def test_the_code_is_that_of_principal_components(n_features, n_code):
    rng = np.random.default_rng(n_features)
    rows = (rng.normal(size=(200, n_features)) @ rng.normal(size=(n_features,) * 2)) + 3.0
    rows = rows.astype(np.float32)
    network = architecture(n_features, n_code)
    drawn = flatten(network.build(rng))
    start = at_principal_components(network, drawn, rows)
    oracle = PCA(n_code).fit(rows.astype(np.float64))
    rest = rows - oracle.inverse_transform(oracle.transform(rows))
    z, _, error = outputs_of(network, start, rows)
    np.testing.assert_allclose(error, (rest**2).sum(axis=1), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(z[:n_code].std(axis=1), 1.0, rtol=1e-3)
    assert start.dtype == np.float32
    assert start.shape == drawn.shape
    hidden = "compression.encoder.0.weight"
    np.testing.assert_array_equal(network.named(start)[hidden], network.named(drawn)[hidden])


def test_a_column_that_does_not_vary_is_rebuilt():
    rows = np.ones((50, 3), np.float32)
    rows[:, 0] = np.linspace(-1.0, 1.0, 50)
    network = architecture(3, 2)
    start = at_principal_components(
        network, flatten(network.build(np.random.default_rng(0))), rows
    )
    np.testing.assert_allclose(outputs_of(network, start, rows).squared_error, 0.0, atol=1e-9)


def test_a_value_that_was_never_there_is_not_without_bounds():
    """A coordinate of the code for it would have no deviation to be scaled by."""
    rows = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    rows[:, 3] = 0.0
    network = architecture(4, 4)
    drawn = flatten(network.build(np.random.default_rng(0)))
    start = at_principal_components(network, drawn, rows)
    z = outputs_of(network, start, rows[:1] + np.float32([[0.0, 0.0, 0.0, 1.0]]))[0]
    assert np.abs(z).max() < 10.0


def trained(rows):
    config = TrainingConfig(32, 2, 100, 2e-3, 0.0, 0.0, cosine_decay=True, cycles=2)
    n_fitted = len(rows) // 2
    inputs = TrainingRows(None, [np.arange(n_fitted)], [rows[n_fitted:]])
    network = architecture(rows.shape[1], 2)
    return network, train(rows, len(rows), [network], config, 0, inputs=inputs)[0]


def test_what_is_linear_is_left_as_it_begins():
    """Of few rows of many columns training learns by heart what others do not show."""
    rows = np.random.default_rng(0).normal(size=(80, 12)).astype(np.float32)
    network, found = trained(rows)
    assert found.is_start
    oracle = PCA(2).fit(rows[:40].astype(np.float64))
    rest = rows[40:] - oracle.inverse_transform(oracle.transform(rows[40:]))
    assert found.held_out_error == pytest.approx((rest**2).sum(axis=1).mean(), rel=1e-4)
    error = outputs_of(network, found.parameters, rows[40:]).squared_error.mean()
    assert error == pytest.approx(found.held_out_error)


def test_what_bends_is_learnt_beyond_them():
    angle = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, 2000)
    rows = np.stack([f(i * angle) for i in (1, 2, 3) for f in (np.sin, np.cos)], axis=1)
    _, found = trained(rows.astype(np.float32))
    assert not found.is_start
    oracle = PCA(2).fit(rows[:1000])
    rest = rows[1000:] - oracle.inverse_transform(oracle.transform(rows[1000:]))
    assert found.held_out_error < 0.5 * (rest**2).sum(axis=1).mean()
