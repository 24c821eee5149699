"""Sheets of workbooks: as CSV is read, with dates as dates."""

import builtins
import datetime as dt
import io
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pyarrow as pa
import pytest

from dagmm._core.errors import ArgumentError, InputError, MissingExtraError, TableWarning
from dagmm.data.files import csv_spool
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.paths import stored_rows

ROWS = [
    ["日時", "温度", "良", "設備", "n", "日"],
    [dt.datetime(2024, 1, 31), 0.1 + 0.2, True, "一号機", 7, dt.date(2024, 1, 1)],
    [dt.datetime(2024, 1, 31, 12, 34, 56), -1e-3, False, 'a,"b"\nc', 10**12, dt.date(2024, 2, 1)],
    [dt.datetime(2024, 2, 1), None, None, None, None, None],
]
TITLE = ["設備A 日報"]
UNITS = [None, "℃", None, None, "kPa", None]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(*sheets, at=(1, 1), name="t.xlsx"):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for i, rows in enumerate(sheets):
        sheet = book.create_sheet(f"表{i + 1}")
        for r, row in enumerate(rows, at[0]):
            for c, cell in enumerate(row, at[1]):
                sheet.cell(r, c, cell)
    book.save(name)
    return name


def read(path="t.xlsx", **options):
    with open_table(path, TableOptions(**options)) as table:
        return table.read(table.columns)


def expected():
    return {name: [row[i] for row in ROWS[1:]] for i, name in enumerate(ROWS[0])}


@pytest.mark.parametrize("at", [(1, 1), (3, 2)], ids=["A1", "B3"])
def test_cells_keep_their_types(at):
    table = read(write(ROWS, at=at))
    cells = expected()
    # Excel holds 15 digits, and no text is an empty one.
    cells["温度"][0], cells["設備"][2] = 0.3, ""
    assert table.to_pydict() == cells
    assert table.schema.types == [
        *(pa.timestamp("s"), pa.float64(), pa.bool_(), pa.string(), pa.int64(), pa.date32()),
    ]
    with open_table("t.xlsx") as opened:
        ((_, batch),) = opened.batches({"日時": "other", "日": "other"})
        assert batch.to_pydict() == {
            "日時": ["2024-01-31 00:00:00", "2024-01-31 12:34:56", "2024-02-01 00:00:00"],
            "日": ["2024-01-01", "2024-02-01", ""],
        }
        assert opened.description == "Excel, sheet '表1', with a header"


def test_titles_and_units_are_found_as_in_csv():
    rows = [TITLE, [], ["ライン", 3], ROWS[0], UNITS, *ROWS[1:3], *ROWS[1:3]]
    with pytest.warns(TableWarning) as caught:
        table = open_table(write(rows))
    with table:
        assert table.columns == tuple(ROWS[0])
        assert table.style.units == (("温度", "°C"), ("n", "kPa"))
        assert table.read(("n",)).to_pydict() == {"n": [7, 10**12] * 2}
    assert [str(warning.message) for warning in caught] == [
        "'t.xlsx': the first 3 lines ('設備A 日報') are no part of the table, whose header is "
        "line 4; say --skip-rows 3 to leave out this note, or --skip-rows 0 if they are.",
        "'t.xlsx': line 5 (',℃,,,kPa,') is taken for the units of the columns and is no row; say "
        "--no-units-row if it is one, or --units-row to leave out this note.",
    ]
    options = TableOptions(skip_rows=3, units_row=True)
    with open_table("t.xlsx", options) as table, pytest.raises(InputError) as wrong:
        list(table.batches({"設備": "number"}))
    assert str(wrong.value) == (
        "'t.xlsx': column '設備', row 0 (line 6): expected a number, got '一号機'; correct it, or "
        "say --na '一号機' if it stands for a hole."
    )


def test_the_first_sheet_is_read_or_the_one_that_is_named():
    write([["a"], [1]], [["b"], [2]], [["c"], [3]])
    with pytest.warns(TableWarning) as caught:
        assert read().to_pydict() == {"a": [1]}
    assert [str(warning.message) for warning in caught] == [
        "'t.xlsx' has 3 sheets, of which the first is read, '表1'; say --sheet '表2' to read "
        "another, or --sheet '表1' to leave out this note."
    ]
    for sheet, cells in (("表1", {"a": [1]}), ("表2", {"b": [2]}), ("3", {"c": [3]})):
        assert read(sheet=sheet).to_pydict() == cells
    for sheet in ("4", "0"):
        with pytest.raises(InputError) as wrong:
            read(sheet=sheet)
        assert str(wrong.value) == (
            f"'t.xlsx' has no sheet '{sheet}'. It has '表1', '表2', '表3'."
        )


def test_a_hidden_sheet_is_read_only_if_it_is_named():
    write([["a"], [1]], [["b"], [2]])
    book = openpyxl.load_workbook("t.xlsx")
    book["表1"].sheet_state = "hidden"
    book.save("t.xlsx")
    assert read().to_pydict() == {"b": [2]}
    assert read(sheet="表1").to_pydict() == {"a": [1]}


def test_cells_without_a_value():
    write([["a", "b"], [1, "=1/0"], [2, "#N/A"], [None, None], [4, 5.5]])
    assert read().to_pydict() == {"a": [1, 2, 4], "b": [None, None, 5.5]}
    durations = [["t"], [dt.timedelta(hours=30)], [dt.timedelta(seconds=90)]]
    assert read(write(durations)).to_pydict() == {"t": [108000, 90]}
    assert read(write([["t"], [dt.time(12, 30)]])).to_pydict() == {"t": [dt.time(12, 30)]}


def test_numbers_as_text_may_have_decimal_commas():
    rows = [["a"], ["92,3"], ["1,5"]]
    assert read(write(rows)).to_pydict() == {"a": ["92,3", "1,5"]}
    with open_table("t.xlsx", TableOptions(decimal=",", delimiter=";")) as table:
        assert table.style.decimal == ","


def test_a_workbook_may_be_long_or_come_through_a_pipe(monkeypatch):
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 64)
    write([["a", "b"], *([i, f"x{i}"] for i in range(200))])
    assert stored_rows("t.xlsx").read()["a"].to_pylist() == list(range(200))
    with open_table("t.xlsx") as table:
        ((start, batch),) = table.batches({"a": "number"})
        assert table.fraction() == 1.0
    assert (start, batch["a"].to_pylist()) == (0, [float(i) for i in range(200)])
    data = Path("t.xlsx").read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert read("-")["b"].to_pylist() == [f"x{i}" for i in range(200)]


def test_a_missing_extra_is_named(monkeypatch):
    write(ROWS)
    importing = builtins.__import__

    def without(name, *arguments):
        if name == "python_calamine":
            raise ImportError
        return importing(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError) as caught:
        open_table("t.xlsx")
    assert str(caught.value) == (
        "'t.xlsx' is an Excel workbook, and reading it needs the 'excel' extra: pip install "
        '"dagmm[excel]". Or save it as CSV UTF-8.'
    )


def test_what_is_no_sheet():
    with pytest.raises(InputError) as caught:
        read(write([]))
    assert str(caught.value) == "'t.xlsx' is empty; expected a table."
    Path("t.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(InputError, match=r"^'t\.xls' is not a whole Excel workbook \(.+\); copy"):
        read("t.xls")
    Path("t.csv").write_text("a\n1\n")
    with pytest.raises(ArgumentError) as caught:
        read("t.csv", sheet="1")
    assert str(caught.value) == ("sheet is of Excel workbooks, and 't.csv' is none; leave it out.")


def test_a_damaged_workbook_is_named():
    write(ROWS)
    with zipfile.ZipFile("t.xlsx") as book, zipfile.ZipFile("d.xlsx", "w") as damaged:
        for name in book.namelist():
            content = book.read(name)
            damaged.writestr(name, content[:100] if name.endswith("workbook.xml") else content)
    with pytest.raises(InputError, match=r"^'d\.xlsx' is not a whole Excel workbook \(.+\); copy"):
        read("d.xlsx")


def test_a_spreadsheet_of_opendocument_is_read_alike():
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    name, number = (
        f'<table:table-cell office:value-type="{kind}"><text:p>{{0}}</text:p></table:table-cell>'
        for kind in ("string", 'float" office:value="{0}')
    )
    rows = [(name, ("温度", "n")), (number, (20.5, 1)), (number, (21.5, 2))]
    table = "".join(
        f"<table:table-row>{''.join(cell.format(value) for value in values)}</table:table-row>"
        for cell, values in rows
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile("t.ods", "w") as book:
        book.writestr("mimetype", kind)
        book.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:'
            f'manifest:1.0"><m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>',
        )
        book.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {spaces}><office:body>'
            f'<office:spreadsheet><table:table table:name="T">{table}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    assert read("t.ods").to_pydict() == {"温度": [20.5, 21.5], "n": [1, 2]}
