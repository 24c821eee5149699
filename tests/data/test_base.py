"""What every table can do, wherever its rows lie."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagmm._core.progress import Progress
from dagmm.data.base import text_of_column, text_of_numbers
from dagmm.data.convert import as_rows
from dagmm.data.image_folder import ImageFolder

VALUES = {"a": np.arange(10.0), "b": np.arange(10.0) ** 2}


class Noted(Progress):
    def __init__(self):
        self.said = []

    def advance(self, done, note=""):
        self.said.append((done, note))


def folder_of_images():
    from PIL import Image

    Path("images").mkdir()
    for i in range(10):
        Image.fromarray(np.full((8, 9), i, np.uint8)).save(f"images/{i}.png")
    return ImageFolder("images")


def file():
    pq.write_table(pa.table(VALUES), "t.parquet", row_group_size=3)
    return "t.parquet"


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.zeros((10, 2)),
        lambda: pd.DataFrame(VALUES),
        lambda: pl.DataFrame(VALUES),
        lambda: pa.table(VALUES),
        file,
        lambda: np.zeros((10, 8, 9), np.uint8),
        folder_of_images,
    ],
    ids=["array", "pandas", "polars", "arrow", "file", "images", "image files"],
)
def test_progress_is_told_how_many_rows_have_been_read(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows, progress = as_rows(make()), Noted()
    chunks = rows.chunks(4, progress)
    assert next(chunks).n_rows == 4
    assert progress.said == [(4, "4 rows")]
    assert [chunk.n_rows for chunk in chunks] == [4, 2]
    assert progress.said == [(4, "4 rows"), (8, "8 rows"), (10, "10 rows")]


def test_numbers_are_written_the_shortest_way():
    values = [80.0, -0.5, np.nan, 2.0**53, 1e300, -3.0]
    expected = ["80", "-0.5", None, "9.007199254740992e+15", "1e+300", "-3"]
    assert text_of_numbers(np.array(values)).to_pylist() == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1.0, 2.5, None]), ["1", "2.5", None]),
        (pa.array([1, 2, None]), ["1", "2", None]),
        (pa.array([1, 2, None], pa.decimal128(5, 2)), ["1", "2", None]),
        (pa.array([True, None]), ["true", None]),
        (pa.array(["a", "", None]), ["a", None, None]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
    ],
    ids=["floats", "integers", "decimals", "booleans", "texts", "categories"],
)
def test_a_column_is_the_same_text_in_any_type(column, expected):
    assert text_of_column(column).to_pylist() == expected
