"""Rows that are read anew for each pass: the same chunks as in memory, and what is refused."""

import gc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as arrow_dataset
import pyarrow.parquet as pq
import pytest

from dagmm._core.errors import InputError
from dagmm.data.base import CHUNK_ROWS
from dagmm.data.convert import as_rows
from dagmm.data.paths import stored_rows
from dagmm.data.streams import StreamRows

N_ROWS = CHUNK_ROWS + 321


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def table(n_rows=N_ROWS):
    rng = np.random.default_rng(0)
    holes = rng.random(n_rows) < 0.1
    days = np.datetime64("2024-01-01", "s") + rng.integers(0, 10**6, n_rows)
    return pa.table(
        {
            "number": pa.array(rng.normal(size=n_rows), mask=holes),
            "small": pa.array(rng.normal(size=n_rows), pa.float32()),
            "integer": pa.array(rng.integers(-(2**60), 2**60, n_rows), mask=holes),
            "bool": pa.array(rng.random(n_rows) < 0.5, mask=holes),
            "text": pa.array(rng.choice(["a", "b", ""], n_rows), mask=holes),
            "category": pa.array(rng.choice(["x", "y"], n_rows)).dictionary_encode(),
            "date": pa.array(days, pa.timestamp("us", "Asia/Tokyo"), mask=holes),
            "duration": pa.array(rng.integers(0, 99, n_rows), pa.duration("ms")),
            "decimal": pa.array([1] * n_rows, pa.decimal128(5, 2)),
            "empty": pa.nulls(n_rows),
        }
    )


def same_chunk(one, two):
    assert (one.names, one.start, one.n_rows) == (two.names, two.start, two.n_rows)
    assert [one.kind(name) for name in one.names] == [two.kind(name) for name in two.names]
    numbers = ("number", "small", "integer", "bool", "duration", "decimal", "empty")
    np.testing.assert_array_equal(one.numbers(numbers), two.numbers(numbers))
    np.testing.assert_array_equal(one.integers("integer"), two.integers("integer"))
    for name in ("text", "category", "integer", "number", "bool"):
        assert one.text(name).equals(two.text(name))
    assert one.dates("date").equals(two.dates("date"))
    np.testing.assert_array_equal(one.instants("date"), two.instants("date"))


def sources(whole):
    Path("folder").mkdir()
    pq.write_table(whole, "t.parquet", row_group_size=5000)
    pq.write_table(whole.slice(0, 7), "folder/a.parquet")
    pq.write_table(whole.slice(7, 0), "folder/b.parquet")
    pq.write_table(whole.slice(7), "folder/c.parquet")
    Path("folder/_SUCCESS").touch()
    Path("folder/.hidden.parquet").touch()
    return ["t.parquet", "folder", arrow_dataset.dataset("folder", exclude_invalid_files=True)]


@pytest.mark.parametrize("size", [1000, CHUNK_ROWS, 10**6])
def test_chunks_are_those_of_the_table_in_memory(size):
    whole = table()
    for source in sources(whole):
        rows = stored_rows(source)
        assert isinstance(rows, StreamRows)
        assert (rows.names, rows.n_rows) == (tuple(whole.column_names), N_ROWS)
        expected = list(as_rows(whole).chunks(size))
        for _ in range(2):  # as often as wanted
            for one, two in zip(rows.chunks(size), expected, strict=True):
                same_chunk(one, two)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 12), (CHUNK_ROWS - 1, N_ROWS), (9, 9)])
def test_any_rows_can_be_read(start, stop):
    whole = table()
    for source in sources(whole):
        same_chunk(stored_rows(source).chunk(start, stop), as_rows(whole).chunk(start, stop))


def test_some_rows_of_a_chunk_can_be_taken():
    chunk = as_rows(table(50)).chunk(0, 50)
    index = np.array([3, 7, 40])
    taken = chunk.take(index)
    assert taken.n_rows == 3
    np.testing.assert_array_equal(taken.numbers(("small",)), chunk.numbers(("small",))[index])
    assert taken.text("text").equals(chunk.text("text").take(pa.array(index)))


def test_short_ways_of_arrow_columns_end_where_others_do():
    pandas = table(200).drop_columns(["empty", "decimal", "duration", "category"]).to_pandas()
    numbers = ("number", "small", "bool")
    one = as_rows(pa.Table.from_pandas(pandas)).chunk(10, 90)
    two = as_rows(pandas.convert_dtypes(dtype_backend="pyarrow")).chunk(10, 90)
    np.testing.assert_array_equal(one.numbers(numbers), two.numbers(numbers))
    assert one.text("text").equals(two.text("text"))
    assert one.dates("date").equals(two.dates("date"))


def test_fewer_columns_can_be_read_when_the_whole_is_gone():
    pq.write_table(table(20), "t.parquet")
    rows = stored_rows("t.parquet")
    fewer = rows.only(("number",))
    del rows
    gc.collect()
    assert fewer.read().num_rows == 20


def test_some_rows_are_a_table_of_their_own():
    whole = table()
    keep = np.random.default_rng(1).random(N_ROWS) < 0.7
    expected = as_rows(whole.filter(pa.array(keep)))
    held = as_rows(whole).where(keep)
    for some in (*(stored_rows(source).where(keep) for source in sources(whole)), held):
        assert (some.names, some.n_rows) == (tuple(whole.column_names), int(keep.sum()))
        for one, two in zip(some.chunks(1000), expected.chunks(1000), strict=True):
            same_chunk(one, two)
    pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    numbers = whole.select(["number"])
    for frame in (numbers.to_pandas().set_index(np.arange(N_ROWS) % 7), pl.from_arrow(numbers)):
        some = as_rows(frame).where(keep).chunk(0, int(keep.sum()))
        np.testing.assert_array_equal(
            some.numbers(("number",)), expected.chunk(0, int(keep.sum())).numbers(("number",))
        )


def test_rows_that_came_since_are_found_out_among_some_too():
    pq.write_table(table(30), "t.parquet")
    some = stored_rows("t.parquet").where(np.arange(20) < 10)
    with pytest.raises(InputError, match="had 10 rows when it was opened and has 20 now"):
        list(some.chunks())


def test_a_dataset_brings_the_columns_of_its_partitions():
    for day, n_rows in (("1", 3), ("2", 4)):
        Path(f"folder/day={day}").mkdir(parents=True)
        pq.write_table(pa.table({"a": np.arange(n_rows)}), f"folder/day={day}/x.parquet")
    rows = stored_rows(arrow_dataset.dataset("folder", partitioning="hive"))
    assert rows.names == ("a", "day")
    assert rows.read().to_pydict() == {"a": [0, 1, 2, 0, 1, 2, 3], "day": [1] * 3 + [2] * 4}


def test_a_dataset_that_cannot_be_read_says_why():
    Path("folder").mkdir()
    pq.write_table(table(50), "folder/1.parquet")
    dataset = arrow_dataset.dataset("folder")
    Path("folder/1.parquet").unlink()
    with pytest.raises(InputError) as caught:
        stored_rows(dataset)
    assert str(caught.value).startswith("the dataset cannot be read (")
