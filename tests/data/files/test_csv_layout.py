"""Lines before a header and a row of units below it."""

import warnings
from pathlib import Path

import pytest

from dagmm._core.errors import ArgumentError, InputError, TableWarning
from dagmm.data.files.base import TableFile, TableOptions
from dagmm.data.files.open import open_table

ROWS = "".join(f"{i},{20 + i / 10},{100 + i}\n" for i in range(30))
GERMAN = ROWS.replace(",", ";").replace(".", ",")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def opened(content: str, **options: object) -> tuple[TableFile, list[str]]:
    Path("t.csv").write_text(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = open_table("t.csv", TableOptions(**options))  # type: ignore[arg-type]
    assert all(warning.category is TableWarning for warning in caught)
    return table, [str(warning.message) for warning in caught]


def n_rows(table: TableFile) -> int:
    with table:
        return int(table.read(table.columns).num_rows)


def test_a_row_of_units_is_no_row() -> None:
    table, said = opened("time,temp,press\ns,℃,kPa\n" + ROWS)
    assert said == [
        "'t.csv': line 2 ('s,℃,kPa') is taken for the units of the columns and is no row; say "
        "--no-units-row if it is one, or --units-row to leave out this note."
    ]
    assert table.style.units == (("time", "s"), ("temp", "°C"), ("press", "kPa"))
    assert table.description == "CSV, comma-separated, with a header and a row of units"
    assert n_rows(table) == 30


@pytest.mark.parametrize(
    "row", ["[s],(℃),-", ",degC,", "yyyy/mm/dd,℃,hPa", "[-],[m/s],[count]", "秒,度,Pa"]
)
def test_units_are_known_in_many_forms(row: str) -> None:
    table, said = opened("time,temp,press\n" + row + "\n" + ROWS)
    assert len(said) == 1
    assert n_rows(table) == 30


@pytest.mark.parametrize("row", ["NA,NA,NA", "x,y,z", "-,-,-", "0,1,2", "a,℃,1", "ERR,ERR,ERR"])
def test_what_may_be_a_row_is_one(row: str) -> None:
    table, said = opened("time,temp,press\n" + row + "\n" + ROWS)
    assert said == []
    assert n_rows(table) == 31


def test_texts_below_a_header_are_no_units() -> None:
    table, said = opened("tool,unit\nmill,m\nmill,s\ndrill,kg\n")
    assert said == []
    assert n_rows(table) == 3


@pytest.mark.parametrize(
    ("content", "n_lines"),
    [
        ("Logger: X\nSerial;123\n\ntime,temp,press\n" + ROWS, 3),
        ("Logger: X\nSerial;123\n\ntime;temp;press\n" + GERMAN, 3),
        ("Logger: X\nSerial,123\n\ntime,temp\n" + "1,2\n" * 9, 3),
        ("Logger: X\ntime,temp,press\n" + ROWS, 1),
        ("# made by X\n# on 2024-01-01\n\n\ntime\ttemp\n" + "1\t2\n" * 9, 4),
    ],
)
def test_lines_before_the_header_are_left_out_where_that_is_clear(
    content: str, n_lines: int
) -> None:
    table, (said,) = opened(content)
    assert said.endswith(
        f"are no part of the table, whose header is line {n_lines + 1}; say --skip-rows {n_lines} "
        "to leave out this note, or --skip-rows 0 if they are."
    )
    assert table.columns[:2] == ("time", "temp")
    assert n_rows(table) == content.count("\n") - n_lines - 1
    table, said_now = opened(content, skip_rows=n_lines)
    assert said_now == []
    with table:
        assert table.columns[:2] == ("time", "temp")


def test_a_preamble_and_a_row_of_units_together() -> None:
    table, said = opened("Logger: X\n\ntime,temp,press\ns,℃,kPa\n" + ROWS)
    assert len(said) == 2
    assert said[1].startswith("'t.csv': line 4 ('s,℃,kPa') is taken for the units")
    assert n_rows(table) == 30


@pytest.mark.parametrize("content", ["a,b\n1,2,3\n4,5,6\n7,8,9\n", "a,b\n1,2\n1,2,3\n1,2,3\n"])
def test_a_broken_table_has_no_preamble(content: str) -> None:
    table, said = opened(content)
    assert said == []
    with pytest.raises(InputError, match=r"has 3 cells, expected 2"):
        n_rows(table)


def test_lines_are_counted_from_the_beginning_of_the_file() -> None:
    table, _ = opened("Logger: X\n\ntime,temp,press\ns,℃,kPa\n" + ROWS + "30,hot,1\n")
    with pytest.raises(InputError) as caught, table:
        list(table.batches(dict.fromkeys(table.columns, "number")))
    assert "column 'temp', row 30 (line 35): expected a number, got 'hot'" in str(caught.value)


def test_what_is_said_goes_before_what_would_be_found_out() -> None:
    table, said = opened("x,y\nz,a\na,b\nc,d\n1,2\n", skip_rows=2, units_row=True)
    assert said == []
    assert table.columns == ("a", "b")
    assert table.style.units == (("a", "c"), ("b", "d"))
    assert n_rows(table) == 1
    table, said = opened("time,temp,press\ns,℃,kPa\n" + ROWS, units_row=False)
    assert said == []
    assert n_rows(table) == 31


def test_marks_of_holes_that_are_said_hold_in_any_column() -> None:
    table, _ = opened("a,b\n1,x\n-99,none\n3,z\n", na=("-99", "none"))
    with table:
        assert table.read(table.columns).to_pydict() == {"a": [1, None, 3], "b": ["x", None, "z"]}
    table, _ = opened("a,b\n1,x\n-99,none\n3,z\n", na=("-99", "none"))
    with table:
        ((_, part),) = table.batches({"a": "number", "b": "text"})
    assert part.to_pydict() == {"a": [1.0, None, 3.0], "b": ["x", None, "z"]}


@pytest.mark.parametrize("mark", ["-99", "-99.0", "-9.9e1"])
def test_a_number_that_marks_a_hole_does_so_however_it_is_written(mark: str) -> None:
    content = "a,b\n1,2.5\n-99,-99.00\n3,99\n"
    expected = {"a": [1.0, None, 3.0], "b": [2.5, None, 99.0]}
    with opened(content, na=(mark,))[0] as table:
        assert table.read(table.columns).to_pydict() == expected
    with opened(content, na=(mark,))[0] as table:
        ((_, part),) = table.batches(dict.fromkeys("ab", "number"))
    assert part.to_pydict() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thousands": ";"}, "thousands must be ',', '.', ' ' or \"'\", got ';'."),
        (
            {"thousands": "."},
            "thousands and decimal cannot both be '.'; say the decimal mark too where it is a "
            "comma.",
        ),
        ({"skip_rows": -1}, "skip_rows must be at least 0, got -1."),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        TableOptions(**options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_no_more_lines_can_be_skipped_than_there_are() -> None:
    with pytest.raises(InputError) as caught:
        opened("a,b\n1,2\n", skip_rows=2)
    assert str(caught.value) == (
        "'t.csv' has 2 lines at its beginning, of which skip_rows leaves out 2; say a smaller "
        "number."
    )


@pytest.mark.parametrize("end", ["\x1a", "\x1a\x1a", "30,23.0,130\x1a"])
def test_a_file_of_dos_ends_before_its_mark(end: str) -> None:
    table, said = opened("time,temp,press\n" + ROWS + end)
    with table:
        kinds = dict.fromkeys(table.columns, "number")
        rows = [part.num_rows for _, part in table.batches(kinds)]  # type: ignore[arg-type]
    assert sum(rows) == n_rows(opened("time,temp,press\n" + ROWS + end)[0]) == 30 + ("," in end)
    assert said == []
