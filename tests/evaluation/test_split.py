import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagmm._core.errors import InputError
from dagmm.evaluation.split import Table, check_labels, draw_run, split_rows


def generator():
    return np.random.default_rng(0)


def split(n_rows, anomalous=None, normal_only=False, max_rows=1000):
    return split_rows(
        n_rows, anomalous, normal_only=normal_only, max_rows=max_rows, rng=generator()
    )


def told(function, *arguments, **options):
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return str(caught.value)


# The split


@given(st.integers(26, 200), st.data())
def test_no_row_is_learnt_from_and_scored(n_rows, data):
    n_strange = data.draw(st.integers(0, n_rows - 26))
    anomalous = data.draw(st.permutations([True] * n_strange + [False] * (n_rows - n_strange)))
    anomalous = np.array(anomalous, bool)
    for labels, normal_only in ((None, False), (anomalous, False), (anomalous, True)):
        parts = split(n_rows, labels, normal_only)
        both = np.concatenate([parts.train, parts.test])
        assert len(set(both.tolist())) == len(both) == n_rows
        assert (np.diff(parts.train) > 0).all()
        assert (np.diff(parts.test) > 0).all()
        if normal_only:
            assert not anomalous[parts.train].any()
            assert len(parts.train) == (n_rows - n_strange) // 2
        elif labels is not None:
            assert anomalous[parts.train].sum() == n_strange // 2


def test_of_many_rows_some_are_drawn_from_anywhere():
    parts = split(10_000, max_rows=100)
    assert (len(parts.train), len(parts.test)) == (100, 100)
    for rows in (parts.train, parts.test):
        assert rows.min() < 1000
        assert rows.max() > 9000


def test_a_run_learns_from_four_fifths():
    train = np.arange(0, 200, 2)
    drawn = draw_run(train, generator())
    assert len(set(drawn.tolist())) == len(drawn) == 80
    assert set(drawn) < set(train)
    assert (np.diff(drawn) > 0).all()


def test_too_few_rows_are_refused():
    assert told(split, 25) == "compare needs at least 26 rows, got 25."
    anomalous = np.arange(100) >= 20
    assert told(split, 100, anomalous, True) == (
        "compare learns from half of the normal rows and needs 26 of them, got 20 among 100 rows; "
        "check which label means normal, or learn from all rows, with train 'all'."
    )
    assert len(split(100, anomalous).train) == 50


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 0],
        [False, True, False],
        [0.0, 1.0, 0.0],
        np.array([0, 1, 0], np.uint8),
        pd.Series([False, True, False], index=[5, 6, 7]),
        pl.Series([0, 1, 0]),
    ],
    ids=["int", "bool", "float", "uint8", "pandas", "polars"],
)
def test_labels_are_zeros_and_ones(labels):
    assert check_labels(labels, 3).tolist() == [False, True, False]


def test_other_labels_are_refused_by_row():
    assert told(check_labels, [0, 1], 3) == (
        "labels must be one for each of the 3 rows, got an array of shape (2,)."
    )
    assert told(check_labels, [1, 1, -1], 3) == (
        "labels must be 0 or False for a normal row, 1 or True for an anomaly, got -1 in row 2. "
        "scikit-learn's labels become that by labels == -1."
    )
    assert told(check_labels, ["ok", "bad"], 2) == (
        "labels must be 0 or False for a normal row, 1 or True for an anomaly, got 'ok' in row 0."
    )
    assert told(check_labels, [0.0, np.nan], 2).endswith("got nan in row 1.")
    assert told(check_labels, [0, pd.NA], 2).endswith("got <NA> in row 1.")


# The table


def tables():
    columns = {"a": [1.0, 2.0, 3.0], "fault": [0, 1, 0], "tool": ["x", "y", "x"]}
    return [pd.DataFrame(columns, index=[7, 8, 9]), pl.DataFrame(columns), pa.table(columns)]


@pytest.mark.parametrize("table", tables(), ids=["pandas", "polars", "arrow"])
def test_rows_are_taken_in_the_type_they_came_in(table):
    whole = Table(table)
    assert whole.n_rows == 3
    taken = whole.take(np.array([0, 2]))
    assert type(taken) is type(table)
    assert Table(taken).frame["a"].to_list() == [1.0, 3.0]
    assert whole.pop("fault").tolist() == [0, 1, 0]
    assert whole.rows().names == ("a", "tool")
    assert whole.column_equal_to(np.array([False, True, False])) is None


@pytest.mark.parametrize("table", tables(), ids=["pandas", "polars", "arrow"])
def test_a_column_that_holds_the_labels_is_found(table):
    assert Table(table).column_equal_to(np.array([False, True, False])) == "fault"
    assert Table(table).column_equal_to(np.array([True, True, False])) is None


def test_columns_with_holes_are_not_the_labels():
    holes = pd.DataFrame({"a": pd.array([0, None, 1], "Int64"), "b": [0.0, np.nan, 1.0]})
    for table in (holes, pl.DataFrame({"a": [0, None, 1]})):
        assert Table(table).column_equal_to(np.array([False, True, True])) is None


def test_arrays_are_tables_too():
    whole = Table([[1.0, 0.0], [2.0, 1.0]])
    assert whole.take(np.array([1])).tolist() == [[2.0, 1.0]]
    assert whole.rows().names == ("x0", "x1")
    assert whole.column_equal_to(np.array([False, True])) == "x1"
    assert whole.column_equal_to(np.array([True, True])) is None


def test_stored_tables_are_read_whole(tmp_path):
    pq.write_table(tables()[2], tmp_path / "t.parquet")
    arrow_csv.write_csv(tables()[2], tmp_path / "t.csv")
    for name in ("t.parquet", "t.csv"):
        whole = Table(tmp_path / name)
        assert whole.n_rows == 3
        assert whole.pop("fault").tolist() == [0, 1, 0]
        assert whole.take(np.array([0, 2]))["tool"].to_pylist() == ["x", "x"]


def test_what_is_no_table_is_refused():
    assert told(Table, [1.0, 2.0]) == (
        "X must be a table of shape (n_rows, n_columns), got an array of shape (2,)."
    )
    assert told(Table(np.zeros((2, 2))).pop, "fault") == (
        "labels is 'fault', but the columns of an array have no names; pass one label for each "
        "row."
    )
    message = told(Table(tables()[0]).pop, "faults")
    assert re.fullmatch(
        r"labels is 'faults', but the table has no such column; it begins with 'a', 'fault', "
        r"'tool'\.",
        message,
    )
