"""The search: its energy is the model's, and what it finds is a row like the others."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from dagmm.calibration import Calibration
from dagmm.column_mixtures import ColumnMixtures
from dagmm.drawn_mixtures import DrawnMixtures, SphericalMixture, energies_of
from dagmm.encoder import Encoder
from dagmm.energy_sample import EnergySample
from dagmm.finishing import latent_moments
from dagmm.fitted import FittedModel
from dagmm.judges import Member
from dagmm.mixture import Mixture
from dagmm.nearest import LEAST_DROP, Search, _line
from dagmm.networks import flatten
from dagmm.row_gaussian import RowGaussian
from dagmm.rows import MatrixRows
from dagmm.traced import TracedModel
from dagmm.typical import N_LEVELS, typical_values
from small_tables import ARCHITECTURE, correlated_rows


def a_member(seed):
    parameters = flatten(ARCHITECTURE.build(np.random.default_rng(seed)))
    z, moments = latent_moments(ARCHITECTURE, parameters, correlated_rows())
    mixture = Mixture.from_moments(moments, 1e-3)
    low, location, high = np.percentile(mixture.energy(z), (25, 50, 75))
    return Member(ARCHITECTURE, parameters, mixture, float(location), float(high - low))


def with_drawn(member):
    """The same member with two mixtures beside its own."""
    z, _ = latent_moments(ARCHITECTURE, member.parameters, correlated_rows())
    rng = np.random.default_rng(0)
    mixtures = [SphericalMixture.draw(z, ARCHITECTURE.n_code, 12, rng) for _ in range(2)]
    joint = DrawnMixtures.of(mixtures, energies_of((member.mixture, *mixtures), z))
    return replace(member, drawn=joint)


def columns():
    return ColumnMixtures.fit(correlated_rows(), 4, np.random.default_rng(0))


MEMBERS = {
    "one member": lambda: [a_member(0)],
    "three members": lambda: [a_member(i) for i in range(3)],
    "drawn mixtures": lambda: [with_drawn(a_member(i)) for i in range(2)],
    "mixtures of columns": lambda: [a_member(0), a_member(1), columns()],
    "a Gaussian of rows": lambda: [a_member(0), a_member(1), RowGaussian.fit(correlated_rows())],
}


@pytest.fixture(scope="module", params=MEMBERS.values(), ids=MEMBERS)
def model(request):
    rows = correlated_rows()
    encoder = Encoder.learn(MatrixRows(rows.astype(np.float64)), "none")
    judges = request.param()
    members = tuple(judge for judge in judges if isinstance(judge, Member))
    model = FittedModel(encoder, members, None, {})
    for judge in judges[len(members) :]:
        name = "column_mixtures" if isinstance(judge, ColumnMixtures) else "row_gaussian"
        model = replace(model, **{name: judge})
    typical = typical_values(rows, encoder.feature_columns)
    sample = EnergySample.of(model.energy_of_features(rows))
    return replace(model, calibration=Calibration(typical, sample))


def test_the_energy_of_the_search_is_the_models(model):
    rows = np.concatenate(
        [correlated_rows(5), 10.0 * correlated_rows(6), 1e4 * correlated_rows(7)]
    )
    architectures = tuple(member.architecture for member in model.members)
    got = np.asarray(TracedModel.of(model).energy(architectures, jnp.asarray(rows.T)))
    expected = model.energy_of_features(rows)
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-3)


def test_what_is_found_differs_in_the_columns_that_are_named(model):
    rows = correlated_rows(8)[:100].copy()
    rows[:, 2] += 8.0
    energy = model.energy_of_features(rows)
    search = Search(model)
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
    nearest = Search(model).run(rows, energy)
    ordinary = energy <= np.median(energy)
    np.testing.assert_array_equal(nearest.features[ordinary], rows[ordinary])
    assert (nearest.columns[ordinary] == -1).all()


def test_the_levels_of_a_column_of_numbers_lie_on_a_line():
    typical = np.arange(N_LEVELS, dtype=np.float32)[:, None] ** 2
    main, gap = _line(typical, np.array([0]))
    assert main == 0
    np.testing.assert_array_equal(gap, [1, 1, 3, 5, 7, 9, 11, 13])
    # 0 and 1 only: nothing lies between them.
    typical = np.array([0, 0, 0, 0, 0, 1, 1, 1], np.float32)[:, None]
    np.testing.assert_array_equal(_line(typical, np.array([0]))[1], np.zeros(N_LEVELS))
    # Categories, and a column that does not vary.
    assert _line(np.eye(N_LEVELS, dtype=np.float32), np.arange(N_LEVELS))[0] == -1
    assert _line(np.ones((N_LEVELS, 1), np.float32), np.array([0]))[0] == -1
