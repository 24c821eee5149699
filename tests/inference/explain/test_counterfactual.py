"""The search: its energy is the model's, and what it finds is a row like the others."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from dagmm import DAGMMDetector
from dagmm.data.arrays import MatrixRows
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.ensemble import Member
from dagmm.inference.explain import counterfactual
from dagmm.inference.explain.attribution import explain
from dagmm.inference.explain.counterfactual import LEAST_DROP, CounterfactualSearch, _line
from dagmm.inference.explain.traced import MOST_COMPONENTS, TracedModel
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.combination import combine_scores
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.input_space import InputMixture
from dagmm.mixture.kernel_density import DrawnMixtures, KernelDensity, energies_of
from dagmm.mixture.marginal import MarginalMixtures, marginal_energies
from dagmm.networks.network import flatten
from dagmm.preprocessing.reference_values import N_LEVELS, reference_values_of
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.fit_mixture import latent_moments
from small_tables import ARCHITECTURE, CALIBRATION, correlated_rows


def a_member(seed):
    parameters = flatten(ARCHITECTURE.build(np.random.default_rng(seed)))
    z, moments = latent_moments(ARCHITECTURE, parameters, correlated_rows())
    mixture = GaussianMixture.from_moments(moments, 1e-3)
    low, location, high = np.percentile(mixture.energy(z), (25, 50, 75))
    return Member(ARCHITECTURE, parameters, mixture, float(location), float(high - low))


def with_drawn(member):
    """The same member with two mixtures beside its own."""
    z, _ = latent_moments(ARCHITECTURE, member.parameters, correlated_rows())
    rng = np.random.default_rng(0)
    mixtures = [KernelDensity.draw(z, ARCHITECTURE.n_code, 12, rng) for _ in range(2)]
    joint = DrawnMixtures.of(mixtures, energies_of((member.mixture, *mixtures), z))
    return replace(member, drawn=joint)


def columns():
    return MarginalMixtures.fit(correlated_rows(), 4, np.random.default_rng(0))


def mixture_of_rows(relative_floor):
    mixture = InputMixture.fit(
        correlated_rows(), (4,), relative_floor, 0.0, 0.25, np.random.default_rng(0)
    )
    assert len(mixture.mixture.phi) == 4
    return mixture


MEMBERS = {
    "one member": lambda: [a_member(0)],
    "three members": lambda: [a_member(i) for i in range(3)],
    "drawn mixtures": lambda: [with_drawn(a_member(i)) for i in range(2)],
    "mixtures of columns": lambda: [a_member(0), a_member(1), columns()],
    "a mixture of rows": lambda: [a_member(0), a_member(1), mixture_of_rows(1e-2)],
    "a sharp mixture of rows": lambda: [a_member(0), mixture_of_rows(1e-4)],
}


@pytest.fixture(scope="module", params=MEMBERS.values(), ids=MEMBERS)
def model(request):
    rows = correlated_rows()
    encoder = fit_table_encoder(MatrixRows(rows.astype(np.float64)), "none")
    judges = request.param()
    members = tuple(judge for judge in judges if isinstance(judge, Member))
    model = FittedModel(encoder, members, None, {}, CALIBRATION)
    for judge in judges[len(members) :]:
        name = "column_mixtures" if isinstance(judge, MarginalMixtures) else "row_mixture"
        model = replace(model, **{name: judge})
    reference_values = reference_values_of(rows, encoder.feature_columns)
    sample = EmpiricalDistribution.of(model.energy_of_features(rows))
    return replace(model, calibration=Calibration(reference_values, sample))


def test_the_energy_of_the_search_is_the_models(model):
    rows = np.concatenate(
        [correlated_rows(5), 10.0 * correlated_rows(6), 1e4 * correlated_rows(7)]
    )
    architectures = tuple(member.architecture for member in model.members)
    got = np.asarray(TracedModel.of(model).energy(architectures, jnp.asarray(rows.T)))
    expected = model.energy_of_features(rows)
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("kept", [(), (0,), (1,)])
def test_the_search_leaves_out_mixtures_about_many_rows(kept):
    member = with_drawn(a_member(0))
    many = MOST_COMPONENTS + 1
    mixtures = [
        one if i in kept else replace(one, mu=np.resize(one.mu, (many, one.mu.shape[1])))
        for i, one in enumerate(member.drawn.mixtures)
    ]
    member = replace(member, drawn=replace(member.drawn, mixtures=tuple(mixtures)))
    rows = 10.0 * correlated_rows(5)
    encoder = fit_table_encoder(MatrixRows(rows.astype(np.float64)), "none")
    model = FittedModel(encoder, (member,), None, {}, CALIBRATION)
    got = np.asarray(TracedModel.of(model).energy((ARCHITECTURE,), jnp.asarray(rows.T)))
    z, _ = latent_moments(ARCHITECTURE, member.parameters, rows)
    energies = energies_of((member.mixture, *(mixtures[i] for i in kept)), z)
    at = [0, *(1 + i for i in kept)]
    location, spread = member.drawn.location, member.drawn.spread
    # On the scale of all mixtures, on which the member's location and spread are.
    onto = (location.mean(), spread.mean())
    expected = combine_scores(energies, location[at], spread[at], onto=onto)
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-3)


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


@pytest.fixture
def with_columns():
    """A table with texts and numbers: columns of one feature and of several."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 2))
    table = pd.DataFrame(numbers, columns=["a", "b"]).assign(c=rng.choice(["x", "y", "z"], 200))
    return DAGMMDetector(n_members=1).fit(table).model_, table


def test_energies_of_columns_are_those_of_the_whole_row(with_columns):
    model, table = with_columns
    tables = CounterfactualSearch(model)._tables
    block = model.encoder.encode(as_rows(table).chunk(0, 30))
    known = counterfactual._of_columns(tables, block)

    def whole(rows):
        return marginal_energies(
            rows.reshape(-1, rows.shape[-1]), *model.column_mixtures.terms
        ).sum(axis=1)

    for number, has_line in ((0, True), (1, True), (2, False)):
        column = np.full(30, number)
        rows, own = counterfactual._with_level(tables, block, column)
        found = np.asarray(known.with_level(own)).reshape(-1)
        np.testing.assert_allclose(found, whole(np.asarray(rows)), rtol=1e-4, atol=1e-4)
        main, level = np.asarray(tables.main)[column], np.arange(30) % N_LEVELS
        assert (main >= 0).all() == has_line
        values = np.linspace(-3.0, 3.0, 30 * 8, dtype=np.float32).reshape(30, 8)
        rows = np.repeat(np.asarray(rows)[np.arange(30), level][:, None], 8, axis=1)
        if has_line:
            rows[np.arange(30), :, main] = values
        found = np.asarray(known.with_value(own, level, main, values)).reshape(-1)
        np.testing.assert_allclose(found, whole(rows), rtol=1e-4, atol=1e-4)


def test_the_search_finds_the_same_where_they_are_found_anew(with_columns, monkeypatch):
    model, table = with_columns
    strange = table.head(40).assign(a=np.linspace(-9.0, 9.0, 40))
    first = explain(model, strange)
    monkeypatch.setattr(counterfactual, "_of_columns", lambda tables, block: None)
    counterfactual._program.cache_clear()
    second = explain(model, strange)
    counterfactual._program.cache_clear()
    np.testing.assert_allclose(first.reference_energy, second.reference_energy, rtol=1e-3)
    np.testing.assert_array_equal(first.top_features(1), second.top_features(1))
    assert (first.top_features(1)[[0, -1]] == "a").all()
