"""Which columns are no part of a model: identifiers, empty ones, and those the user names."""

import numpy as np
import pandas as pd
import pytest

from dagmm import ArgumentError, InputError, TableWarning
from dagmm.data.convert import as_rows
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.table_fit import fit_table_encoder

N = 200
ODD = np.random.default_rng(0).permutation(N)


def frame(**columns):
    return pd.DataFrame({"a": np.random.default_rng(1).normal(size=N)} | columns)


def learned(table, **roles):
    return fit_table_encoder(as_rows(table), "standard", ColumnRoles(**roles))


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (
            [f"part {i}" for i in ODD],
            "it holds 200 different texts in 200 rows, which identifies rows rather than "
            "describing them",
        ),
        (
            np.arange(N) * 3,
            "its whole numbers only rise from row to row, which counts rows or time",
        ),
        (
            -np.arange(N),
            "its whole numbers only fall from row to row, which counts rows or time",
        ),
        (
            ODD + 5,
            "its 200 whole numbers lie between 5 and 204 without a repeat, which identifies rows "
            "rather than describing them",
        ),
        (
            [*map(str, np.linspace(0, 1, N - 1)), "ERR"],
            "it holds 200 different texts in 200 rows; most are numbers, but 'ERR' is none; "
            "replace it by NaN if it stands for a hole",
        ),
        (
            [f"{i:04d}" for i in ODD],
            "it holds 200 different texts in 200 rows, all of them numbers that are written as "
            "text",
        ),
    ],
    ids=["text", "rising", "falling", "shuffled", "nearly numbers", "digits"],
)
def test_identifiers_are_not_used_with_a_warning(column, why):
    with pytest.warns(TableWarning) as caught:
        encoder = learned(frame(id=column))
    assert [str(warning.message) for warning in caught] == [
        f"column 'id' is not used: {why}. Pass drop=['id'] to leave it out without this warning, "
        "or name it in numeric or categorical if it does describe the rows."
    ]
    assert encoder.columns == ("a",)
    assert encoder.unused_columns == (("id", "identifier", why),)


@pytest.mark.parametrize(
    "column",
    [
        np.arange(N) // 2,
        np.arange(N) * 1.0,
        ODD * 10**6,
        np.r_[ODD[:-1], ODD[0]],
        ["u", "v"] * (N // 2),
        [f"part {i}" for i in ODD // 2],
    ],
    ids=["steps", "decimals", "wide", "a repeat", "categories", "pairs"],
)
def test_what_may_measure_or_describe_is_kept(column):
    assert learned(frame(id=column)).columns == ("a", "id")


def test_a_column_without_a_value_is_not_used():
    message = (
        "column 'b' is not used: it has no value in any row. Pass drop=['b'] to leave it out "
        "without this warning."
    )
    for column in (np.nan, None, pd.Series([None] * N, dtype="str"), pd.NaT):
        with pytest.warns(TableWarning) as caught:
            assert learned(frame(b=column)).columns == ("a",)
        assert str(caught[0].message) == message


def test_what_the_user_says_goes_before_what_is_found_out():
    table = frame(id=ODD, port=np.arange(N) % 3 * 1.5, unit="u", when="2024-01-01")
    encoder = learned(
        table, numeric=("id",), categorical=("port",), group="unit", time="when", drop=("a",)
    )
    assert encoder.columns == ("id", "port")
    assert encoder.numbers.names == ("id",)
    assert sorted(encoder.texts[0].categories) == ["0", "1.5", "3"]
    assert encoder.unused_columns == (
        ("a", "drop", "left out as told"),
        ("when", "time", "the time axis"),
        ("unit", "group", "names the asset"),
    )


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (
            {"drop": ("Unit",)},
            "drop names column 'Unit', which the table does not have. Did you mean 'unit'?",
        ),
        (
            {"drop": ("unit",), "time": "unit"},
            "column 'unit' is given as drop and time; give it once.",
        ),
        ({"numeric": ("unit",)}, "numeric names column 'unit', which holds no numbers."),
    ],
)
def test_roles_that_cannot_be_are_refused(roles, message):
    with pytest.raises(ArgumentError) as caught:
        learned(frame(unit="u"), **roles)
    assert str(caught.value) == message


def test_a_table_of_a_million_columns_is_refused_before_it_is_read():
    with pytest.raises(InputError) as caught:
        fit_table_encoder(as_rows(np.zeros((3, 2**20), np.float32)))
    assert str(caught.value) == (
        "the table has 1,048,576 columns; expected at most 131,072. Are rows and columns the "
        "other way round?"
    )


def test_a_date_column_with_a_row_of_totals_says_so():
    dates = [f"2026/1/{1 + i // 24} {i % 24}:00" for i in range(N - 1)]
    with pytest.warns(TableWarning) as caught:
        learned(frame(t=[*dates, "合計"]))
    (warning,) = caught
    assert str(warning.message) == (
        "column 't' is not used: it holds 200 different texts in 200 rows; most are dates, but "
        "'合計' is none: a row of totals, perhaps. Pass drop=['t'] to leave it out without this "
        "warning, or name it in numeric or categorical if it does describe the rows."
    )
