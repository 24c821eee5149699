"""Python values as tables: what holes are, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest

from dagmm._core.errors import InputError
from dagmm.data.records import Records, ValueColumns, ValueRows


def test_records_have_the_names_of_all_of_them():
    given = Records([{"a": 1, "b": "x"}, {"c": True}, {"a": 2.5, "b": None}])
    assert (given.names, given.n_rows) == (("a", "b", "c"), 3)
    table = given.table(["c", "a", "b"])
    assert table.to_pydict() == {
        "c": [None, True, None],
        "a": [1.0, None, 2.5],
        "b": ["x", None, None],
    }
    assert table.schema.types == [pa.bool_(), pa.float64(), pa.string()]


def test_mixed_values_are_text_and_nan_among_them_is_a_hole():
    records = [{"a": 1, "b": True}, {"a": "x", "b": 2.5}, {"a": float("nan"), "b": None}]
    table = Records(records).table(["a", "b"])
    assert table.to_pydict() == {"a": ["1", "x", None], "b": [1.0, 2.5, None]}


def test_lists_and_columns_are_tables_too():
    rows = ValueRows([[1, "x"], [2, None]], ("a", "b"))
    columns = ValueColumns({"a": np.array([1, 2]), "b": ["x", None]})
    assert rows.table(rows.names).equals(columns.table(columns.names))
    assert (rows.n_rows, columns.n_rows) == (2, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Records([{}, [1]]),
            "row 1 is [1]; expected an object with a value for each column.",
        ),
        (
            lambda: ValueRows([[1, 2], [1]], ("a", "b")),
            "row 1 is [1]; expected a list of 2 values, those of 'a', 'b'.",
        ),
        (lambda: ValueColumns({"a": 1}), "column 'a' is 1; expected a list of values."),
        (
            lambda: ValueColumns({"a": [1], "b": [1, 2]}),
            "columns have 1 to 2 values; expected one length.",
        ),
        (
            lambda: Records([{"a": {}}]).table(["a"]),
            "column 'a' holds a value of type dict in row 0; expected numbers, booleans, text or "
            "dates. Convert it, or leave it out.",
        ),
    ],
)
def test_what_is_no_table_is_refused_in_words(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == message
