import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.errors import InputError
from dagmm.data.convert import as_rows
from dagmm.training.presets.held_out import FEWEST_ROWS
from dagmm.training.splits.time_blocks import N_BLOCKS, TimeOrder
from dagmm.training.splits.window_folds import QUARTERS


def table(n_rows, seed=0):
    """Rows of two pumps in any order, each measured once a second."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "second": np.concatenate([np.arange(n_rows // 2), np.arange(n_rows - n_rows // 2)]),
            "pump": ["a"] * (n_rows // 2) + ["b"] * (n_rows - n_rows // 2),
            "flow": rng.normal(size=n_rows),
        }
    )
    return frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)


def test_times_and_assets_are_those_of_the_table():
    frame = table(101)
    found = TimeOrder.of(as_rows(frame), "second", "pump")
    np.testing.assert_array_equal(found.time, frame["second"])
    # Assets are numbered as they come.
    first = frame["pump"].iloc[0]
    np.testing.assert_array_equal(found.asset, frame["pump"] != first)


def test_without_a_group_all_rows_are_of_one_asset():
    found = TimeOrder.of(as_rows(table(50).drop(columns="pump")), "second", None)
    assert not found.asset.any()


def test_rows_without_time_or_asset_are_not_lost():
    frame = pa.table({"t": [3.0, None, 1.0, 2.0], "pump": ["a", "a", None, "a"]})
    found = TimeOrder.of(as_rows(frame), "t", "pump")
    np.testing.assert_array_equal(found.time, [3.0, np.nan, 1.0, 2.0])
    assert found.asset.tolist() == [0, 0, 1, 0]


def test_a_row_without_a_time_comes_last():
    time = np.arange(40.0)
    time[3] = np.nan
    folds = TimeOrder(np.zeros(40, np.int64), time).folds(1)
    assert folds.held_out[0].tolist() == [3, *range(31, 40)]


def test_dates_as_text_are_read_and_others_refused():
    days = pa.table({"t": ["2026-03-09 10:14", "2026-03-08 23:00"]})
    assert np.diff(TimeOrder.of(as_rows(days), "t", None).time) == [-(11 * 60 + 14) * 60.0]
    with pytest.raises(InputError, match="column 't'"):
        TimeOrder.of(as_rows(pa.table({"t": ["yesterday", "today"]})), "t", None)


def test_each_network_leaves_out_a_quarter_of_each_assets_time():
    frame = table(400)
    folds = TimeOrder.of(as_rows(frame), "second", "pump").folds(4)
    for i, quarter in enumerate(QUARTERS):
        second = frame["second"].to_numpy()
        np.testing.assert_array_equal(folds.held_out[i], np.flatnonzero(second // 50 == quarter))
        together = np.concatenate([folds.held_out[i], folds.fitted[i]])
        np.testing.assert_array_equal(np.sort(together), np.arange(400))


def test_of_few_rows_none_are_left_out():
    assert TimeOrder.of(as_rows(table(FEWEST_ROWS - 1)), "second", "pump").folds(4) is None
    assert TimeOrder.of(as_rows(table(FEWEST_ROWS)), "second", "pump").folds(4) is not None


@pytest.mark.parametrize(("n_assets", "leaves_out"), [(100, True), (101, False), (400, False)])
def test_of_assets_with_hardly_a_row_each_none_are_left_out_in_time(n_assets, leaves_out):
    frame = pa.table({"t": np.arange(400.0), "pump": np.arange(400) % n_assets})
    folds = TimeOrder.of(as_rows(frame), "t", "pump").folds(4)
    assert (folds is not None) == leaves_out


@settings(deadline=None, derandomize=True, max_examples=50)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=30), n_members=st.integers(1, 6))
def test_whatever_assets_there_are_networks_are_fitted_to_half_of_the_rows(sizes, n_members):
    asset = np.repeat(np.arange(len(sizes)), sizes)
    folds = TimeOrder(asset, np.arange(float(len(asset)))).folds(n_members)
    if folds is None:
        assert len(asset) < max(FEWEST_ROWS, 4 * len(sizes))
        return
    assert folds.groups()
    assert 2 * folds.n_fitted >= len(asset)


@pytest.mark.parametrize(("n_rows", "n_held"), [(10_000, 1000), (12_345, 1234)])
def test_stretches_lie_evenly_over_the_time(n_rows, n_held):
    frame = table(n_rows).drop(columns="pump").assign(second=lambda f: f.index[::-1])
    held = TimeOrder.of(as_rows(frame), "second", None).blocks(n_held)
    second = np.sort(frame["second"].to_numpy()[held])
    assert len(second) == len(np.unique(second)) == n_held
    assert second[-1] == n_rows - 1
    begins = np.flatnonzero(np.diff(second, prepend=-2) > 1)
    assert len(begins) == N_BLOCKS
    np.testing.assert_allclose(np.diff(second[begins]), n_rows / N_BLOCKS, atol=2)


def test_stretches_hold_out_a_part_of_each_asset_and_none_whole():
    pump, second = np.divmod(np.arange(10_000), 100)
    held = TimeOrder(pump, second.astype(np.float64)).blocks(1000)
    assert set(np.bincount(pump[held], minlength=100)) == {10}
