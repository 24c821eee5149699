"""The oracle: for each row, its asset's rows up to it, without those before a gap."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.errors import InputError
from dagmm.data.convert import as_rows
from dagmm.preprocessing.windows.buffer import WindowBuffer
from dagmm.preprocessing.windows.features import rows_of_windows

FEW = settings(max_examples=100, derandomize=True, deadline=None)
N_STEPS, GAP = 3, 2.0


@st.composite
def tables(draw):
    n = draw(st.integers(1, 25))
    asset = draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    steps = draw(st.lists(st.sampled_from([0.0, 1.0, 5.0]), min_size=n, max_size=n))
    return pa.table({"t": np.cumsum(steps), "g": asset, "x": np.arange(n, dtype=np.float64)})


def windows_in(table, chunk_sizes, group="g"):
    """Rows of each row's window, made chunk by chunk."""
    buffer, rows = WindowBuffer("t", group, N_STEPS, GAP), as_rows(table)
    found, start = [], 0
    for size in chunk_sizes:
        chunk = rows.chunk(start, min(start + size, rows.n_rows))
        features = chunk.numbers(("x",)).astype(np.float32)
        gathered = buffer.extend(chunk, features)
        at, known = rows_of_windows(gathered.ends, gathered.first, N_STEPS)
        for places, n in zip(at, known, strict=True):
            found.append(gathered.rows[places, 0][-n:].astype(int).tolist())
        start += size
    return found


def oracle(table):
    asset, time = table["g"].to_pylist(), table["t"].to_pylist()
    found = []
    for i in range(table.num_rows):
        window, now = [i], time[i]
        for j in range(i - 1, -1, -1):
            if asset[j] != asset[i]:
                continue
            if now - time[j] > GAP or len(window) == N_STEPS:
                break
            window, now = [j, *window], time[j]
        found.append(window)
    return found


@FEW
@given(tables(), st.lists(st.integers(1, 9), min_size=25, max_size=25))
def test_windows_reach_across_chunks_and_not_across_gaps_or_assets(table, sizes):
    n, sizes_used, start = table.num_rows, [], 0
    for size in sizes:
        if start < n:
            sizes_used.append(size)
            start += size
    expected = oracle(table)
    assert windows_in(table, sizes_used) == expected
    assert windows_in(table, [n]) == expected
    assert windows_in(table, [1] * n) == expected


def test_no_rows_change_nothing():
    table = pa.table({"t": [0.0, 1.0], "g": ["a", "a"], "x": [0.0, 1.0]})
    buffer, rows = WindowBuffer("t", None, N_STEPS, GAP), as_rows(table)
    empty = buffer.extend(rows.chunk(0, 0), np.empty((0, 1), np.float32))
    assert len(empty.ends) == 0
    features = np.zeros((2, 1), np.float32)
    assert buffer.extend(rows.chunk(0, 2), features).first.tolist() == [0, 0]


@pytest.mark.parametrize("bad", [[3.0, 2.0], [np.nan, 5.0], [1.0, 9.0]])
def test_rows_that_are_refused_change_nothing(bad):
    def chunk_of(times):
        return as_rows(pa.table({"t": times})).chunk(0, len(times))

    buffer = WindowBuffer("t", None, N_STEPS, GAP)
    one = np.ones((2, 1), np.float32)
    buffer.extend(chunk_of([1.0, 2.0]), one)
    with pytest.raises(InputError):
        buffer.extend(chunk_of(bad), one)
    gathered = buffer.extend(chunk_of([2.0, 3.0]), 2.0 * one)
    assert gathered.rows[:, 0].tolist() == [1.0, 1.0, 2.0, 2.0]


def test_only_a_window_less_one_row_of_each_asset_is_kept():
    n = 1000
    table = pa.table({"t": np.arange(n) * 1.0, "g": ["a", "b"] * (n // 2), "x": np.zeros(n)})
    buffer = WindowBuffer("t", "g", 5, 10.0)
    features = np.zeros((n, 1), np.float32)
    buffer.extend(as_rows(table).chunk(0, n), features)
    one = as_rows(pa.table({"t": [1e4, 1e4], "g": ["a", "b"]}))
    gathered = buffer.extend(one.chunk(0, 2), features[:2])
    assert len(gathered.rows) == 2 * (4 + 1)
    assert gathered.rows.base is None
