"""Columns of text that are numbers: read as such, or left as text with a word about it."""

import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dagmm import ArgumentError, InputError, TableWarning
from dagmm._core.json_fields import JsonField
from dagmm._core.wording import options_named
from dagmm.data.convert import as_rows
from dagmm.data.files import csv, csv_spool
from dagmm.data.number_text.number_format import NumberFormat
from dagmm.inference.persistence.encoders import read_table_encoder, state_of_table_encoder
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.columns.number_text import NumberTextColumn
from dagmm.preprocessing.table_fit import fit_table_encoder

N = 60
TEMP = 60.0 + np.round(np.random.default_rng(0).normal(size=N), 1)
CELLS = [f"{value:.1f} ℃" for value in TEMP]


def learned(cells, **roles):
    table = pd.DataFrame({"a": np.arange(N) % 7 * 0.5, "temp": cells})
    return fit_table_encoder(as_rows(table), "standard", ColumnRoles(**roles))


def warned(cells, **roles):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder = learned(cells, **roles)
    return encoder, [str(warning.message) for warning in caught]


def encoded(encoder, *cells):
    table = pd.DataFrame({"a": 0.5, "temp": cells})
    return np.concatenate([encoder.encode(chunk) for chunk in as_rows(table).chunks()])


WORN = {
    "℃": (CELLS, NumberFormat("", "°C")),
    "%": ([f"{value}%" for value in TEMP], NumberFormat("", "%")),
    "¥": ([f"¥{value * 100:,.0f}.5" for value in TEMP], NumberFormat("¥", "", ",")),
    "1 234": ([f"{1000 + i:,}".replace(",", " ") for i in range(N)][::-1], None),
    "full width": ([f"{value}".replace(".", "．") for value in TEMP], NumberFormat()),  # noqa: RUF001
}


@pytest.mark.parametrize("kind", WORN)
def test_numbers_are_numbers_whatever_they_wear(kind):
    cells, form = WORN[kind]
    encoder, said = warned([*cells[:-2], "-", "欠測"])
    assert said == []
    assert encoder.numbers.names == ("a", "temp")
    assert encoder.texts == ()
    (column,) = encoder.number_texts
    assert column.marks == (("-", 1), ("欠測", 1))
    assert form is None or column.format == form
    assert encoder.masks.names == ("temp",)


def test_a_far_reading_is_far_and_a_hole_is_a_hole():
    encoder = learned([*CELLS[:-1], "-"])
    near, far, hole, mark = encoded(encoder, "60.0 ℃", "9999.9 ℃", None, "---")
    assert abs(near[1]) < 3.0
    assert far[1] > 1000.0
    np.testing.assert_array_equal(hole, mark)


@pytest.mark.parametrize(
    "mark",
    [
        "-",
        "--",
        "---",
        "***",
        "N/A",
        "NA",
        "null",
        "none",
        "nan",
        "Bad",
        "#N/A",
        "No Data",
        "欠損",
    ],
)
def test_marks_of_holes_leave_numbers_numbers(mark):
    encoder, said = warned([*map(str, TEMP[:-1]), mark])
    assert said == []
    assert encoder.number_texts == (NumberTextColumn("temp", NumberFormat(), ((mark, 1),)),)
    assert encoder.number_texts[0].in_words == f"holes written as 1 x {mark!r}"


def test_another_unit_is_never_read_as_the_one_that_was_fitted():
    with pytest.raises(InputError) as caught:
        encoded(learned(CELLS), "60.0 ℃", "92.3 ℉")
    assert str(caught.value) == (
        "column 'temp', row 1: expected a number (in °C), got '92.3 ℉'; convert it, or replace it "
        "by NaN if it stands for a hole."
    )


def test_a_single_row_in_another_unit_is_named_as_well():
    with pytest.raises(InputError, match=r"row 0: expected a number \(in °C\), got '92.3 ℉'; "):
        encoded(learned(CELLS), "92.3 ℉")


def test_numbers_without_the_unit_are_taken_with_a_warning():
    message = (
        "column 'temp' holds numbers without a unit; they are taken to be in °C, as the training "
        "rows are. Convert them if they are not."
    )
    encoder = learned(CELLS)
    for cells in (["60.0 ℃", "61.0"], [60.0, 61.0]):
        with pytest.warns(TableWarning) as caught:
            bare = encoded(encoder, *cells)
        assert {str(warning.message) for warning in caught} == {message}
        np.testing.assert_array_equal(bare, encoded(encoder, "60.0 ℃", "61.0 ℃"))
    _, said = warned([*CELLS[:-1], "61.5"])
    assert said == [
        "column 'temp': 1 of its 60 numbers have no unit, such as '61.5' in row 59; they are "
        "taken to be in °C as the others. Convert them if they are not."
    ]


def test_a_comma_in_doubt_is_said():
    _, said = warned([f"{1000 + i // 2:,}" for i in range(N)])
    assert said == [
        "column 'temp': '1,000' in row 0 is read as 1000, with the comma as a mark of thousands, "
        "and no cell tells whether it is. Pass numbers, not text, to leave out this warning."
    ]
    _, said = warned([f"{1000 + i // 2:,}.5" for i in range(N)])
    assert said == []


def test_mostly_numbers_do_not_become_text_without_a_word():
    encoder, said = warned([*CELLS[: N // 2], *CELLS[: N // 2 - 1], "ERR"])
    assert [text.name for text in encoder.texts] == ["temp"]
    assert said == [
        "column 'temp' is read as text: 59 of its 60 cells are numbers (in °C), such as "
        f"{CELLS[0]!r}, but 'ERR' in row 59 is none. Write all of them alike, or replace it by "
        "NaN if it stands for a hole; pass categorical=['temp'] to read the column "
        "as text without this warning."
    ]
    _, said = warned([*CELLS[: N // 2], *CELLS[: N // 2 - 1], "ERR"], categorical=("temp",))
    assert said == []


def test_a_word_in_the_first_row_may_be_a_unit():
    with options_named({"units_row": "--units-row"}):
        _, said = warned(["furlong", *map(str, np.arange(N - 1) // 2 + 0.5)])
    assert said[0].endswith(" If the first row holds units, say --units-row.")


def test_mostly_numbers_do_not_go_unused_without_an_example():
    cells = [f"{i + 0.5} ℃" for i in range(N - 1)]
    encoder, (said,) = warned([*cells, "ERR"])
    assert encoder.columns == ("a",)
    assert said.startswith(
        "column 'temp' is not used: it holds 60 different texts in 60 rows; most are numbers, but "
        "'ERR' is none; replace it by NaN if it stands for a hole. "
    )


def test_codes_stay_text_with_a_word():
    cells = [f"00{i % 5}" for i in range(N)]
    encoder, (said,) = warned(cells)
    assert encoder.texts[0].name == "temp"
    assert said == (
        "column 'temp' is read as text: its numbers begin with zeros, such as '000' in row 0, as "
        "codes do. Pass numeric=['temp'] to read them as numbers, or categorical=['temp'] to read "
        "them as text without this warning."
    )
    assert learned(cells, numeric=("temp",)).numbers.names == ("a", "temp")


def test_words_that_may_be_values_are_holes_with_a_word_where_most_cells_are_such():
    _, (said,) = warned([*["none"] * (N - 2), "12", "37"])
    assert said == (
        "column 'temp' is read as numbers: 2 of its 60 cells are some, such as '12' in row 58, "
        "and the others, such as 'none', are taken for holes. Pass categorical=['temp'] to read "
        "it as text, or numeric=['temp'] to read it so without this warning."
    )


def test_a_column_that_is_said_to_be_numeric_must_be_it():
    with pytest.raises(ArgumentError) as caught:
        learned([*CELLS[:-1], "ERR"], numeric=("temp",))
    assert str(caught.value) == (
        "numeric names column 'temp', in which 'ERR' in row 59 is no number (in °C); convert such "
        "cells, or replace them by NaN if they stand for holes."
    )


def test_serial_numbers_in_text_are_still_identifiers():
    with pytest.warns(TableWarning, match="^column 'temp' is not used: its whole numbers only "):
        assert learned([str(1000 + i) for i in range(N)]).columns == ("a",)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_all_kinds_of_frames_are_read_alike(make):
    columns = {"a": TEMP, "temp": [*CELLS[:-1], None]}
    encoder = fit_table_encoder(as_rows(make(columns)))
    again = fit_table_encoder(as_rows(pd.DataFrame(columns)))
    assert encoder.number_texts == again.number_texts
    one, other = (
        np.concatenate([encoder.encode(chunk) for chunk in as_rows(kind(columns)).chunks(7)])
        for kind in (make, pd.DataFrame)
    )
    np.testing.assert_array_equal(one, other)


def test_what_was_found_is_saved():
    encoder = learned([*CELLS[:-2], "-", "欠測"])
    state = state_of_table_encoder(encoder)
    plain = json.loads(json.dumps(state.plain))
    again = read_table_encoder(JsonField(plain, "encoder"))[1].build(state.under("encoder"))
    assert again.number_texts == encoder.number_texts
    np.testing.assert_array_equal(encoded(again, "9999.9 ℃"), encoded(encoder, "9999.9 ℃"))
    plain["number_texts"][0]["thousands"] = "x"
    with pytest.raises(ValueError, match="thousands must be a mark that goes with"):
        read_table_encoder(JsonField(plain, "encoder"))


@pytest.mark.parametrize("held_bytes", [2**26, 500], ids=["held", "spooled"])
def test_a_file_is_read_as_a_frame_is(tmp_path, monkeypatch, held_bytes):
    monkeypatch.setattr(csv_spool, "HELD_BYTES", held_bytes)
    monkeypatch.setattr(csv, "BLOCK_BYTES", 256)
    frame = pd.DataFrame({"a": TEMP, "temp": [*CELLS[:-2], "-", "欠測"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    one = fit_table_encoder(as_rows(str(tmp_path / "t.csv")))
    other = fit_table_encoder(as_rows(frame))
    assert one.number_texts == other.number_texts
    rows = as_rows(str(tmp_path / "t.csv"))
    np.testing.assert_array_equal(
        np.concatenate([one.encode(chunk) for chunk in rows.chunks()]),
        np.concatenate([other.encode(chunk) for chunk in as_rows(frame).chunks()]),
    )
