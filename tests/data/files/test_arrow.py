"""Arrow files of the file and the stream format, whoever wrote them."""

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from dagmm._core.errors import InputError
from dagmm.data.convert import as_rows
from dagmm.data.files import base
from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_table
from dagmm.data.paths import stored_rows

COLUMNS = {"a": [1.5, None, 3.5], "b": ["x", "y", None], "c": ["u", "v", "u"]}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def table():
    made = pa.table(COLUMNS)
    return made.set_column(2, "c", made["c"].combine_chunks().dictionary_encode())


def by_feather(path):
    feather.write_feather(table(), path)


def by_feather_with_zstd(path):
    feather.write_feather(table(), path, compression="zstd")


def as_stream(path):
    with pa.ipc.new_stream(path, table().schema) as writer:
        writer.write_table(table(), max_chunksize=2)


def by_polars(path):
    pl.DataFrame(COLUMNS).with_columns(pl.col("c").cast(pl.Categorical)).write_ipc(path)


def by_polars_as_stream(path):
    pl.DataFrame(COLUMNS).with_columns(pl.col("c").cast(pl.Categorical)).write_ipc_stream(path)


WRITERS = [by_feather, by_feather_with_zstd, as_stream, by_polars, by_polars_as_stream]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("how", ["mapped", "gzipped", "piped"])
def test_what_others_have_written_is_read(write, how, monkeypatch):
    write("t.arrow")
    data = Path("t.arrow").read_bytes()
    if how == "gzipped":
        Path("t.arrow").write_bytes(gzip.compress(data))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    with open_table(
        "-" if how == "piped" else "t.arrow", TableOptions(na=("v", "3.50"))
    ) as opened:
        assert opened.description == ("Arrow stream" if "stream" in write.__name__ else "Arrow")
        assert opened.n_rows == 3
        read = opened.read(("c", "a", "b"))
        without_mark = [1.5, None, None]
        assert read.to_pydict() == {"c": ["u", None, "u"], "a": without_mark, "b": COLUMNS["b"]}
        kinds = {"a": "number", "b": "text"}
        batches = [batch for _, batch in opened.batches(kinds)]
    assert pa.concat_tables(batches).to_pydict() == {"a": without_mark, "b": COLUMNS["b"]}


@pytest.mark.parametrize("write", WRITERS)
def test_rows_are_read_anew_for_each_pass(write):
    write("t.feather")
    rows = stored_rows("t.feather")
    for _ in range(2):
        assert rows.read().to_pydict() == COLUMNS
    (chunk,) = rows.chunks()
    assert [chunk.kind(name) for name in "abc"] == ["number", "text", "category"]
    assert chunk.text("c").to_pylist() == COLUMNS["c"]
    assert as_rows("t.feather").n_rows == 3


def test_a_large_batch_is_read_a_few_rows_at_a_time(monkeypatch):
    monkeypatch.setattr(base, "_BATCH_CELLS", 1)
    feather.write_feather(pa.table({"a": range(5000)}), "t.feather", chunksize=5000)
    with open_table("t.feather") as opened:
        starts = [start for start, _ in opened.batches({"a": "number"})]
        assert opened.fraction() == 1.0
    assert starts == [0, 1024, 2048, 3072, 4096]


@pytest.mark.parametrize("write", [by_feather, as_stream])
def test_a_damaged_file_is_named(write):
    write("t.arrow")
    Path("t.arrow").write_bytes(Path("t.arrow").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"^'t\.arrow' is not a whole Arrow file \(.+\); copy it"):
        open_table("t.arrow")


def test_what_is_no_table():
    feather.write_feather(pa.table({"a": pa.array([], "int64")}), "t.feather")
    with pytest.raises(InputError) as caught:
        open_table("t.feather")
    assert str(caught.value) == "'t.feather' has no rows; expected at least 1 row."
    Path("t.feather").write_bytes(b"FEA1....")
    with pytest.raises(InputError) as caught:
        open_table("t.feather")
    assert str(caught.value) == (
        "'t.feather' is a Feather file of the first version, which nobody writes any more; "
        "expected a table."
    )
    feather.write_feather(pa.table([[1], [2]], ["a", "a"]), "t.feather")
    with pytest.raises(InputError) as caught:
        open_table("t.feather")
    assert str(caught.value) == (
        "'t.feather': column 'a' appears 2 times; each column needs a name of its own."
    )
