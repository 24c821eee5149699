"""Encodings: found out and said where they are not UTF-8, refused with line and byte."""

import gzip
import io
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from dagmm._core.errors import InputError, TableWarning
from dagmm.data.files import csv, csv_spool
from dagmm.data.files.base import TableOptions
from dagmm.data.files.encoding import is_cp932
from dagmm.data.files.open import open_table
from dagmm.data.paths import stored_rows

TEXT = "日時,温度(℃),設備\n2024-01-31 12:30:00,92.3,一号機\n2024-01-31 12:40:00,91.5,二号機\n"
CP932 = (
    "'t.csv' is not UTF-8 and is read as CP932; say --encoding cp932 to leave out this note, or "
    "its encoding if it is another one."
)
MARKED = (
    "'t.csv' begins with the byte order mark of UTF-16 and is read as UTF-16; say --encoding "
    "utf-16 to leave out this note, or its encoding if it is another one."
)


def unmarked(encoding):
    return (
        f"'t.csv' is UTF-16 without a byte order mark and is read as {encoding.upper()}; say "
        f"--encoding {encoding} to leave out this note, or its encoding if it is another one."
    )


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(content, encoding=None):
    """The table as text, what was said, and how it is described."""
    Path("t.csv").write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with open_table("t.csv", TableOptions(encoding=encoding)) as table:
            cells = table.read(table.columns, table.columns).to_pydict()
    assert all(warning.category is TableWarning for warning in caught)
    return cells, [str(warning.message) for warning in caught], table.description


def cells_of(text):
    names, *rows = (line.split(",") for line in text.splitlines())
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


HOW = "CSV, comma-separated, with a header"


@pytest.mark.parametrize(
    ("content", "said", "how"),
    [
        (TEXT.encode(), [], HOW),
        (TEXT.encode("utf-8-sig"), [], HOW),
        (TEXT.encode("cp932"), [CP932], f"{HOW}, CP932"),
        (TEXT.replace("\n", "\r\n").encode("cp932"), [CP932], f"{HOW}, CP932"),
        (TEXT.encode("utf-16"), [MARKED], f"{HOW}, UTF-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), [MARKED], f"{HOW}, UTF-16"),
        (TEXT.encode("utf-16-le"), [unmarked("utf-16-le")], f"{HOW}, UTF-16-LE"),
        (TEXT.encode("utf-16-be"), [unmarked("utf-16-be")], f"{HOW}, UTF-16-BE"),
        (gzip.compress(TEXT.encode("cp932")), [CP932], f"{HOW}, CP932"),
    ],
    ids=["UTF-8", "mark", "CP932", "CRLF", "LE mark", "BE mark", "LE", "BE", "gzip"],
)
def test_the_encoding_is_found_out_and_said(content, said, how):
    assert read(content) == (cells_of(TEXT), said, how)


@pytest.mark.parametrize(
    ("encoding", "how"), [("cp932", "CP932"), ("utf-16", "UTF-16"), ("euc_jp", "EUC_JP")]
)
def test_what_is_named_needs_no_note(encoding, how):
    assert read(TEXT.encode(encoding), encoding) == (cells_of(TEXT), [], f"{HOW}, {how}")


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_character_may_lie_across_blocks(monkeypatch, cut):
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 64)
    # The first look at a file ends in the middle of what is not ASCII, once for each place.
    padding = "a" * (2**16 - cut - len("a,b\n,1\n")) + ",1\n"
    rows = "温度一号,2\n" * 1000
    Path("t.csv").write_bytes(f"a,b\n{padding}{rows}".encode("cp932"))
    with pytest.warns(TableWarning) as caught:
        table = stored_rows("t.csv").read()
    assert [str(warning.message) for warning in caught] == [CP932]
    assert table["a"].to_pylist()[1:] == ["温度一号"] * 1000


def test_the_encoding_of_a_pipe_is_found_out_where_it_shows(monkeypatch):
    monkeypatch.setattr(csv, "BLOCK_BYTES", 2**16)
    content = ("a,b\n" + "x,1\n" * 50_000 + "温度,2\n" * 10).encode("cp932")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    with open_table("-") as table, pytest.warns(TableWarning) as caught:
        batches = [batch for _, batch in table.batches({"a": "text", "b": "number"})]
    assert len(batches) > 2
    assert batches[-1]["a"].to_pylist()[-10:] == ["温度"] * 10
    assert [str(warning.message) for warning in caught] == [
        CP932.replace("'t.csv'", "standard input")
    ]


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (
            TEXT.encode("cp932") + b"2024-01-31 12:50:00,90.0,\x81\n",
            "cp932",
            "'t.csv': line 4 is not cp932, it holds b'\\x81'; name the right encoding with "
            "--encoding.",
        ),
        (
            TEXT.encode("utf-16")[:-1],
            "utf-16",
            "'t.csv': line 3 is not utf-16, it holds b'\\n'; name the right encoding with "
            "--encoding.",
        ),
        (
            b"\xfe\xff" + TEXT.encode("utf-16-be") + b"\xd8\x00\x00\n",
            "utf-16",
            "'t.csv': line 4 is not utf-16, it holds b'\\xd8\\x00'; name the right encoding with "
            "--encoding.",
        ),
        (
            TEXT.encode() + b"2024-01-31 12:50:00,90.0,\x88\xea\n",
            None,
            "'t.csv': column '設備', row 2 (line 4): expected text in UTF-8, got "
            "b'\\x88\\xea'; save the file as UTF-8, or say --encoding cp932 if that is what it "
            "is.",
        ),
        (
            "Température,b\n1,2\n".encode("cp1252"),
            None,
            "'t.csv': its first line is not UTF-8, it holds the byte b'\\xe9'; save the file as "
            "UTF-8, or say --encoding cp932 if that is what it is.",
        ),
    ],
    ids=["CP932", "UTF-16", "big-endian", "damaged UTF-8", "western"],
)
def test_what_is_of_no_encoding_is_named_with_line_and_byte(content, encoding, message):
    with pytest.raises(InputError) as caught:
        read(content, encoding)
    assert str(caught.value) == message


def test_a_guess_that_fails_later_is_an_error(monkeypatch):
    monkeypatch.setattr(csv, "BLOCK_BYTES", 2**16)
    content = ("a,b\n" + "温度,1\n" * 20_000).encode("cp932") + b"\x81,2\n"
    Path("t.csv").write_bytes(content)
    with (
        pytest.warns(TableWarning, match="is read as CP932"),
        open_table("t.csv") as table,
        pytest.raises(InputError) as caught,
    ):
        list(table.batches({"a": "text"}))
    assert str(caught.value) == (
        "'t.csv': line 20002 is not cp932, it holds b'\\x81'; name the right encoding with "
        "--encoding."
    )


@pytest.mark.parametrize(
    "text",
    ["温度", "℃", "ｵﾝﾄﾞ,ｱﾂﾘｮｸ", "テスト", "圧力,流量", "ﾃｽﾄ", "Ｎｏ．", "①,②"],  # noqa: RUF001
)
def test_japanese_in_cp932_is_known(text):
    assert is_cp932(f"a,{text}\n1,2\n".encode("cp932"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Température,Été", "cp1252"),
        ("°C,µm,m³", "cp1252"),
        ("Größe,Öl", "latin-1"),
        ("don’t – “so”", "cp1252"),  # noqa: RUF001
        ("évén évén", "cp1252"),
        ("Температура", "cp1251"),
        ("ｵﾝﾄﾞ", "cp932"),  # also some text in EUC
        ("温度,设备", "gb2312"),
        ("温度,設備", "euc_jp"),
        ("온도,설비", "euc_kr"),
        ("温度,設備", "utf-8"),
        ("ascii", "ascii"),
    ],
)
def test_what_is_another_encoding_is_not_taken_for_cp932(text, encoding):
    assert not is_cp932(f"a,{text}\n1,2\n".encode(encoding))


def test_utf_8_that_is_damaged_is_not_taken_for_cp932():
    assert not is_cp932("温度,1\n設備,2\n".encode() + b"\x81\n")
