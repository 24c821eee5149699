"""Numbers that wear something: what is read, and what is not."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.data.number_text.cells import are_holes, tidied
from dagmm.data.number_text.number_format import PLAIN, STYLES, NumberFormat

CELSIUS = NumberFormat("", "°C")
MARKS = [
    *("-", "--", "---", "***", "N/A", "NA", "n/a", "null", "none", "nan", "NaN", "Bad", "BAD"),
    *("Inp OutRange", "Scan Timeout", "I/O Timeout", "Pt Created", "Bad Input", "CALC FAILED"),
    *("#N/A", "No Data", "欠測", "欠損", "欠測値", "－", "—", "", " ", "#DIV/0!"),  # noqa: RUF001
]


def values(form, *cells):
    read = form.read(pa.array(cells, pa.string()))
    assert not read.unreadable.any(), cells
    return read.values.tolist()


@pytest.mark.parametrize("mark", MARKS)
def test_a_usual_mark_of_a_hole_is_one(mark):
    assert are_holes(tidied(pa.array([mark]))).to_pylist() == [True]
    assert math.isnan(values(CELSIUS, mark)[0])


@pytest.mark.parametrize("cell", ["0", "-1", "x", "bar", "non", "a-b", "nanometre", "*5", "△"])
def test_other_texts_are_no_holes(cell):
    assert are_holes(tidied(pa.array([cell]))).to_pylist() == [False]


@pytest.mark.parametrize(
    ("form", "cell", "value"),
    [
        (CELSIUS, "92.3 ℃", 92.3),
        (CELSIUS, "92.3℃", 92.3),
        (CELSIUS, "-4.5 °C", -4.5),
        (CELSIUS, "\N{MINUS SIGN}4.5 °C", -4.5),
        (CELSIUS, "９２．３　℃", 92.3),  # noqa: RUF001
        (CELSIUS, "▲4.5 ℃", -4.5),
        (PLAIN, "△ 3", -3.0),
        (NumberFormat("", "%"), "5.5%", 5.5),
        (NumberFormat("", "", ","), "2,096", 2096.0),
        (NumberFormat("", "", ","), "12,345,678.5", 12345678.5),
        (NumberFormat("", "", " "), "1 234", 1234.0),
        (NumberFormat("", "", " "), "1\N{NO-BREAK SPACE}234", 1234.0),
        (NumberFormat("", "", "'"), "1\N{RIGHT SINGLE QUOTATION MARK}234", 1234.0),
        (NumberFormat("", "", ".", ","), "1.234,5", 1234.5),
        (NumberFormat("¥", "", ","), "¥1,234", 1234.0),
        (NumberFormat("¥", "", ","), "-¥1,234", -1234.0),
        (NumberFormat("$"), "$-5", -5.0),
        (NumberFormat("", "m3/h"), "5 m³/h", 5.0),
        (NumberFormat("", "V"), "1.5e3 V", 1500.0),
        (PLAIN, "+ 23.4", 23.4),
        (PLAIN, "5.", 5.0),
    ],
)
def test_numbers_are_read(form, cell, value):
    assert values(form, cell) == [value]


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        (CELSIUS, "92.3 ℉"),
        (CELSIUS, "92.3 K"),
        (CELSIUS, "1,234 ℃"),
        (NumberFormat("", "%"), "5.5‰"),
        (NumberFormat("", "", ","), "1,23"),
        (NumberFormat("", "", ","), "12,3456"),
        (NumberFormat("", "", ","), "1234,567"),
        (NumberFormat("", "", ","), "0,123"),
        (NumberFormat("¥"), "$5"),
        (PLAIN, "2,096"),
        (PLAIN, "ERR"),
        (PLAIN, "1.2.3"),
        (PLAIN, "+-5"),
    ],
)
def test_what_is_no_number_of_the_format_is_not_read(form, cell):
    read = form.read(pa.array([cell]))
    assert read.unreadable.tolist() == [True]
    assert np.isnan(read.values).all()


def test_numbers_without_the_unit_are_told_apart():
    read = CELSIUS.read(pa.array(["92.3 ℃", "92.3", "-", None]))
    assert read.bare.tolist() == [False, True, False, False]
    assert read.values[:2].tolist() == [92.3, 92.3]


@settings(deadline=None)
@given(
    st.lists(st.text("0123456789.,' +-℃%e−", max_size=8) | st.none(), min_size=1, max_size=6),  # noqa: RUF001
    st.sampled_from(STYLES),
    st.sampled_from(["", "°C", "%"]),
)
def test_each_cell_is_read_by_itself(cells, style, unit):
    form = NumberFormat("", unit, *style)
    whole = form.read(pa.array(cells, pa.string()))
    for i, cell in enumerate(cells):
        alone = form.read(pa.array([cell], pa.string()))
        np.testing.assert_array_equal(alone.values, whole.values[i : i + 1])
        assert alone.unreadable[0] == whole.unreadable[i]
        # A cell is a number, a hole or unreadable, and never two of these.
        assert not (whole.unreadable[i] and not np.isnan(whole.values[i]))


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12), st.sampled_from([",", " ", "'"]))
def test_groups_of_three_come_back(number, thousands):
    cell = f"{number:,}".replace(",", thousands)
    assert values(NumberFormat("", "", thousands), cell) == [number]


def test_what_is_unusual_is_said_in_words():
    assert PLAIN.in_words() == ""
    assert CELSIUS.in_words() == "in °C"
    form = NumberFormat("", "%", ".", ",")
    assert form.in_words() == "percent, thousands separated by '.', decimal comma"
