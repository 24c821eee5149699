from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import oracle
from dagmm.evaluation.baselines import paper_variants
from dagmm.evaluation.baselines.estimation_only import CodeArchitecture
from dagmm.evaluation.baselines.paper_variants import Setting, default_setting
from dagmm.networks.network import flatten
from dagmm.training.presets.tables import table_config
from dagmm.training.trainer import train
from small_tables import ARCHITECTURE, PLAN, broken_rows, correlated_rows

VARIANTS = [
    paper_variants.autoencoder,
    paper_variants.pae,
    paper_variants.pae_gmm_em,
    paper_variants.pae_gmm,
    paper_variants.gmm_en,
    paper_variants.dagmm_p,
    paper_variants.dagmm_single,
]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Every variant has one small network, so that few programs are compiled."""
    setting = Setting(ARCHITECTURE, PLAN)
    monkeypatch.setattr(paper_variants, "default_setting", lambda n_rows, n_features: setting)


def rows(seed=0):
    return correlated_rows(seed).astype(np.float64)


def test_the_setting_is_the_detectors_with_a_network_as_the_paper_has_it():
    config = table_config(500, (7,), 4)
    architecture = replace(
        config.architectures[0], comp_hiddens=(64, 32, 7), mask_ratio=0.0, whole_row=False
    )
    training = replace(config.training, epochs=30, cycles=1)
    assert default_setting(500, 7) == Setting(architecture, training, 1e-3)
    assert training.n_steps == 3000


@pytest.mark.parametrize("fit", VARIANTS)
def test_broken_correlations_are_stranger(fit):
    new = np.concatenate([rows(7), broken_rows(8)])
    score = fit(rows(), 0)
    strangeness = score(new)
    assert strangeness.dtype == np.float64
    assert np.isfinite(strangeness).all()
    assert roc_auc_score(np.arange(800) >= 400, strangeness) > 0.6
    np.testing.assert_allclose(score(new[3:5]), strangeness[3:5], rtol=1e-5)


@pytest.mark.parametrize("fit", VARIANTS)
def test_another_setting_is_taken(fit, monkeypatch):
    monkeypatch.delattr(paper_variants, "default_setting")
    x = rows()[:100]
    setting = Setting(ARCHITECTURE, replace(PLAN, epochs=1))
    assert fit(x, 0, setting)(x).shape == (100,)


def test_the_autoencoder_is_dagmm_without_its_energy():
    x = rows()
    plan = replace(PLAN, lambda1=0.0, lambda2=0.0)
    result = train(x.astype(np.float32), len(x), [ARCHITECTURE], plan, 3)[0]
    named = ARCHITECTURE.named(result.parameters)
    _, x_hat = oracle.latent(named, x[:5])
    expected = ((x[:5] - x_hat) ** 2).sum(axis=1)
    np.testing.assert_allclose(paper_variants.autoencoder(x, 3)(x[:5]), expected, rtol=1e-3)


def test_without_the_reconstruction_error_rows_are_not_rebuilt():
    x = correlated_rows()
    plan = replace(PLAN, reconstruction_weight=0.0)
    errors = {}
    for name, one in (("with", PLAN), ("without", plan)):
        history = train(x, len(x), [ARCHITECTURE], one, 0)[0].history
        errors[name] = history["reconstruction"][-1]
        terms = zip(history["loss"], history["energy"], history["penalty"], strict=True)
        if name == "without":
            for loss, energy, penalty in terms:
                expected = PLAN.lambda1 * energy + PLAN.lambda2 * penalty
                assert loss == pytest.approx(expected, rel=1e-4)
    assert errors["without"] > 3.0 * errors["with"]


def test_pretraining_is_where_the_training_starts(monkeypatch):
    given = []

    def train_and_see(*arguments, initial=None):
        given.append(initial)
        return train(*arguments, initial=initial)

    monkeypatch.setattr(paper_variants, "train", train_and_see)
    for fit in (paper_variants.dagmm_single, paper_variants.dagmm_p, paper_variants.pae):
        fit(rows(), 0)
    assert given[0] is None
    (one,), (other,) = given[1:]
    np.testing.assert_array_equal(one, other)
    assert one.shape == (flatten(ARCHITECTURE.skeleton()).size,)


def test_the_estimation_network_alone_takes_rows_for_z():
    codes = CodeArchitecture.after(ARCHITECTURE)
    assert (codes.n_latent, codes.n_components) == (4, 2)
    network = codes.build(np.random.default_rng(0))
    z = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    latent, rebuilt = network.latent(z)
    np.testing.assert_array_equal(latent, z)
    np.testing.assert_array_equal(rebuilt, z)
    named = codes.named(np.asarray(flatten(network)))
    assert all(name.startswith("estimation.") for name in named)
    np.testing.assert_allclose(network.gamma(z).T, oracle.memberships(named, z.T), rtol=1e-4)
