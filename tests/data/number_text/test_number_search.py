"""How the numbers of a column are written, from all of its cells."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.data.number_text.cell_counts import CellCounts
from dagmm.data.number_text.number_format import NumberFormat
from dagmm.data.number_text.number_search import find_format


def counted(cells, size=None):
    counts = CellCounts()
    size = size or max(1, len(cells))
    for start in range(0, len(cells), size):
        part = pa.array(cells[start : start + size], pa.string())
        counts.merge(CellCounts.of(part, start))
    return counts


def found(*cells, **known):
    return find_format(counted(cells), **known)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (("92.3 ℃", "91 ℃", "-", "欠測"), NumberFormat("", "°C")),
        (("5.5%", "6%"), NumberFormat("", "%")),
        (("2,096", "950"), NumberFormat("", "", ",")),
        (("1 234", "12"), NumberFormat("", "", " ")),
        (("1,234,567.8", "1.2"), NumberFormat("", "", ",")),
        (("1,5", "2,25", "1,234"), NumberFormat("", "", "", ",")),
        (("1.234,5", "1,5"), NumberFormat("", "", ".", ",")),
        (("1.234", "2.096"), NumberFormat()),
        (("1.234.567", "1.234"), NumberFormat("", "", ".", ",")),
        (("¥1,234", "¥950", "-¥5"), NumberFormat("¥", "", ",")),
        (("US$5", "US$6"), NumberFormat("US$")),
        (("1.5e3 V", "2V"), NumberFormat("", "V")),
        (("９２．３", "-1"), NumberFormat()),  # noqa: RUF001
        (("5 m³/h", "6 m³/h"), NumberFormat("", "m3/h")),
        (("12 回転", "13 回転"), NumberFormat("", "回転")),
    ],
)
def test_the_format_is_that_of_all_cells(cells, form):
    result = found(*cells)
    assert result is not None
    assert result.format == form
    assert result.odd is None


@pytest.mark.parametrize(
    "cells",
    [
        ("p1", "p2"),
        ("1号機", "2号機"),
        ("12:30", "1:00"),
        ("192.168.0.1", "10.0.0.1"),
        ("2020年03月01日",),
        ("2024-01-01",),
        ("No.5",),
        ("(5)",),
        ("<5",),
        ("1/2",),
        ("-", "欠測"),
        (),
    ],
)
def test_what_names_counts_or_dates_is_no_number(cells):
    assert found(*cells) is None


def test_another_unit_is_odd():
    result = found("92.3 ℃", "92.3 ℉", "1 ℃")
    assert result.format.after == "°C"
    assert (result.n_read, result.odd.example, result.odd.row) == (2, "92.3 ℉", 1)


def test_a_comma_that_no_cell_explains_is_doubtful():
    assert found("2,096", "1,950").is_doubtful
    assert found("2,096", "950").is_doubtful
    assert not found("2,096", "1,234,567").is_doubtful
    assert not found("2,096", "1.5").is_doubtful
    assert not found("2,096", thousands=",").is_doubtful
    assert not found("2,096", decimal=",").is_doubtful
    assert found("2,096", decimal=",").format == NumberFormat("", "", "", ",")


def test_semicolons_speak_for_a_decimal_comma_where_each_number_has_one():
    assert found("1,234", "2,345", has_semicolons=True).format.decimal == ","
    assert found("1,234", "950", has_semicolons=True).format.thousands == ","


def test_groups_of_three_must_be_consistent():
    result = found("1,234", "2096", "3000")
    assert result.format == NumberFormat()
    assert result.odd.example == "1,234"


def test_zeros_that_no_number_needs_are_codes():
    assert found("0042", "0100").is_code
    assert not found("0.42", "100").is_code
    assert not found("-0042", "12.5").is_code


CELLS = st.lists(
    st.sampled_from(
        ["92.3 ℃", "5 ℃", "7", "-", "欠測", "ERR", "1,234", "2,5", "1.234", "x", "", None, "0012"]
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(CELLS, st.integers(1, 7))
def test_chunks_say_what_the_whole_says(cells, size):
    one, other = counted(cells), counted(cells, size)
    assert (one.n_numbers, one.n_marks, one.n_cells) == (
        other.n_numbers,
        other.n_marks,
        other.n_cells,
    )
    assert one.ways == other.ways
    assert one.marks == other.marks
    assert one.others == other.others
    assert find_format(one) == find_format(other)
