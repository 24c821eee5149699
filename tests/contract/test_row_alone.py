"""A row's energy depends on the row alone, to the bit, in whatever company it is scored."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm import DAGMM, DAGMMDetector
from dagmm.inference import Stream
from small_fits import TINY, in_float64

FEW = settings(max_examples=30, derandomize=True, deadline=None)
N_ROWS, N_COLUMNS = 1200, 9


def rows(n_rows=N_ROWS, seed=0):
    """Columns that hang together, some with holes, and rows from near to far beyond."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 4)) @ rng.normal(size=(4, N_COLUMNS))
    x += 0.1 * rng.normal(size=x.shape)
    x[:, 0] = np.exp(x[:, 0])
    x[rng.random(n_rows) < 0.2, 1] = np.nan
    x[rng.random(n_rows) < 0.2, 5] = np.nan
    return x


def scored():
    """Rows to score, of which some are strange and one is as far as can be."""
    x = rows(seed=1)
    x[::7] *= 30.0
    x[5] = 1e300
    return x


def as_fitted(model):
    return model


#: And what is made of a model: one network in float64 and one in float32, or the only one.
MODELS = {
    "detector": (lambda: DAGMMDetector(n_members=2, config=TINY), in_float64),
    "detector of few": (lambda: DAGMMDetector(n_members=1, config=TINY), as_fitted),
    "DAGMM": (lambda: DAGMM(epoch_size=1, est_activation="sigmoid"), as_fitted),
    "DAGMM in float64": (lambda: DAGMM(epoch_size=1, est_activation="sigmoid"), in_float64),
}


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def model(request):
    make, change = request.param
    return change(make().fit(rows()).model_)


@pytest.fixture(scope="module")
def whole(model):
    return model.energy(scored())


@FEW
@given(st.integers(0, N_ROWS - 1))
def test_alone(model, whole, row):
    np.testing.assert_array_equal(model.energy(scored()[row : row + 1]), whole[row : row + 1])


@FEW
@given(st.integers(1, N_ROWS), st.integers(0, 10**6))
def test_among_any_others_in_any_order(model, whole, n, seed):
    some = np.random.default_rng(seed).choice(N_ROWS, n, replace=False)
    np.testing.assert_array_equal(model.energy(scored()[some]), whole[some])


@FEW
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_in_a_stream(model, whole, sizes):
    stream, table = Stream(model), scored()
    first = 0
    for size in sizes:
        energy = stream.update(table[first : first + size])
        np.testing.assert_array_equal(energy, whole[first : first + size])
        first += size


def test_in_chunks(model, whole, monkeypatch):
    monkeypatch.setattr("dagmm.inference.fitted_model._INPUTS_AT_ONCE", 1)
    np.testing.assert_array_equal(model.energy(scored()), whole)
