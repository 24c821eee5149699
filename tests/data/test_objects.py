"""Columns of Python objects: one type for a column, and a text for each value by itself."""

import datetime
import decimal
import fractions
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dagmm import InputError
from dagmm.data.convert import as_rows
from dagmm.data.objects import ObjectColumn

DAY = datetime.datetime(2020, 1, 2, 3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2**53 + 1, 2**63 - 1], pa.array([2**53 + 1, 2**63 - 1])),
        ([2**64, -(2**70)], pa.array([2.0**64, -(2.0**70)])),
        ([2**53 + 1, 1.5], pa.array([2.0**53, 1.5])),
        ([10**400, 1, -(10**400)], pa.array([np.inf, 1.0, -np.inf])),
        ([True, 2], pa.array([1.0, 2.0])),
        ([True, np.bool_(False)], pa.array([True, False])),
        ([fractions.Fraction(1, 2), np.float32(0.25)], pa.array([0.5, 0.25])),
        ([decimal.Decimal("0.5") * 10**40, None], pa.array([5e39, None])),
        (["a\ud800", "b", None], pa.array(["a\\ud800", "b", None])),
        ([1, "x", 80.0, 2**60, 1e300], pa.array(["1", "x", "80", str(2**60), "1e+300"])),
        ([True, "x", DAY], pa.array(["true", "x", "2020-01-02 03:00:00"])),
        ([uuid.UUID(int=1)], pa.array([str(uuid.UUID(int=1))])),
        ([None, None], pa.nulls(2)),
    ],
)
def test_values_get_the_one_type_that_holds_them(values, expected):
    assert ObjectColumn.of("o", values).typed.equals(expected)


@pytest.mark.parametrize("value", [1, 80.0, 2**60, True, "x", DAY, decimal.Decimal("1.50"), None])
def test_a_value_has_the_same_text_by_itself_as_among_others(value):
    among = ObjectColumn.of("o", [value, "other", 1.5, DAY]).texts()[0]
    assert among == ObjectColumn.of("o", [value, value]).texts().cast(pa.string())[0]


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, (1,), b"x", 1j, object(), np.ones(2)])
def test_what_is_no_cell_is_refused_by_itself_and_among_texts(value):
    for values in ([value], ["x", value]):
        with pytest.raises(InputError) as caught:
            ObjectColumn.of("o", values)
        assert str(caught.value) == (
            f"column 'o' holds a value of type {type(value).__name__} in row {len(values) - 1}; "
            "expected numbers, booleans, text or dates. Convert it, or leave it out."
        )


def test_rows_of_a_frame_know_their_objects():
    values = ["a\ud800", "b", "c", "a"]
    rows = as_rows(pd.DataFrame({"o": pd.Series(values, dtype=object), "x": range(4)}))
    chunk = rows.chunk(0, 3)
    assert chunk.text("o").to_pylist() == ["a\\ud800", "b", "c"]
    assert chunk.take(np.array([2, 0])).text("o").to_pylist() == ["c", "a\\ud800"]
    assert [chunk.holds_text(name) for name in ("o", "x")] == [True, False]
