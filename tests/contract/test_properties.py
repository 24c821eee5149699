"""Generated tables: a fit never raises, energies are finite, chunks and columns do not matter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dagmm.data.arrays import MatrixRows
from dagmm.preprocessing.table_fit import fit_table_encoder
from small_fits import normal, tiny_dagmm

#: A value at 1e300 makes all others look the same, or may stand for a hole, and is warned of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*these look the same to the model:dagmm.TableWarning"),
    pytest.mark.filterwarnings("ignore:.*far from all that it holds besides:dagmm.TableWarning"),
]
FEW = settings(max_examples=30, derandomize=True, deadline=None)

columns = st.one_of(
    arrays(np.float64, 20, elements=st.floats(-1e300, 1e300)),
    arrays(np.float64, 20, elements=st.integers(0, 2).map(float)),
    arrays(np.float64, 20, elements=st.floats(-1.0, 1.0)),
    st.floats(-1e300, 1e300).map(lambda value: np.full(20, value)),
    st.integers(-300, 300).map(lambda power: normal(20, 1)[:, 0] * 10.0**power),
)
#: Always 20 rows and 3 columns, so that programs are compiled once.
tables = st.tuples(columns, columns, columns).map(np.column_stack)


@FEW
@given(tables, tables)
def test_fit_never_raises_and_energies_are_finite(table, other):
    model = tiny_dagmm(epoch_size=1).fit(table)
    assert np.isfinite(model.predict(table)).all()
    assert np.isfinite(model.predict(other)).all()


@FEW
@given(tables, st.integers(1, 20))
def test_encoding_in_chunks_equals_encoding_whole(table, size):
    rows = MatrixRows(table)
    encoder = fit_table_encoder(rows)
    parts = [encoder.encode(chunk) for chunk in rows.chunks(size)]
    np.testing.assert_array_equal(np.concatenate(parts), encoder.encode(rows.chunk(0, 20)))


@pytest.fixture(scope="module")
def model():
    return tiny_dagmm().fit(pd.DataFrame(normal(), columns=["a", "b", "c"])).model_


@FEW
@given(tables, st.permutations(["a", "b", "c", "more"]))
def test_order_of_columns_does_not_matter(model, table, order):
    frame = pd.DataFrame(table, columns=["a", "b", "c"]).assign(more=1.0)
    np.testing.assert_array_equal(model.energy(frame[order]), model.energy(frame))
