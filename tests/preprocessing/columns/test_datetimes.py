"""Dates: cycles that have been seen, on the wall clock; what is no date is named."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dagmm import InputError, TableWarning
from dagmm.data.convert import as_rows
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.table_fit import fit_table_encoder

HOURLY = pd.date_range("2024-01-01", periods=24 * 35, freq="h")


def table(when):
    return pd.DataFrame({"when": when, "a": np.arange(len(when)) % 7.0})


def learned(frame, **overrides):
    return fit_table_encoder(as_rows(frame), "standard", ColumnRoles(**overrides))


def encode(encoder, frame):
    rows = as_rows(frame)
    return np.concatenate([encoder.encode(chunk) for chunk in rows.chunks(500)])


def test_hour_and_weekday_are_points_on_circles():
    encoder = learned(table(HOURLY))
    assert encoder.dates[0].cycles == ("day", "week")
    assert encoder.feature_columns == ("a", *["when"] * 4)
    encoded = encode(encoder, table(HOURLY))
    day = 2 * np.pi * HOURLY.hour / 24
    week = 2 * np.pi * (HOURLY.day_of_week + HOURLY.hour / 24) / 7
    expected = np.stack([np.sin(day), np.cos(day), np.sin(week), np.cos(week)], axis=1)
    np.testing.assert_allclose(encoded[:, 1:], expected, atol=1e-6)


def test_time_that_passes_is_no_feature():
    encoder = learned(table(HOURLY))
    later = table(HOURLY + pd.Timedelta(weeks=520))
    np.testing.assert_allclose(encode(encoder, later), encode(encoder, table(HOURLY)), atol=1e-6)


def test_only_cycles_that_were_seen_often_enough_count():
    def cycles(when):
        return learned(table(when)).dates[0].cycles

    assert cycles(HOURLY[: 24 * 14]) == ("day",)
    assert cycles(pd.date_range("2024-01-01", periods=40, freq="D")) == ("week",)
    message = (
        "column 'when' is not used: its dates lie on 2 days, too few to learn the hours of a day "
        "(from 14 days on) or the days of a week (from 4 weeks on), and the time that passes is "
        "no feature. Pass time='when' or drop=['when'] to leave it out without this warning."
    )
    with pytest.warns(TableWarning) as caught:
        encoder = learned(table(HOURLY[:48]))
    assert str(caught[0].message) == message
    assert encoder.columns == ("a",)


@pytest.mark.parametrize(
    "when",
    [
        HOURLY.strftime("%Y-%m-%d %H:%M:%S"),
        HOURLY.strftime("%Y/%m/%d %H:%M"),
        HOURLY.strftime("%Y-%m-%dT%H:%M:%S.250Z"),
        HOURLY.tz_localize("Asia/Tokyo"),
        HOURLY.to_pydatetime(),
        HOURLY.astype("datetime64[ns]"),
    ],
    ids=["ISO", "slashes", "fractions", "zone", "objects", "nanoseconds"],
)
def test_dates_are_the_same_however_they_are_written(when):
    expected = encode(learned(table(HOURLY)), table(HOURLY))
    frame = table(when)
    np.testing.assert_array_equal(encode(learned(frame), frame), expected)
    np.testing.assert_array_equal(encode(learned(table(HOURLY)), frame), expected)


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas])
def test_dates_are_the_same_in_any_library(make):
    frame = table(HOURLY)
    made = make(frame)
    np.testing.assert_array_equal(encode(learned(made), made), encode(learned(frame), frame))


def test_a_date_that_is_missing_is_the_middle_of_the_circle():
    frame = table(HOURLY)
    encoder = learned(frame)
    frame.loc[3, "when"] = pd.NaT
    assert encode(encoder, frame)[3, 1:].tolist() == [0.0] * 4


def test_a_time_axis_that_is_no_date_is_named():
    frame = table(HOURLY[:100].strftime("%Y-%m-%d %H:%M"))
    frame.loc[30, "when"] = "yesterday"
    with pytest.raises(InputError) as caught:
        learned(frame, time="when")
    assert str(caught.value) == (
        "column 'when', row 30: expected a date such as 2024-03-09 10:14:33, got 'yesterday'; it "
        "is the time axis."
    )


def test_a_time_axis_is_left_out_without_a_warning():
    frame = table(HOURLY[:100])
    assert learned(frame, time="when").columns == ("a",)
    assert learned(frame.assign(when=np.arange(100)), time="when").columns == ("a",)
    assert learned(frame, time="when").unused_columns == (("when", "time", "the time axis"),)


def test_text_and_numbers_where_dates_were_are_refused():
    encoder = learned(table(HOURLY))
    with pytest.raises(InputError) as caught:
        encode(encoder, table(HOURLY).assign(when="soon"))
    assert str(caught.value) == (
        "column 'when', row 0: expected a date such as 2024-03-09 10:14:33, got 'soon'; this "
        "model was fitted on dates there."
    )
    with pytest.raises(InputError) as caught:
        encode(encoder, table(HOURLY).assign(when=3.0))
    assert str(caught.value) == (
        "column 'when' holds numbers, such as 3.0; this model was fitted on dates there."
    )
