"""Folders of Parquet files as one table, and what is refused of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagmm._core.errors import InputError
from dagmm.data.paths import stored_rows


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_column_may_be_without_a_type_in_some_files():
    Path("folder").mkdir()
    empty = pa.table({"a": pa.nulls(3), "b": [1, 2, 3]})
    pq.write_table(empty, "folder/1.parquet")
    pq.write_table(pa.table({"b": [4], "a": ["x"]}), "folder/2.parquet")
    pq.write_table(empty, "folder/3.parquet")
    read = stored_rows("folder").read()
    assert read.to_pydict() == {"a": [None] * 3 + ["x"] + [None] * 3, "b": [1, 2, 3, 4, 1, 2, 3]}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            {"a": [1.5], "b": [1]},
            "'folder/2.parquet': column 'a' has type double, but int64 in the files before it; "
            "expected the same types in all files.",
        ),
        (
            {"a": [1]},
            "'folder/2.parquet' has no column 'b', which 'folder/1.parquet' has; expected the "
            "same columns in all files.",
        ),
        (
            {"a": [1], "b": [1], "c": [1]},
            "'folder/2.parquet' has a column 'c', which 'folder/1.parquet' has not; expected "
            "the same columns in all files.",
        ),
    ],
)
def test_files_of_a_folder_must_agree(second, message):
    Path("folder").mkdir()
    pq.write_table(pa.table({"a": [1], "b": [1]}), "folder/1.parquet")
    pq.write_table(pa.table(second), "folder/2.parquet")
    with pytest.raises(InputError) as caught:
        stored_rows("folder")
    assert str(caught.value) == message


def test_a_damaged_file_is_named():
    Path("folder").mkdir()
    pq.write_table(pa.table({"a": np.arange(50)}), "folder/1.parquet")
    Path("folder/2.parquet").write_bytes(Path("folder/1.parquet").read_bytes()[:-100])
    with pytest.raises(InputError) as caught:
        stored_rows("folder")
    start, reason = str(caught.value).split(" (", 1)
    assert start == "'folder/2.parquet' is not a whole Parquet file"
    assert reason.endswith("); copy it again.")


def test_a_folder_of_files_without_rows_is_refused():
    Path("folder").mkdir()
    pq.write_table(pa.table({"a": np.arange(0)}), "folder/1.parquet")
    with pytest.raises(InputError) as caught:
        stored_rows("folder")
    assert str(caught.value) == "'folder' has no rows; expected at least 1 row."
