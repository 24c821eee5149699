"""Dates as loggers and people write them."""

import pyarrow as pa
import pytest

from dagmm import ArgumentError
from dagmm.preprocessing.columns.date_text import (
    ISO,
    DateReading,
    as_iso,
    format_of,
    parsed,
    reading_as_told,
)


@pytest.mark.parametrize("text", ["2024-13-01", "1/2/2024", "soon", "2024-01-01 25:00", "12:30"])
def test_what_is_no_date_is_none(text):
    assert parsed(pa.array([text, None])).null_count == 2


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2020/03/01", "2020-03-01"),
        ("01.03.2020", "2020-03-01"),
        ("01.03.2020 15:44:06", "2020-03-01 15:44:06"),
        ("2020.03.01", "2020-03-01"),
        ("2020年03月01日", "2020-03-01"),
        ("2020年3月1日 15時44分06秒", "2020-03-01 15:44:06"),
        ("2020年3月1日15時44分", "2020-03-01 15:44"),
        ("2020年3月1日 9時5分3秒", "2020-03-01 09:05:03"),
        ("令和2年3月1日 午後3時4分6秒", "2020-03-01 15:04:06"),
        ("令和元年5月1日", "2019-05-01"),
        ("昭和64/1/7", "1989-01-07"),
        ("H30.3.1 15:44", "2018-03-01 15:44"),
        ("\uff32\uff10\uff12/03/01 3時4分", "2020-03-01 03:04"),
        ("20200301154406", "2020-03-01 15:44:06"),
        ("20200301_154406", "2020-03-01 15:44:06"),
    ],
)
def test_dates_are_read_as_loggers_write_them(written, iso):
    assert parsed(pa.array([written, None])).equals(parsed(pa.array([iso, None])))
    assert parsed(pa.array([written])).null_count == 0


@pytest.mark.parametrize(
    "written", ["2020-02-31", "31.02.2020", "2021年2月29日 12:00:00", "令和3年2月29日"]
)
def test_a_day_that_no_month_has_is_no_date(written):
    assert parsed(pa.array([written])).null_count == 1


@pytest.mark.parametrize("code", ["R1.2.3", "S12/3/4", "H30年度1月", "T5.1.1 10:00"])
def test_a_code_is_no_date_of_an_era(code):
    assert parsed(pa.array([code])).null_count == 1


def read(text, reading=ISO):
    (date,) = parsed(pa.array([text]), reading).to_pylist()
    return None if date is None else str(date)


@pytest.mark.parametrize("midnight", ["12:00 AM", "12:00:00 am", "0:00 a.m."])
def test_a_clock_of_twelve_hours_begins_with_twelve(midnight):
    assert read(f"2020-03-01 {midnight}") == "2020-03-01 00:00:00"
    assert read(f"2020-03-01 {midnight}".replace("a", "p").replace("A", "P")) == (
        "2020-03-01 12:00:00"
    )


@pytest.mark.parametrize(
    "written",
    [
        *("3/1/2020 3:44:06 PM", "03/01/2020 03:44:06 pm", "3-1-2020 3:44:06 p.m."),
        *("2020/3/1 午後 3:44:06", "2020年3月1日 午後3時44分06秒", "2020年03月01日午後3:44:06"),
        *("2020-03-01 3:44:06PM", "3/1/2020 15:44:06", "2020-03-01 15:44:06"),
    ],
)
def test_a_clock_of_twelve_hours_is_read(written):
    assert read(written, DateReading("month")) == "2020-03-01 15:44:06"


@pytest.mark.parametrize("written", ["2020-03-01 13:44 PM", "2020-03-01 99:44 am", "3:44 PM"])
def test_what_is_no_clock_of_twelve_hours_is_refused(written):
    assert read(written) is None


def test_fractions_of_a_second_stay_with_a_clock_of_twelve_hours():
    texts = pa.array(["2020-03-01 3:44:06.25 PM", None])
    assert as_iso(texts).to_pylist() == ["2020-03-01 15:44:06.25", None]


def test_what_comes_first_is_told_by_the_column():
    assert read("01/02/2020") is None
    assert read("01/02/2020", DateReading("day")) == "2020-02-01 00:00:00"
    assert read("01/02/2020", DateReading("month")) == "2020-01-02 00:00:00"
    assert read("13/02/2020 10:00", DateReading("day")) == "2020-02-13 10:00:00"
    assert read("13/02/2020", DateReading("month")) is None
    assert read("2020-02-13", DateReading("month")) == "2020-02-13 00:00:00"


def test_a_format_reads_what_it_says_and_nothing_else():
    reading = reading_as_told("%d %b %Y %Hh%M")
    assert reading == DateReading("", "%d %b %Y %Hh%M")
    texts = pa.array(["01 Mar 2020 15h44", "2020-03-01", "", None, "01 Mar 2020 15h44"])
    assert [
        None if date is None else str(date) for date in parsed(texts, reading).to_pylist()
    ] == [*("2020-03-01 15:44:00", None, None, None, "2020-03-01 15:44:00")]
    digits = reading_as_told("%y%m%d%H%M")
    assert read("2003011544", digits) == "2020-03-01 15:44:00"


@pytest.mark.parametrize("form", ["", "%H:%M", "%d/%m", 3, "soon", "%d/%m/%Q"])
def test_what_is_no_format_of_dates_is_refused(form):
    with pytest.raises(ArgumentError) as caught:
        reading_as_told(form)
    assert str(caught.value) == (
        "time_format must be a format as Python's strptime takes it, with year, month and day, "
        f"such as '%d/%m/%Y %H:%M:%S', got {form!r}."
    )


def test_the_format_of_a_date_is_named():
    assert format_of("01/02/2020", "day") == "%d/%m/%Y"
    assert format_of("01-02-2020 10:00", "month") == "%m-%d-%Y %H:%M"
    assert format_of("1/2/2020 3:44:06 PM", "month") == "%m/%d/%Y %I:%M:%S %p"
    assert format_of("1/2/2020 13:44:06.5", "day") == "%d/%m/%Y %H:%M:%S.%f"
