"""JSON: lines and arrays of flat objects, with the types that hold for the whole file."""

import gzip
import io
import json
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from dagmm._core.errors import InputError, TableWarning
from dagmm.data.files import json_lines
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.paths import stored_rows

RECORDS = [
    {"t": "2024-01-31 12:30:00", "temp": 20.5, "機": "一", "on": True},
    {"t": "2024-01-31 12:40:00", "temp": 21, "機": "二"},
    {"temp": None, "n": 3},
]
READ = {
    "t": [datetime(2024, 1, 31, 12, 30), datetime(2024, 1, 31, 12, 40), None],
    "temp": [20.5, 21.0, None],
    "機": ["一", "二", None],
    "on": [True, None, None],
    "n": [None, None, 3],
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def lines(records=RECORDS, end="\n"):
    return end.join(json.dumps(record, ensure_ascii=False) for record in records)


def read(content, name="t.jsonl", **options):
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_table(name, TableOptions(**options)) as table:
        return table.read(table.columns).to_pydict()


@pytest.mark.parametrize(
    "content",
    [
        lines(),
        lines() + "\n",
        "\ufeff" + lines(end="\r\n"),
        "\n" + lines(end="\n\n") + "\n\n",
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=1),
        gzip.compress(lines().encode()),
    ],
    ids=["lines", "end", "mark", "blank", "array", "indented", "gzip"],
)
@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.json", "t"])
def test_objects_are_rows(content, name, tmp_path):
    assert read(content, name) == READ
    assert list((tmp_path / "temporary").iterdir()) == []


def test_it_may_come_through_a_pipe(monkeypatch):
    for content in (lines(), json.dumps(RECORDS)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
        with open_table("-") as table:
            assert table.read(table.columns).to_pydict() == READ


def test_columns_have_types_that_hold_for_the_whole_file(monkeypatch):
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 64)
    records = [{"a": i, "b": None, "d": "2024-01-31"} for i in range(50)]
    records += [{"a": 0.5, "b": "x", "d": "007"}, {"a": None, "c": False}]
    read_back = read(lines(records))
    assert read_back["a"] == [*map(float, range(50)), 0.5, None]
    assert read_back["b"] == [None] * 50 + ["x", None]
    assert read_back["c"] == [None] * 51 + [False]
    assert read_back["d"] == ["2024-01-31"] * 50 + ["007", None]
    rows = stored_rows("t.jsonl")
    assert rows.n_rows == 52
    for _ in range(2):
        assert rows.read().to_pydict() == read_back
    with open_table("t.jsonl") as table:
        assert table.description == "JSON lines"
        batches = [batch for _, batch in table.batches({"b": "text", "a": "number"})]
        assert table.fraction() == 1.0
    assert pa.concat_tables(batches)["a"].to_pylist() == read_back["a"]


def test_marks_of_holes_and_encodings_are_those_of_csv():
    assert read(lines(RECORDS[:2]), na=("一",))["機"] == [None, "二"]
    with pytest.warns(TableWarning, match=r"^'t\.jsonl' is not UTF-8 and is read as CP932;"):
        assert read(lines(RECORDS).encode("cp932")) == READ


ONE = '{"a": 1, "b": "x"}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            ONE + '{"a": {"min": 1}, "b": "y"}\n',
            "line 2: key 'a' holds an object; expected numbers, text, true/false or null. Make "
            "each of its values a key of its own, or leave it out.",
        ),
        (
            ONE + '{"a": [1, 2]}',
            "line 2: key 'a' holds a list; expected numbers, text, true/false or null. Make each "
            "of its values a key of its own, or leave it out.",
        ),
        (
            ONE + ONE + '{"a": "1"}\n',
            "line 3: key 'a' holds text, and numbers in lines before; expected one kind in all "
            "lines.",
        ),
        (
            ONE + ONE * 20 + '{"b": false}\n',
            "line 22: key 'b' holds true/false, and text in lines before; expected one kind in "
            "all lines.",
        ),
        (
            ONE + '{"a": 1, "b"\n',
            "line 2 is not a JSON object (Expecting ':' delimiter: line 1 column 13 (char 12)): "
            '\'{"a": 1, "b"\'.',
        ),
        (ONE + "[1, 2]\n", "line 2 is not a JSON object: '[1, 2]'."),
        (
            ONE.encode() + b'{"b": "\xff"}\n',
            "line 2 is not UTF-8, it holds the byte b'\\xff'; save the file as UTF-8, or name "
            "its encoding with --encoding.",
        ),
        (
            '{"a": 1, "a": 2}\n',
            "the lines from line 1 on cannot be read (JSON parse error: Column(/a) was specified "
            "twice in row 0).",
        ),
        (
            '[{"a": 1}, 2]',
            "element 1 of its array is '2'; expected an array of objects: a row each.",
        ),
        (
            '{"a": 1,\n',
            "line 1 is no JSON object, and the whole is no JSON (Expecting property name "
            "enclosed in double quotes: line 2 column 1 (char 9)); expected an object in each "
            "line, or an array of objects.",
        ),
    ],
)
@pytest.mark.parametrize("block", [24, 2**20])
def test_what_is_no_row_is_named_by_its_line(content, message, block, monkeypatch, tmp_path):
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", block)
    with pytest.raises(InputError) as caught:
        read(content)
    assert str(caught.value) == f"'t.jsonl': {message}"
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{\n "t": [1, 2]\n}\n',
            "'t.json' holds one JSON object; expected an object in each line, or an array of "
            "objects: a row each.",
        ),
        ("[]", "'t.json' has no rows; expected at least 1 row."),
        (
            '[{"a": 1},\n {"a": 2]',
            "'t.json' is not JSON (Expecting ',' delimiter: line 2 column 9 (char 19)).",
        ),
    ],
)
def test_what_is_no_table(content, message):
    with pytest.raises(InputError) as caught:
        read(content, "t.json")
    assert str(caught.value) == message
