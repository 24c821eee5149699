"""Several files, and folders of them, as one table."""

import gzip
import json
import warnings
from datetime import datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from dagmm._core.errors import ArgumentError, InputError, TableWarning
from dagmm.data.files import csv
from dagmm.data.files.base import TableOptions
from dagmm.data.files.folder import table_files
from dagmm.data.files.open import open_table
from dagmm.data.paths import rows_in, stored_rows

WHOLE = {"a": [1.0, 2.0, 3.5], "b": ["x", "007", "y"]}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(files):
    for name, content in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tuple(files)


def stored(paths, **options):
    """The rows as a fit reads them."""
    return rows_in(open_table(paths, TableOptions(**options))).read()


def streamed(paths, columns=("file", "a", "b")):
    """The rows as scoring reads them, and their numbers."""
    kinds = {"file": "other", "a": "number", "b": "text"}
    with open_table(paths) as table:
        batches = list(table.batches({name: kinds[name] for name in columns}))
        assert table.fraction() == 1.0
    starts = [start for start, _ in batches]
    return starts, pa.concat_tables(batch for _, batch in batches).to_pydict()


def excel(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save("made.xlsx")
    return Path("made.xlsx").read_bytes()


def arrow(table, write):
    write(table, "made")
    return Path("made").read_bytes()


def lines(*records):
    return "\n".join(map(json.dumps, records))


FIRST, SECOND = pa.table({"a": [1.0, 2.0], "b": ["x", "007"]}), pa.table({"b": ["y"], "a": [3.5]})


def files_of(kind):
    if kind == "csv":
        return {"1.csv": "a,b\n1,x\n2,007\n", "2.csv": "a,b\n3.5,y\n"}
    if kind == "csv in any way":
        return {"1.csv": gzip.compress(b"a,b\n1,x\n2,007\n"), "2.tsv": "b\ta\r\ny\t3.5\r\n"}
    if kind == "excel":
        return {
            "1.xlsx": excel([["a", "b"], [1, "x"], [2, "007"]]),
            "2.xlsx": excel([["a", "b"], [3.5, "y"]]),
        }
    if kind == "json":
        return {
            "1.jsonl": lines({"a": 1, "b": "x"}, {"a": 2, "b": "007"}),
            "2.jsonl": json.dumps([{"b": "y", "a": 3.5}]),
        }
    write = feather.write_feather if kind == "feather" else pq.write_table
    suffix = "feather" if kind == "feather" else "pq"
    return {f"1.{suffix}": arrow(FIRST, write), f"2.{suffix}": arrow(SECOND, write)}


KINDS = ["csv", "csv in any way", "excel", "json", "feather", "parquet"]


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_one_table(kind):
    names = write(files_of(kind))
    assert stored(names).to_pydict() == WHOLE
    starts, cells = streamed(names)
    assert starts == [0, 2]
    assert cells == {"file": [names[0]] * 2 + [names[1]], **WHOLE}
    with open_table(names) as table:
        assert table.name == f"'{names[0]}' and 1 more"
        assert table.columns == ("a", "b")
        assert table.origin == "file"
        assert table.description.endswith(", 2 files")
        read = table.read(("b", "a"), ("a",))
    assert read.column_names == ["b", "a"]
    assert read["a"].type == pa.string()


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_the_files_in_it(kind):
    files = {f"folder/{name}": content for name, content in files_of(kind).items()}
    write(files | {"folder/.hidden.csv": "z\n1\n", "folder/notes.txt": "z\n1\n"})
    assert stored("folder").to_pydict() == WHOLE
    assert stored_rows("folder").read().to_pydict() == WHOLE
    names = [Path(name).name for name in files]
    if kind == "parquet":  # its parts are no files to who wrote it
        with open_table("folder") as table:
            assert table.origin is None
    else:
        assert streamed("folder")[1] == {"file": [names[0]] * 2 + [names[1]], **WHOLE}


def test_names_are_in_the_order_of_their_numbers():
    write({f"folder/day{i}.csv": f"a\n{i}\n" for i in (10, 9, 1, 100, 2)})
    assert stored("folder")["a"].to_pylist() == [1, 2, 9, 10, 100]
    assert table_files("folder") == [f"folder/day{i}.csv" for i in (1, 2, 9, 10, 100)]
    assert table_files("folder/day1.csv") == []


def test_a_folder_may_be_given_beside_files():
    paths = ("9.csv", "folder")
    write({"folder/2.csv": "a\n2\n", "folder/10.csv": "a\n3\n", "9.csv": "a\n1\n"})
    assert stored(paths)["a"].to_pylist() == [1, 2, 3]
    assert streamed(paths, ("file", "a"))[1]["file"] == ["9.csv", "2.csv", "10.csv"]
    write({"folder/9.csv": "a\n2\n"})
    labels = ["9.csv", "folder/2.csv", "folder/9.csv", "folder/10.csv"]
    assert streamed(paths, ("file", "a"))[1]["file"] == labels


def test_a_column_has_one_type_in_all_files(monkeypatch):
    names = write({"1.csv": "a,b\n1,007\n", "2.csv": "a,b\n2.5,1\n", "3.csv": "a,b\n,x\n"})
    table = stored(names)
    assert table.to_pydict() == {"a": [1.0, 2.5, None], "b": ["007", "1", "x"]}
    monkeypatch.setattr(csv, "BLOCK_BYTES", 4)
    assert stored(names).equals(table)


def test_a_file_without_rows_adds_none():
    names = write({"1.csv": "a,b\n1,x\n", "2.csv": "a,b\n", "3.csv": "a,b\n2,y\n"})
    assert stored(names).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
    assert streamed(names)[1]["file"] == ["1.csv", "3.csv"]
    nothing = write({"1.csv": "a,b\n", "2.csv": "a,b\n"})
    for read in (stored, streamed):
        with pytest.raises(InputError) as caught:
            read(nothing)
        assert str(caught.value) == "'1.csv' and 1 more has no rows; expected at least 1 row."


def test_each_file_has_its_encoding_marks_and_preamble():
    header = "ロガー\n\n日時,a\n"
    row = "2024-01-31 12:{}:00,{}\n"
    names = write(
        {
            "1.csv": (header + row.format("00", "1.5") + row.format("10", "2.5")).encode("cp932"),
            "2.csv": (header + row.format("20", "3.5") + row.format("30", "4.5")).encode("cp932"),
            "3.csv": "日時;a\n2024-01-31 12:40:00;5,5\n2024-01-31 12:50:00;6,5\n",
        }
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = stored(names)
    assert table["a"].to_pylist() == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    assert table["日時"].to_pylist() == [datetime(2024, 1, 31, 12, 10 * i) for i in range(6)]
    # What holds for all of them alike is said of the first.
    assert [str(warning.message).split(" is ")[0] for warning in caught] == ["'1.csv'"] * 1 + [
        "'1.csv': the first 2 lines ('ロガー') are no part of the table, whose header"
    ]
    assert {warning.category for warning in caught} == {TableWarning}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"1.csv": "a,b\n1,2\n", "2.csv": "a\n1\n"},
            "'2.csv' has no column 'b', which '1.csv' has; expected the same columns in all "
            "files.",
        ),
        (
            {"1.csv": "a,b\n1,2\n", "2.csv": "a,b,c\n1,2,3\n"},
            "'2.csv' has a column 'c', which '1.csv' has not; expected the same columns in all "
            "files.",
        ),
        (
            {"1.csv": "a\n1\n", "2.jsonl": '{"a": 1}\n'},
            "'2.jsonl' is JSON lines, and '1.csv' is CSV, comma-separated, with a header; "
            "expected files of one format.",
        ),
        (
            {"1.jsonl": '{"a": 1}\n', "2.csv": "a\n1\n"},
            "'2.csv' is CSV, comma-separated, with a header, and '1.jsonl' is JSON lines; "
            "expected files of one format.",
        ),
        (
            {"1.csv": "a\ns\n1\n2\n", "2.csv": "a\nms\n1\n2\n"},
            "'2.csv': column 'a' is in 'ms', but in 's' in '1.csv'; expected the same units in "
            "all files.",
        ),
        (
            {"1.jsonl": '{"a": 1}\n', "2.jsonl": '{"a": "x"}\n'},
            "'2.jsonl': column 'a' has type string, but int64 in the files before it; expected "
            "the same types in all files.",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::dagmm.TableWarning")
def test_files_that_are_no_one_table(files, message):
    with pytest.raises(InputError) as caught:
        open_table(write(files))
    assert str(caught.value) == message


def test_a_wrong_row_is_named_with_its_file():
    names = write({"1.csv": "a\n1\n2\n", "2.csv": "a\n1\n1,2\n"})
    for read in (stored, lambda paths: streamed(paths, ("a",))):
        with pytest.raises(InputError) as caught:
            read(names)
        assert str(caught.value) == "'2.csv': row 1 (line 3) has 2 cells, expected 1: '1,2'."


def test_no_row_counts_twice():
    write({"1.csv": "a\n1\n", "folder/2.csv": "a\n1\n"})
    Path("link.csv").symlink_to("1.csv")
    for paths, file in (
        (("1.csv", "1.csv"), "1.csv"),
        (("1.csv", "link.csv"), "link.csv"),
        (("folder", "folder/2.csv"), "folder/2.csv"),
    ):
        with pytest.raises(ArgumentError) as caught:
            open_table(paths)
        assert str(caught.value) == f"'{file}' is given twice; its rows would count twice."
    with pytest.raises(ArgumentError) as caught:
        open_table(("1.csv", "-"))
    assert str(caught.value) == (
        "standard input is a table by itself; give it without other paths."
    )


def test_a_column_that_is_called_file_stays_what_it_is():
    names = write({"1.csv": "a,file\n1,x\n", "2.csv": "a,file\n2,y\n"})
    with open_table(names) as table:
        assert table.origin is None
        cells = [batch["file"].to_pylist() for _, batch in table.batches({"file": "text"})]
    assert cells == [["x"], ["y"]]
