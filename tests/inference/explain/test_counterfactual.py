"""The search: its energy is the model's, and what it finds is a row like the others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dagmm import DAGMMDetector
from dagmm.data.arrays import MatrixRows
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.explain import counterfactual
from dagmm.inference.explain.counterfactual import (
    LEAST_DROP,
    CounterfactualSearch,
    _line,
)
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.mixture.row_mixture import RowMixture
from dagmm.preprocessing.reference_values import N_LEVELS, reference_values_of
from dagmm.preprocessing.table_fit import fit_table_encoder
from small_tables import CALIBRATION, MIXTURE, RECORD, correlated_rows, small_ensemble

MARGINAL = DensityConfig(MarginalMixtures, {"n_components": 4}, 0.25)
OF_ROWS = DensityConfig(
    RowMixture, {"candidates": (4,), "relative_floor": 1e-4, "least_phi": 0.0}, 0.25
)
REFINED = DensityConfig(LatentMixture, {"candidates": (2,), "relative_floor": 1e-2})
ENSEMBLES = {
    "one network": lambda: small_ensemble(1),
    "three networks": lambda: small_ensemble(3),
    "several densities": lambda: small_ensemble(2, (MIXTURE, REFINED)),
    "marginal mixtures": lambda: small_ensemble(2, (MIXTURE,), (MARGINAL,)),
    "a mixture of rows": lambda: small_ensemble(1, (MIXTURE,), (MARGINAL, OF_ROWS)),
}


@pytest.fixture(scope="module", params=ENSEMBLES.values(), ids=ENSEMBLES)
def model(request):
    rows = correlated_rows()
    encoder = fit_table_encoder(MatrixRows(rows.astype(np.float64)), "none")
    model = FittedModel(encoder, request.param(), CALIBRATION, RECORD)
    reference_values = reference_values_of(rows, encoder.feature_columns)
    sample = EmpiricalDistribution.of(model.energy_of_features(rows))
    return replace(model, calibration=Calibration(reference_values, sample))


def test_the_replacement_is_the_best_of_all_that_are_tried(model):
    rows = correlated_rows(5)[:20].copy()
    rows[:, 2] += 8.0
    search = CounterfactualSearch(model)
    found = search.run(rows, model.energy_of_features(rows))
    values = model.calibration.reference_values
    for row, columns, end in zip(rows, found.columns, found.features, strict=True):
        tried = np.repeat(row[None], 6 * N_LEVELS, axis=0).reshape(6, N_LEVELS, 6)
        for column in range(6):
            tried[column, :, column] = values[:, column]
        energies = model.energy_of_features(tried.reshape(-1, 6)).reshape(6, N_LEVELS)
        assert columns[0] == energies.min(axis=1).argmin()
        # In another batch, energies round otherwise.
        assert model.energy_of_features(end[None])[0] <= energies.min() + 1e-12


@pytest.mark.parametrize("finalists", [counterfactual._FINALISTS, 2], ids=["all", "coarse first"])
def test_nothing_is_lost_by_leaving_out_what_changes_nothing(model, monkeypatch, finalists):
    """The oracle: every value of every column is tried in each step, whatever a row holds."""
    rows = correlated_rows()
    rows[:, 1], rows[:, 4] = rows[:, 1] > 1.5, np.round(rows[:, 4])  # of which levels are alike
    values = reference_values_of(rows, model.encoder.feature_columns)
    model = replace(model, calibration=replace(model.calibration, reference_values=values))
    strange = rows[:30].copy()
    strange[:, 2] += 6.0
    strange[10:, 4] -= 5.0
    strange[20:, 1] = 7.0
    monkeypatch.setattr(counterfactual, "_REFINEMENTS", 0)
    monkeypatch.setattr(counterfactual, "_FINALISTS", finalists)
    monkeypatch.setattr(counterfactual, "MOST_COLUMNS", 3)
    search, energy = CounterfactualSearch(model), model.energy_of_features(strange)
    n_computed, compute = [], FittedModel.energy_of_features
    monkeypatch.setattr(
        FittedModel,
        "energy_of_features",
        lambda own, given: n_computed.append(len(given)) or compute(own, given),
    )
    found = search.run(strange, energy)
    n_tried = 0
    for row, now, columns, end in zip(strange, energy, found.columns, found.features, strict=True):
        row, last, candidates, replaced = row.copy(), None, np.arange(6), []
        for step in range(3):
            if now <= search.target:
                break
            tried = np.repeat(row[None], 6 * N_LEVELS, axis=0).reshape(6, N_LEVELS, 6)
            tried[range(6), :, range(6)] = values.T
            energies = compute(model, tried.reshape(-1, 6)).reshape(6, N_LEVELS)
            if step == 0:
                if finalists == 2:
                    low = energies[:, counterfactual._COARSE].min(axis=1)
                    n_tried += energies[:, counterfactual._COARSE].size
                    candidates = np.argsort(low, kind="stable")[:finalists]
                n_tried += len(candidates) * N_LEVELS
                low = energies[candidates].min(axis=1)
                candidates = candidates[np.argsort(low, kind="stable")[:3]]
            n_tried += (step > 0) * len(candidates) * N_LEVELS
            left = [c for c in candidates if c != last]
            best = min(left, key=lambda c: energies[c].min())
            if now - energies[best].min() <= LEAST_DROP:
                break
            level = energies[best].argmin()
            row, now, last = tried[best, level], energies[best, level], best
            replaced.append(best)
        assert columns[columns >= 0].tolist() == replaced
        np.testing.assert_array_equal(end, row)
    assert sum(n_computed) < 0.9 * n_tried


def test_what_is_found_differs_in_the_columns_that_are_named(model):
    rows = correlated_rows(8)[:100].copy()
    rows[:, 2] += 8.0
    energy = model.energy_of_features(rows)
    search = CounterfactualSearch(model)
    nearest = search.run(rows, energy)
    for row, found, columns in zip(rows, nearest.features, nearest.columns, strict=True):
        assert set(np.flatnonzero(row != found)) <= set(columns[columns >= 0])
    new = model.energy_of_features(nearest.features)
    assert (new <= energy + 1e-6).all()
    assert (energy - new)[(nearest.columns >= 0).any(axis=1)].min() > 0.9 * LEAST_DROP
    assert (energy <= search.target).sum() + (nearest.columns[:, 0] >= 0).sum() > 90


def test_ordinary_rows_stay_as_they_are(model):
    rows = correlated_rows()
    energy = model.energy_of_features(rows)
    nearest = CounterfactualSearch(model).run(rows, energy)
    ordinary = energy <= np.median(energy)
    np.testing.assert_array_equal(nearest.features[ordinary], rows[ordinary])
    assert (nearest.columns[ordinary] == -1).all()


def test_the_levels_of_a_column_of_numbers_lie_on_a_line():
    reference_values = np.arange(N_LEVELS, dtype=np.float32)[:, None] ** 2
    main, gap = _line(reference_values, np.array([0]))
    assert main == 0
    np.testing.assert_array_equal(gap, [1, 1, 3, 5, 7, 9, 11, 13])
    # 0 and 1 only: nothing lies between them.
    reference_values = np.array([0, 0, 0, 0, 0, 1, 1, 1], np.float32)[:, None]
    np.testing.assert_array_equal(_line(reference_values, np.array([0]))[1], np.zeros(N_LEVELS))
    # Categories, and a column that does not vary.
    assert _line(np.eye(N_LEVELS, dtype=np.float32), np.arange(N_LEVELS))[0] == -1
    assert _line(np.ones((N_LEVELS, 1), np.float32), np.array([0]))[0] == -1


def test_texts_and_numbers_are_searched_alike():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"])
    table["c"] = rng.choice(["x", "y", "z"], 200)
    detector = DAGMMDetector(n_members=1).fit(table)
    strange = table.head(40).assign(a=np.linspace(-9.0, 9.0, 40))
    explanation = detector.explain(strange)
    assert (explanation.top_features(1)[[0, -1]] == "a").all()
    unknown = detector.explain(table.head(1).assign(c="w"))
    assert unknown.top_features(1)[0, 0] == "c"


def test_a_row_is_explained_alone_as_among_others(model, monkeypatch):
    rows = correlated_rows(8)[:60].copy()
    rows[:, 2] += 8.0
    energy = model.energy_of_features(rows)
    search = CounterfactualSearch(model)
    together = search.run(rows, energy)
    monkeypatch.setattr(counterfactual, "_AT_ONCE", 100)
    for i in (0, 17, 59):
        alone = search.run(rows[i : i + 1], energy[i : i + 1])
        np.testing.assert_array_equal(alone.columns[0], together.columns[i])
        np.testing.assert_allclose(alone.features[0], together.features[i], atol=1e-5)


def test_a_wide_table_finds_the_column_that_was_moved():
    rng = np.random.default_rng(0)
    load = rng.normal(size=(400, 3))
    usual = load @ rng.normal(size=(3, 30)) + 0.3 * rng.normal(size=(400, 30))
    detector = DAGMMDetector(n_members=1, random_state=0).fit(usual)
    strange = usual[:30].copy()
    strange[np.arange(30), np.arange(30)] += 12.0
    explanation = detector.explain(strange)
    named = explanation.top_features(1)[:, 0]
    assert (named == np.array(explanation.columns)).mean() > 0.9
    # The energies are the model's own.
    expected = np.stack([explanation.expected[name] for name in explanation.columns], axis=1)
    np.testing.assert_allclose(
        detector.energy(expected), explanation.reference_energy, rtol=1e-3, atol=1e-2
    )
