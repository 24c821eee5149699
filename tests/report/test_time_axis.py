import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagmm import InputError
from dagmm.data.convert import as_rows
from dagmm.preprocessing.windows.clock import axis_times_of
from dagmm.report.time_axis import TimeTracker, date_ticks

DAY = 86400.0
START = 1767571200.0  # 2026-01-05, a Monday


def chunk(values):
    rows = as_rows(pa.table({"t": values}))
    return rows.chunk(0, rows.n_rows)


def test_times_of_dates_texts_and_numbers():
    dates = pd.date_range("2026-01-05 00:00:30", periods=3, freq="1min").to_list()
    expected = np.array([30.0, 90.0, 150.0]) + pd.Timestamp("2026-01-05").timestamp()
    for values in (pa.array(dates), pa.array([str(date) for date in dates])):
        times, are_dates = axis_times_of(chunk(values), "t")
        np.testing.assert_array_equal(times, expected)
        assert are_dates
    for values in (pa.array([1.5, None]), pa.array(["1.5", None])):
        times, are_dates = axis_times_of(chunk(values), "t")
        np.testing.assert_array_equal(times, [1.5, np.nan])
        assert not are_dates
    assert axis_times_of(chunk(pa.array([None], pa.string())), "t")[1]
    with pytest.raises(InputError, match=r"^column 't', row 0: expected a date .* time axis\.$"):
        axis_times_of(chunk(pa.array(["soon"])), "t")


def test_step_gap_and_order_are_found_across_parts():
    times = np.concatenate([np.arange(50.0), np.arange(60.0, 100.0)]) * 60.0
    tracker = TimeTracker("t")
    for part in np.array_split(times, 7):
        tracker.add(None, part)
    found = tracker.finish()
    assert (found.first, found.last) == (0.0, 99.0 * 60.0)
    assert (found.step, found.longest_step, found.is_ascending) == (60.0, 660.0, True)
    tracker.add(None, np.array([10.0]))
    assert not tracker.finish().is_ascending


def test_each_asset_has_times_of_its_own():
    tracker = TimeTracker("t")
    for start in (0.0, 10.0, 20.0):
        for name in "ab":
            tracker.add(name, start + np.arange(10.0))
    found = tracker.finish()
    assert (found.step, found.longest_step, found.is_ascending) == (1.0, 1.0, True)


@pytest.mark.parametrize("times", [[], [np.nan], [3.0]])
def test_few_times_have_no_step(times):
    tracker = TimeTracker("t")
    tracker.add(None, np.array(times))
    found = tracker.finish()
    assert (found.step, found.longest_step) == (None, None)
    assert found.first == found.last == (3.0 if times == [3.0] else None)


def test_times_that_stay_have_no_step():
    tracker = TimeTracker("t")
    tracker.add(None, np.zeros(5))
    assert tracker.finish().step is None


@given(st.floats(-3e9, 6e9), st.floats(2.0, 4e9))
def test_ticks_rise_lie_between_the_ends_and_are_few(first, span):
    ticks, names, _ = date_ticks(first, first + span)
    assert len(ticks) == len(names) <= 9
    assert (np.diff(ticks) > 0.0).all()
    assert all(first <= tick <= first + span for tick in ticks)


@pytest.mark.parametrize(
    ("seconds", "names", "below"),
    [
        (5.0, ["01-05", "00:00:01", "00:00:02"], "2026"),
        (240.0, ["01-05", "00:01", "00:02"], "2026"),
        (1.4 * DAY, ["01-05", "06:00", "12:00"], "2026"),
        (20 * DAY, ["01-07", "01-12", "01-17"], "2026"),
        (150 * DAY, ["2026-02", "2026-03", "2026-04"], ""),
        (900 * DAY, ["2026-07", "2027-01", "2027-07"], ""),
        (20_000 * DAY, ["2030", "2040", "2050"], ""),
    ],
)
def test_times_are_written_as_dates(seconds, names, below):
    _, found, said = date_ticks(START, START + seconds)
    assert (found[:3], said) == (names, below)


def test_the_day_is_named_below_where_no_tick_names_it():
    ticks, names, below = date_ticks(START + 0.41 * DAY, START + 0.49 * DAY)
    assert (names, below) == (["10:00", "10:30", "11:00", "11:30"], "2026-01-05")
    assert ticks[0] == START + 10 * 3600.0


def test_an_axis_too_short_for_a_tick_has_none():
    assert date_ticks(START + 0.2, START + 0.4) == ([], [], "")
