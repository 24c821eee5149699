import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagmm.report.dates import date_ticks

DAY = 86400.0
START = 1767571200.0  # 2026-01-05, a Monday


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
