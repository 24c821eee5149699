import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import settings

from dagmm._core.errors import InputError
from dagmm.data.arrays import MatrixRows
from dagmm.data.base import CHUNK_ROWS
from dagmm.inference.ensemble import Member, combine
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.forward import BLOCK_ROWS
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.networks.network import flatten
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.fit_mixture import latent_moments
from small_tables import ARCHITECTURE, CALIBRATION, correlated_rows

quick = settings(deadline=None, derandomize=True, max_examples=50)
NAMES = tuple("abcdef")


def a_member(seed):
    rows = correlated_rows()
    parameters = flatten(ARCHITECTURE.build(np.random.default_rng(seed)))
    z, moments = latent_moments(ARCHITECTURE, parameters, rows)
    mixture = GaussianMixture.from_moments(moments, 1e-3)
    low, location, high = np.percentile(mixture.energy(z), (25, 50, 75))
    return Member(ARCHITECTURE, parameters, mixture, float(location), float(high - low))


@pytest.fixture(scope="module")
def model():
    encoder = fit_table_encoder(MatrixRows(correlated_rows().astype(np.float64), NAMES))
    return FittedModel(encoder, (a_member(0), a_member(1)), None, {}, CALIBRATION)


# Several members, one energy


def test_the_energy_of_a_table_is_that_of_its_members(model):
    rows = correlated_rows(seed=3).astype(np.float64)
    features = model.encoder.encode(MatrixRows(rows, NAMES).chunk(0, len(rows)))
    expected = combine(model.members, np.stack([m.energy(features) for m in model.members]))
    np.testing.assert_allclose(model.energy(MatrixRows(rows, NAMES)), expected, rtol=1e-9)


@pytest.mark.parametrize("row", [0, 511, 512, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 99])
def test_a_rows_energy_depends_on_the_row_alone(model, row):
    rows = correlated_rows(seed=4, n_rows=CHUNK_ROWS + 100).astype(np.float64)
    together = model.energy(MatrixRows(rows, NAMES))
    alone = model.energy(MatrixRows(rows[row : row + 1], NAMES))
    # z is the same to the bit; the mixture's float64 products may round by the number of rows.
    np.testing.assert_allclose(alone, together[row : row + 1], rtol=1e-10, atol=1e-10)
    order = np.random.default_rng(row).permutation(len(rows))
    shuffled = model.energy(MatrixRows(rows[order], NAMES))
    np.testing.assert_allclose(shuffled, together[order], rtol=1e-10, atol=1e-10)


def test_no_rows_have_no_energies(model):
    assert model.energy(MatrixRows(np.empty((0, 6)), NAMES)).shape == (0,)


def test_missing_columns_are_named(model):
    with pytest.raises(InputError) as caught:
        model.energy(MatrixRows(np.zeros((3, 5)), NAMES[:5]))
    assert str(caught.value) == ("X has 5 columns, this model was fitted with 6; missing: 'f'.")


def test_a_threshold_is_set_on_a_copy(model):
    other = model.with_threshold(3.5)
    assert other.threshold == 3.5
    assert model.threshold is None
    assert other.members is model.members


def test_a_row_that_overflows_the_network_is_as_far_as_can_be():
    member = a_member(0)
    parameters = np.full_like(member.parameters, 1e30)
    far = Member(ARCHITECTURE, parameters, member.mixture, 0.0, 1.0)
    energy = far.energy(np.full((1, 6), 1e6, np.float32))
    assert np.isfinite(energy).all()
    assert energy[0] > 1e30


# How much they disagree


def test_disagreement_of_a_row_depends_on_the_row_alone(model):
    x = correlated_rows(3).astype(np.float64)
    whole = model.deviation(MatrixRows(x, NAMES))
    assert (whole > 0.0).all()
    alone = np.concatenate([model.deviation(MatrixRows(x[i : i + 1], NAMES)) for i in range(5)])
    np.testing.assert_allclose(alone, whole[:5], rtol=1e-9)


# Many callers at once


def test_threads_that_score_at_once_get_what_each_gets_alone(model):
    tables = [
        correlated_rows(seed, n).astype(np.float64) for seed, n in enumerate([1, 2, 300] * 8)
    ]
    alone = [model.energy(MatrixRows(table, NAMES)) for table in tables]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda table: model.energy(MatrixRows(table, NAMES)), tables))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n_rows", [1, BLOCK_ROWS, BLOCK_ROWS + 1, 5000])
def test_rows_that_are_few_or_many_have_the_energies_of_each_member(model, n_rows):
    rows = correlated_rows(3, n_rows)
    each = np.stack([member.energy(rows) for member in model.members])
    np.testing.assert_array_equal(model.energy_of_features(rows), combine(model.members, each))


def test_a_copy_of_a_member_takes_nothing_from_the_device_along(model):
    member = model.members[0]
    rows = correlated_rows(3, 10)
    energy = member.energy(rows)
    copied = pickle.loads(pickle.dumps(member))
    assert "scorer" in vars(member)
    assert "scorer" not in vars(copied)
    np.testing.assert_array_equal(copied.energy(rows), energy)
