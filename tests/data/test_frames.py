"""Rows of arrays and DataFrames, read in chunks."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dagmm import InputError
from dagmm.data.arrays import MatrixRows
from dagmm.data.convert import as_rows
from small_fits import normal

TABLES = [
    np.arange(20.0).reshape(10, 2),
    np.arange(20.0).reshape(10, 2).tolist(),
    pd.DataFrame(np.arange(20.0).reshape(10, 2)),
    pl.DataFrame(np.arange(20.0).reshape(10, 2)),
    pa.table({"a": np.arange(0.0, 20.0, 2.0), "b": np.arange(1.0, 20.0, 2.0)}),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: type(table).__module__)
@pytest.mark.parametrize("size", [1, 3, 10, 99])
def test_chunks_are_the_table(table, size):
    rows = as_rows(table)
    chunks = list(rows.chunks(size))
    assert [chunk.start for chunk in chunks] == list(range(0, 10, size))
    values = np.concatenate([chunk.numbers(rows.names) for chunk in chunks])
    np.testing.assert_array_equal(values, np.arange(20.0).reshape(10, 2))


def test_floats_are_the_numbers_and_stay_narrow_where_they_come_so():
    x = np.arange(20.0).reshape(10, 2)
    for table in (x, x.astype(np.float32), x.astype(np.int16), pd.DataFrame(x, dtype="float32")):
        rows = as_rows(table)
        chunk = next(iter(rows.chunks(10)))
        for names in (rows.names, rows.names[::-1]):
            floats = chunk.floats(names)
            np.testing.assert_array_equal(floats, chunk.numbers(names))
            came_narrow = isinstance(table, np.ndarray) and table.dtype == np.float32
            as_it_came = came_narrow and names == rows.names
            assert floats.dtype == (np.float32 if as_it_came else np.float64)


def test_columns_of_an_array_have_names():
    assert as_rows(normal()).names == ("x0", "x1", "x2")


def test_rows_are_rows():
    rows = MatrixRows(normal())
    assert as_rows(rows) is rows


def test_array_of_one_dimension_is_refused():
    message = r"^X must be a table of shape \(n_rows, n_columns\), got an array of shape \(3,\)\.$"
    with pytest.raises(InputError, match=message):
        as_rows([1.0, 2.0, 3.0])
