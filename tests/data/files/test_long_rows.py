"""Rows that are too long to be rows, and temporary folders that are full."""

import errno
import gzip
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagmm import InputError
from dagmm.data.files import csv, csv_spool
from dagmm.data.files.base import TableOptions
from dagmm.data.files.csv_spool import typed_csv
from dagmm.data.files.open import open_table

MESSAGE = (
    "'t.csv': line 3 is longer than 8 MB, which no row of a table is; look there for text that is "
    "no table, or for ends of lines that are missing."
)


def typed(table):
    return typed_csv(table, table.columns)


def batches(table):
    return list(table.batches(dict.fromkeys(table.columns, "other")))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("read", [typed, batches])
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_cell_of_40_mb_is_called_long(read, quote):
    Path("t.csv").write_bytes(b"a,b\n1,x\n2," + quote + b"y" * (40 * 2**20) + quote + b"\n3,z\n")
    with open_table("t.csv") as table, pytest.raises(InputError) as caught:
        read(table)
    assert str(caught.value) == MESSAGE


@pytest.mark.parametrize("read", [typed, batches])
def test_a_cell_that_is_long_but_could_be_is_read(read):
    Path("t.csv").write_bytes(b"a,b\n1,x\n2," + b"y" * 2**20 + b"\n3,z\n")
    with open_table("t.csv") as table:
        read(table)


def test_a_gzipped_cell_without_end_is_not_held(monkeypatch):
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 2**20)
    monkeypatch.setattr(csv, "BLOCK_BYTES", 2**20)
    monkeypatch.setattr(csv, "LONGEST_CELL", 4 * 2**20)
    with gzip.open("t.csv", "wb", compresslevel=1) as stream:
        stream.write(b"a,b\n1,x\n2,")
        for _ in range(64):
            stream.write(b"y" * 2**20)
    taken = [0]

    class Counted(io.BytesIO):
        def read(self, size=-1):
            data = super().read(size)
            taken[0] += len(data)
            return data

    with open_table("t.csv") as table:
        content = Counted(b"2," + b"y" * (64 * 2**20))
        with pytest.raises(InputError, match="line 2 is longer than 1 MB"):
            list(table.blocks(content))
        assert taken[0] <= 6 * 2**20
    for read in (typed, batches):
        with open_table("t.csv") as table, pytest.raises(InputError, match="is longer than 1 MB"):
            read(table)


class Full(io.BytesIO):
    """A file on a disk that is full."""

    mode, name = "w+b", "full"

    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_temporary_folder_is_named(monkeypatch):
    Path("t.csv").write_bytes(b"a,b\n" + b"1,2\n" * 200)
    pq.write_table(pa.table({"a": range(9)}), "t.parquet")
    Path("t.parquet.gz").write_bytes(gzip.compress(Path("t.parquet").read_bytes()))
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 100)
    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/scratch")

    def read_csv():
        with open_table("t.csv") as table:
            typed(table)

    def read_parquet():
        with open_table("t.parquet.gz"):
            pass

    for name, read in (("t.csv", read_csv), ("t.parquet.gz", read_parquet)):
        with pytest.raises(OSError, match="full") as caught:
            read()
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.strerror == (
            f"{name!r} is kept in a temporary file meanwhile, and '/scratch' is full; make room "
            "there, or set TMPDIR to a folder that has it"
        )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("read", [typed, batches])
def test_a_row_of_another_length_that_is_no_text_is_named(read):
    Path("t.csv").write_bytes(b"a,b\n1,2\n3,4,\x8a\xff\n5,6\n")
    utf8 = TableOptions(encoding="utf-8")
    with open_table("t.csv", utf8) as table, pytest.raises(InputError) as caught:
        read(table)
    assert str(caught.value) == (
        "'t.csv': row 1 (line 3) has 3 cells, expected 2: '3,4,\ufffd\ufffd'."
    )
