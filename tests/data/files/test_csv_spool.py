"""CSV files too long to be held: they mean what they mean when they are read at once."""

import gzip
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.errors import InputError
from dagmm.data.files import csv, csv_spool
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.frames import FrameRows
from dagmm.data.paths import rows_in, stored_rows
from dagmm.data.streams import StreamRows

#: Cells of each of the types that Arrow finds out, and of none.
CELLS = (
    *("", "NA", "0", "1", "7", "007", "true", "False", "1.5", "-2e9", "nan", " 3", "0x1f"),
    *("2024-01-31", "12:30:00", "2024-01-31 12:30:00", "2024-01-31T12:30:00Z"),
    *(
        "2024-01-31 12:30:00.5",
        "2024-01-31 12:30:00.5Z",
        "text",
        '"a, ""b"""',
        "99999999999999999999",
    ),
)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture
def small(monkeypatch):
    """Hold no more than 64 bytes, and read as many at a time."""
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 64)
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)


def at_once(path, texts=(), **options):
    with open_table(path, TableOptions(**options)) as table:
        return table.read(table.columns, texts)


def spooled(path, texts=(), **options):
    with open_table(path, TableOptions(**options)) as table:
        names = table.columns
        rows = rows_in(table, names, texts)
        assert isinstance(rows, StreamRows)
        return rows.read()


def failure(read, *arguments, **options):
    with pytest.raises(InputError) as caught:
        read(*arguments, **options)
    return str(caught.value)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.data())
def test_columns_have_the_types_that_they_have_when_read_at_once(data):
    kinds = [data.draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=4)) for _ in range(3)]
    n_rows = data.draw(st.integers(20, 60))
    rows = [[data.draw(st.sampled_from(kind)) for kind in kinds] for _ in range(n_rows)]
    text = "a,b,c,d\n" + "".join(",".join([*row, "x"]) + "\n" for row in rows)
    Path("t.csv").write_text(text, "utf-8")
    whole = at_once("t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_spool, "HELD_BYTES", 64)
        patch.setattr(csv, "BLOCK_BYTES", 64)
        read = spooled("t.csv")
    assert read.schema == whole.schema
    assert read.combine_chunks().equals(whole.combine_chunks())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("a;b\n" + "1,5;あ\n" * 50, {"encoding": "cp932"}),
        ("a\tb\n" + "1\tx\n" * 50, {}),
        ("1,2\n" * 50, {}),
        ('a,b\n"1\n2",3\n' * 1 + '"1\n2",3\n' * 50, {}),
        ("a,b\r\n" + "1,2\r\n" * 50, {}),
    ],
    ids=["CP932", "tabs", "no header", "line breaks", "CRLF"],
)
def test_any_way_of_writing_it_means_the_same(content, options):
    Path("t.csv").write_bytes(content.encode(options.get("encoding", "utf-8")))
    Path("t.csv.gz").write_bytes(gzip.compress(Path("t.csv").read_bytes()))
    whole = at_once("t.csv", **options).combine_chunks()
    for path in ("t.csv", "t.csv.gz"):
        assert spooled(path, **options).combine_chunks().equals(whole)


@pytest.mark.usefixtures("small")
def test_columns_can_be_read_as_text_and_left_out():
    Path("t.csv").write_text("a,b,c\n" + "007,1,x\n" * 50)
    with open_table("t.csv") as table:
        rows = rows_in(table, ("c", "a"), ("a",))
    assert rows.names == ("c", "a")
    assert rows.schema == pa.schema([("c", pa.string()), ("a", pa.string())])
    assert rows.read().to_pydict() == {"c": ["x"] * 50, "a": ["007"] * 50}
    assert rows.only(("a",)).read()["a"].to_pylist() == ["007"] * 50


def test_standard_input_is_kept_on_disk_when_it_is_long(monkeypatch, small):
    content = b"a,b\n" + b"1,2\n" * 50 + b"1.5,x\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    read = spooled("-")
    assert read.schema == pa.schema([("a", pa.float64()), ("b", pa.string())])
    assert read["b"].to_pylist() == ["2"] * 50 + ["x"]


def test_a_short_file_is_read_into_memory():
    Path("t.csv").write_text("a\n" + "1\n" * 5)
    rows = stored_rows("t.csv")
    assert isinstance(rows, FrameRows)
    assert rows.n_rows == 5


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "end",
    [b"1\n", b"1,2,3\n", b"1,\xff\n"],
    ids=["short", "long", "not UTF-8"],
)
def test_errors_are_those_of_a_file_read_at_once_and_nothing_is_left(end, tmp_path):
    Path("t.csv").write_bytes(b"a,b\n" + b"1,x\n" * 50 + end)
    expected = failure(at_once, "t.csv")
    assert failure(spooled, "t.csv") == expected
    assert "row 50" in expected
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.usefixtures("small")
def test_the_temporary_file_has_no_name_and_goes_with_the_rows(tmp_path):
    Path("t.csv").write_text("a,b\n" + "1,x\n" * 50)
    rows = stored_rows("t.csv")
    file = rows._source._file
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not file.closed
    del rows
    assert file.closed
