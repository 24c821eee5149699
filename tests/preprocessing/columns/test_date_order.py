"""Whether day or month comes first: told by any cell of the column, else assumed and said."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagmm import InputError, TableWarning
from dagmm.data.convert import as_rows
from dagmm.data.paths import stored_rows
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.columns.date_text import DateReading
from dagmm.preprocessing.table_fit import fit_table_encoder

DAYS = pd.date_range("2020-01-01", periods=40, freq="D")


def frame(form, when=DAYS):
    return pd.DataFrame({"when": when.strftime(form), "a": np.arange(len(when)) % 7.0})


def learned(table, **roles):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder = fit_table_encoder(
            as_rows(table),
            "standard",
            ColumnRoles.of(None, None, None, roles.get("time"), None, roles.get("time_format")),
        )
    return encoder, [str(warning.message) for warning in caught]


def features(encoder, table):
    return np.concatenate([encoder.encode(chunk) for chunk in as_rows(table).chunks()])


@pytest.mark.parametrize(
    ("form", "order"), [("%d/%m/%Y", "day"), ("%m/%d/%Y %I:%M %p", "month"), ("%d-%m-%Y", "day")]
)
def test_a_number_above_twelve_tells_what_comes_first(form, order):
    expected, none = learned(frame("%Y-%m-%d"))
    encoder, said = learned(frame(form))
    assert (none, said) == ([], [])
    assert encoder.dates[0].reading == DateReading(order)
    np.testing.assert_array_equal(
        features(encoder, frame(form)), features(expected, frame("%Y-%m-%d"))
    )


def test_the_first_number_above_twelve_may_come_late_and_a_table_need_not_be_held(tmp_path):
    when = pd.to_datetime(["2020-02-01"] * 30_000 + ["2020-02-13"])
    table = pa.Table.from_pandas(frame("%d/%m/%Y", when))
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=5000)
    for rows in (table, stored_rows(tmp_path / "t.parquet")):
        encoder, said = learned(rows, time="when")
        assert encoder.date_readings == (("when", DateReading("day")),)
        assert said == []


def test_rows_that_come_later_are_read_as_the_training_rows_were():
    encoder, _ = learned(frame("%d/%m/%Y"))
    iso = pd.DataFrame({"when": ["2020-03-05", "2020-03-05"], "a": [1.0, 1.0]})
    later = iso.assign(when=["05/03/2020", "05/03/2020"])
    np.testing.assert_array_equal(features(encoder, later), features(encoder, iso))
    with pytest.raises(InputError) as caught:
        features(encoder, iso.assign(when="02/13/2020"))
    assert str(caught.value) == (
        "column 'when', row 0: expected a date such as 09/03/2024 10:14:33, got '02/13/2020'; "
        "this model was fitted on dates there. Its column has the day first, as the training "
        "rows show."
    )


FIRST_OF_MONTHS = pd.date_range("2020-01-01", periods=12, freq="MS")


def test_what_no_cell_tells_is_assumed_with_a_warning():
    encoder, said = learned(frame("%d/%m/%Y %H:%M", FIRST_OF_MONTHS), time="when")
    assert said == [
        "column 'when': '01/01/2020 00:00' in row 0 is read with the day first, and no cell tells "
        "whether it is. Pass time_format='%d/%m/%Y %H:%M' to leave out this warning, or "
        "time_format='%m/%d/%Y %H:%M' if the month comes first."
    ]
    assert encoder.reading_of("when") == DateReading("day")
    told, said = learned(
        frame("%m/%d/%Y %H:%M", FIRST_OF_MONTHS), time="when", time_format="%m/%d/%Y %H:%M"
    )
    assert said == []
    assert told.reading_of("when") == DateReading("", "%m/%d/%Y %H:%M")


def test_who_writes_am_and_pm_is_taken_to_write_the_month_first():
    encoder, (said,) = learned(frame("%m/%d/%Y %I:%M:%S %p", FIRST_OF_MONTHS), time="when")
    assert "is read with the month first" in said
    assert "time_format='%m/%d/%Y %I:%M:%S %p' to leave out" in said
    assert encoder.reading_of("when") == DateReading("month")


def test_a_column_that_has_both_is_text_and_no_time_axis():
    table = pd.DataFrame({"when": ["13/02/2020", "02/13/2020"] * 20, "a": np.arange(40) % 7.0})
    encoder, said = learned(table)
    assert [text.name for text in encoder.texts] == ["when"]
    assert said == []
    with pytest.raises(InputError) as caught:
        learned(table, time="when")
    assert str(caught.value) == (
        "column 'when', row 0: expected a date such as 2024-03-09 10:14:33, got '13/02/2020'; it "
        "is the time axis. Write the year first: whether day or month comes first, nobody can "
        "tell; or say it with time_format='%d/%m/%Y'."
    )


def test_text_that_only_holds_such_a_date_stays_text_without_a_word():
    table = pd.DataFrame({"note": ["01/02/2020 ok", "none"] * 20, "a": np.arange(40) % 7.0})
    encoder, said = learned(table)
    assert [text.name for text in encoder.texts] == ["note"]
    assert said == []


def test_a_format_is_for_columns_that_are_written_so():
    table = frame("%d.%m.%y").assign(tool=["drill", "mill"] * 20)
    encoder, said = learned(table, time_format="%d.%m.%y")
    assert said == []
    assert encoder.dates[0].reading == DateReading("", "%d.%m.%y")
    assert [text.name for text in encoder.texts] == ["tool"]
    with pytest.raises(InputError) as caught:
        learned(table, time="tool", time_format="%d.%m.%y")
    assert str(caught.value) == (
        "column 'tool', row 0: expected a date such as 09.03.24 (%d.%m.%y), got 'drill'; it is "
        "the time axis."
    )


def test_a_date_of_which_even_the_year_is_in_doubt_is_text_with_a_warning():
    table = pd.DataFrame({"a": np.arange(40) % 7, "when": ["01/02/20", "02/02/20"] * 20})
    with pytest.warns(TableWarning) as caught:
        fit_table_encoder(as_rows(table))
    assert [str(warning.message) for warning in caught] == [
        "column 'when' is read as text: '01/02/20' in row 0 is a date of which nobody can tell "
        "what is day, month and year. Pass time_format='%d/%m/%y', write the year first with "
        "four digits, as in 2020-03-01, or pass categorical=['when'] to read it as text without "
        "this warning."
    ]
    table["when"] = [f"{1 + i % 28:02}/02/{10 + i}" for i in range(40)]
    with pytest.warns(TableWarning) as caught:
        fit_table_encoder(as_rows(table))
    assert str(caught[0].message).startswith(
        "column 'when' is not used: it holds 40 different texts in 40 rows, and of dates such as "
        "'01/02/10' nobody can tell what is day, month and year; write the year first, as in "
        "2020-03-01, or pass time_format='%d/%m/%y'. "
    )
