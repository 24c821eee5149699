from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import roc_auc_score

from dagmm.evaluation.baselines.paper_variants import Setting
from dagmm.networks.dropout import fold_in
from dagmm.training.objective import objective as of_library
from paper_peers.variational import dagmm_nvi, objective, upper_bound
from small_tables import ARCHITECTURE, PLAN, broken_rows, correlated_rows

PHI = np.array([0.3, 0.7])
MU = np.array([[0.0, 1.0], [2.0, -1.0]])
CHOL = np.array([[[1.0, 0.0], [0.4, 0.8]], [[0.7, 0.0], [-0.2, 1.1]]])
Z = np.random.default_rng(0).normal(size=(6, 2))


def joint():
    """phi_k N(z; mu_k, cov_k) by SciPy, shape (n_rows, n_components)."""
    densities = [multivariate_normal(m, c @ c.T).pdf(Z) for m, c in zip(MU, CHOL, strict=True)]
    return PHI * np.stack(densities, axis=1)


def bound(gamma):
    parts = (Z.T, gamma.T, PHI, MU, CHOL)
    return np.asarray(upper_bound(*(jnp.asarray(part, jnp.float32) for part in parts)))


def test_the_bound_is_the_energy_and_the_divergence_from_the_posterior():
    p, gamma = joint(), np.random.default_rng(1).dirichlet([1.0, 1.0], 6)
    energy, posterior = -np.log(p.sum(axis=1)), p / p.sum(axis=1, keepdims=True)
    divergence = (gamma * np.log(gamma / posterior)).sum(axis=1)
    np.testing.assert_allclose(bound(gamma), energy + divergence, rtol=1e-4)
    assert (bound(gamma) > energy).all()
    np.testing.assert_allclose(bound(posterior), energy, rtol=1e-4)


def test_a_membership_of_one_component_alone_is_finite():
    expected = -np.log(joint()[:, 0])
    np.testing.assert_allclose(bound(np.tile([1.0, 0.0], (6, 1))), expected, rtol=1e-4)


def test_only_the_energy_differs_from_dagmms_objective():
    network = ARCHITECTURE.build(np.random.default_rng(0))
    x, seed = jnp.asarray(correlated_rows(n_rows=64).T), jnp.array([1, 2], jnp.uint32)

    @jax.jit
    def losses(x, seed):
        theirs, terms = of_library(network, x, 0.0, 0.005, seed)
        ours = [objective(network, x, weight, 0.005, fold_in(seed, 1)) for weight in (0.0, 0.1)]
        return theirs, terms.energy, ours

    theirs, energy, (without, ours) = losses(x, seed)
    assert float(without) == pytest.approx(float(theirs), rel=1e-5)
    assert float(ours - without) / 0.1 > float(energy) + 1e-3


def test_broken_correlations_are_stranger():
    x = correlated_rows().astype(np.float64)
    score = dagmm_nvi(x, 0, Setting(ARCHITECTURE, replace(PLAN, epochs=30)))
    new = np.concatenate([correlated_rows(7), broken_rows(8)]).astype(np.float64)
    assert roc_auc_score(np.arange(800) >= 400, score(new)) > 0.6
