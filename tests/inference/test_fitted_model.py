from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import settings

from dagmm._core.errors import InputError
from dagmm.data.arrays import MatrixRows
from dagmm.data.base import CHUNK_ROWS
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.ensemble import combine, energies_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.table_fit import fit_table_encoder
from small_tables import CALIBRATION, RECORD, correlated_rows, small_ensemble

quick = settings(deadline=None, derandomize=True, max_examples=50)
NAMES = tuple("abcdef")


@pytest.fixture(scope="module")
def model():
    encoder = fit_table_encoder(MatrixRows(correlated_rows().astype(np.float64), NAMES))
    return FittedModel(encoder, small_ensemble(2), CALIBRATION, RECORD)


# Several components, one energy


def test_the_energy_of_a_table_is_that_of_its_components(model):
    rows = correlated_rows(seed=3).astype(np.float64)
    features = model.encoder.encode(MatrixRows(rows, NAMES).chunk(0, len(rows)))
    expected = combine(model.components, energies_of(model.components, features))
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
    other = model.with_threshold(Threshold(3.5, "a stated energy"))
    assert other.threshold == 3.5
    assert model.threshold is None
    assert other.components is model.components


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
