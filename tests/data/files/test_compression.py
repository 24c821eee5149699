"""Compressed files, whatever their names, from disk and through a pipe."""

import bz2
import gzip
import io
import lzma
import os
import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagmm._core.errors import InputError
from dagmm.data.files import csv, csv_spool
from dagmm.data.files.open import open_table
from dagmm.data.paths import stored_rows


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def zip_of_one(data):
    extra = (("__MACOSX/._t.csv", b"x"), (".DS_Store", b"x"), ("folder/", b""))
    return zipped(("folder/t.csv", data), *extra)


def framed(codec):
    def compress(data):
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, codec) as stream:
            stream.write(data)
        return out.getvalue().to_pybytes()

    return compress


CODECS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": framed("zstd"),
    "lz4": framed("lz4"),
    "zip": zip_of_one,
}


def read(path):
    with open_table(path) as table:
        return table.read(table.columns).to_pydict()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("piped", [False, True])
def test_content_decides_and_not_the_name(codec, piped, monkeypatch):
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), "t.parquet")
    for content in (b"a,b\n1,x\n2,y\n", Path("t.parquet").read_bytes()):
        data = CODECS[codec](content)
        Path("t.csv").write_bytes(data)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        assert read("-" if piped else "t.csv") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("codec", ["gzip", "bzip2", "xz", "zstd"])
def test_files_that_were_appended_to_each_other(codec):
    Path("t.csv").write_bytes(CODECS[codec](b"a,b\n1,2\n") + CODECS[codec](b"3,4\n"))
    assert read("t.csv") == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize("codec", CODECS)
def test_a_long_file_comes_in_blocks(codec, monkeypatch):
    monkeypatch.setattr(csv, "BLOCK_BYTES", 2**16)
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 2**16)
    rows = "".join(f"{i},{os.urandom(8).hex()}\n" for i in range(10_000))
    Path("t").write_bytes(CODECS[codec](f"a,b\n{rows}".encode()))
    with open_table("t") as table:
        batches = [batch for _, batch in table.batches({"a": "number"})]
        assert 0.9 < table.fraction() <= 1.0
    assert len(batches) > 2
    assert pa.concat_tables(batches)["a"].to_pylist() == list(range(10_000))
    assert stored_rows("t").read()["a"].to_pylist() == list(range(10_000))


@pytest.mark.parametrize("codec", CODECS)
def test_data_that_is_cut_short(codec):
    content = b"a\n" + b"".join(os.urandom(8).hex().encode() + b"\n" for _ in range(2**14))
    Path("t.csv").write_bytes(CODECS[codec](content)[:-2000])
    with pytest.raises(InputError) as caught:
        read("t.csv")
    expected = {
        "zip": r"'t\.csv' is not a whole zip archive \(File is not a zip file\); copy it again\.",
    }.get(codec, rf"'t\.csv': its {codec} data is damaged or cut short \(.+\); copy it again\.")
    assert re.fullmatch(expected, str(caught.value))


def test_zip_data_that_is_damaged_inside():
    data = bytearray(zip_of_one(b"a\n" + os.urandom(1000).hex().encode()))
    data[200:300] = bytes(100)
    Path("t.csv").write_bytes(data)
    with pytest.raises(InputError, match=r"^'t\.csv': its zip data is damaged or cut short \("):
        read("t.csv")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            zipped(("a.csv", b"a\n1\n"), ("b.csv", b"a\n2\n")),
            "'t.zip' is a zip archive of 2 files ('a.csv', 'b.csv'); expected one with exactly "
            "one table in it. Unpack it.",
        ),
        (
            zipped(*((f"{i}.csv", b"a\n1\n") for i in range(7))),
            "'t.zip' is a zip archive of 7 files ('0.csv', '1.csv', '2.csv', '3.csv', '4.csv' "
            "and 2 more); expected one with exactly one table in it. Unpack it.",
        ),
        (
            zipped(),
            "'t.zip' is a zip archive of 0 files; expected one with exactly one table in it. "
            "Unpack it.",
        ),
        (
            zipped(("a.csv", b"")),
            "'t.zip' is empty; expected a table.",
        ),
    ],
    ids=["two", "seven", "none", "empty"],
)
def test_a_zip_archive_has_exactly_one_file(data, message):
    Path("t.zip").write_bytes(data)
    with pytest.raises(InputError) as caught:
        read("t.zip")
    assert str(caught.value) == message


def test_a_zip_archive_with_a_password():
    data = bytearray(zipped(("a.csv", b"a\n1\n")))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    Path("t.zip").write_bytes(data)
    with pytest.raises(InputError) as caught:
        read("t.zip")
    assert str(caught.value) == "'t.zip' is a zip archive with a password; unpack it."


def test_a_header_that_begins_like_bzip2():
    Path("t.csv").write_text("BZh,b\n1,2\n")
    assert read("t.csv") == {"BZh": [1], "b": [2]}
