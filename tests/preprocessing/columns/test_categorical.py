"""Categories: one feature each and one for others, whatever type they are written in."""

import numpy as np
import pandas as pd
import pytest

from dagmm._core.errors import InputError, TableWarning
from dagmm.data.convert import as_rows
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.table_fit import fit_table_encoder

N = 200
ODD = np.random.default_rng(0).permutation(N)


def frame(**columns):
    return pd.DataFrame({"a": np.random.default_rng(1).normal(size=N)} | columns)


def test_text_is_one_feature_for_each_category_and_one_for_others():
    frame = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0], "kind": ["u", "t", "u", "v"]})
    encoder = fit_table_encoder(as_rows(frame[:3]), "minmax")
    assert encoder.texts[0].categories == ("u", "t")
    assert encoder.feature_columns == ("n", "kind", "kind", "kind")
    encoded = encoder.encode(as_rows(frame).chunk(0, 4))
    assert encoded[:, 1:].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_categories_are_the_same_whatever_type_they_are_written_in():
    number = frame(port=np.arange(N) % 3)
    encoder = fit_table_encoder(as_rows(number), roles=ColumnRoles(categorical=("port",)))
    chunks = [
        as_rows(table).chunk(0, N)
        for table in (
            number,
            number.astype({"port": "float32"}),
            number.astype({"port": "Int64"}),
            number.astype({"port": "str"}),
            number.astype({"port": "category"}),
        )
    ]
    first = encoder.encode(chunks[0])
    for chunk in chunks[1:]:
        np.testing.assert_array_equal(encoder.encode(chunk), first)


def test_a_category_column_with_as_many_values_as_rows_is_refused():
    message = (
        "column 'id' is said to hold categories, but it holds 200 different texts in 200 rows, "
        "which identifies rows rather than describing them; leave it out of the fit."
    )
    names = [f"part {i}" for i in ODD]
    for table, roles in (
        (frame(id=names), ColumnRoles(categorical=("id",))),
        (frame(id=pd.Categorical(names)), None),
    ):
        with pytest.raises(InputError) as caught:
            fit_table_encoder(as_rows(table), roles=roles)
        assert str(caught.value) == message


def test_categories_that_differ_in_width_or_spaces_alone_are_warned_of():
    machines = np.where(np.arange(N) % 3, "1号機", "１号機")
    message = (
        "column 'machine' holds '1号機' and '１号機', which are taken for two categories: they "
        "differ in spaces or the form of letters alone. Write them alike if they mean the same."
    )
    with pytest.warns(TableWarning, match=f"^{message}$"):
        fit_table_encoder(as_rows(frame(machine=machines)))
    with pytest.warns(TableWarning, match="holds 'on' and 'on ', which"):
        fit_table_encoder(as_rows(frame(state=np.where(np.arange(N) % 3, "on", "on "))))


def test_a_new_text_that_looks_like_a_category_is_warned_of():
    machines = np.where(np.arange(N) % 3, "1号機", "2号機")
    encoder = fit_table_encoder(as_rows(frame(machine=machines)))
    message = (
        "column 'machine' holds '２号機', which none of the training rows had, and is taken for "
        "another category than '2号機': they differ in spaces or the form of letters alone. "
        "Write them alike if they mean the same."
    )
    rows = as_rows(frame(machine=np.where(np.arange(N) % 3, "３号機", "２号機")))
    with pytest.warns(TableWarning, match=f"^{message}$"):
        encoder.encode(rows.chunk(0, N))
