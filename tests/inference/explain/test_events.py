"""Events of a table: where they begin and end, and which columns moved first."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dagmm import ArgumentError
from dagmm.inference.calibration.dependence import runs_of
from small_fits import TINY, tiny_detector, tiny_window_config

COLUMNS = ("a", "b", "c", "d")
START = datetime(2026, 3, 9)


def table(n, seed=0, dates=False):
    """Columns in pairs that move together: a with b, c with d."""
    rng = np.random.default_rng(seed)
    cause = rng.normal(size=(n, 2))
    values = np.repeat(cause, 2, axis=1) + 0.1 * rng.normal(size=(n, 4))
    clock = [START + timedelta(minutes=i) for i in range(n)] if dates else np.arange(n) * 60.0
    return pd.DataFrame(values, columns=list(COLUMNS)).assign(t=clock)


def with_a_fault(n=200, at=100, **arguments):
    """First c moves away, 6 rows later a and b together, each as its pair would have it."""
    broken = table(n, 1, **arguments)
    broken.loc[at : at + 39, "c"] += 8.0
    broken.loc[at + 6 : at + 39, ["a", "b"]] += 12.0
    return broken


@pytest.fixture(scope="module")
def rows():
    detector = tiny_detector(time="t", config=TINY).fit(table(400, dates=True))
    return detector.set_threshold(quantile=0.99)


@pytest.fixture(scope="module")
def windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        detector = tiny_detector(time="t", window=4).fit(table(400))
    return detector.set_threshold(quantile=0.99)


@pytest.mark.parametrize("name", ["rows", "windows"])
def test_the_columns_that_move_are_named_in_the_order_in_which_they_do(name, request):
    detector = request.getfixturevalue(name)
    broken = with_a_fault(dates=name == "rows")
    found = detector.events(broken, explain=3)
    event = max(found.events, key=lambda one: one.n_alarms)
    assert event.first_row in range(100, 103)
    rose = {one.column: one.row for one in event.movers}
    assert event.movers[0].column == "c"
    assert abs(rose["c"] - 100) <= 1
    # Together a and b are as usual to each other, but far beyond their normal values.
    assert set(rose) == {"a", "b", "c"}
    assert abs(rose["a"] - 106) <= 2
    assert abs(rose["b"] - 106) <= 2
    deviation = table(400)["a"].std()
    beyond = {one.column: one.beyond for one in event.movers}
    assert beyond["a"] == pytest.approx(12.0 / deviation, abs=1.5)
    assert sum(one.share for one in event.movers) <= 1.0 + 1e-9


def test_events_are_those_of_the_alarms(windows):
    broken = with_a_fault()
    alarm, energy = windows.alarm(broken), windows.energy(broken)
    runs = runs_of(np.flatnonzero(alarm), 3)
    found = windows.events(broken, gap=3, explain=0)
    assert (len(found), found.n_events, found.n_alarms) == (len(runs), len(runs), alarm.sum())
    for event, run in zip(found.events, runs, strict=True):
        assert (event.first_row, event.last_row, event.n_alarms) == (run[0], run[-1], len(run))
        assert event.row == run[np.argmax(energy[run])]
        assert event.energy == energy[event.row]
        assert (event.first_time, event.last_time) == (60.0 * run[0], 60.0 * run[-1])
        assert event.movers == ()
    strangest = max(found.events, key=lambda one: one.energy)
    assert windows.events(broken, gap=3, explain=0, most=1).events == (strangest,)


def test_of_rows_by_themselves_a_table_of_events_has_dates(rows):
    made = rows.events(with_a_fault(dates=True), explain=2).to_table()
    assert made.schema.field("first_time").type == pa.timestamp("ms")
    assert made.schema.field("rose_time_2").type == pa.timestamp("ms")
    for event in made.to_pylist():
        assert event["first_time"] == START + timedelta(minutes=event["first_row"])
        assert event["rose_time_1"] == START + timedelta(minutes=event["rose_row_1"])
        assert event["column_1"] in COLUMNS
    assert made.column_names[-6:] == [
        *("column_2", "share_2", "contribution_2", "beyond_2", "rose_row_2", "rose_time_2")
    ]


def test_a_notebook_shows_events(rows):
    html = rows.events(with_a_fault(dates=True), explain=1)._repr_html_()
    assert "<td>c</td>" in html


@pytest.fixture
def moved(windows):
    """The detector of windows, whose threshold may be moved."""
    before = windows.model_
    yield windows
    windows.model_ = before


def test_events_follow_the_alarm_logic(moved):
    broken, level = with_a_fault(), 2.0 * moved.model_.threshold
    plain = moved.set_threshold(energy=level).events(broken, explain=0)
    first = max(plain.events, key=lambda one: one.n_alarms).first_row
    moved.set_threshold(energy=level, k_of_n=(5, 5), hold=60)
    (event,) = moved.events(broken, explain=0).events
    assert (event.first_row, event.n_alarms) == (first + 4, 60)


def test_a_table_without_alarms_has_no_events(moved):
    found = moved.set_threshold(energy=1e9).events(with_a_fault())
    assert (found.events, found.n_events, len(found)) == ((), 0, 0)
    assert found.to_table().num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gap": -1}, "gap must be an int >= 0, got -1."),
        ({"explain": 1.5}, "explain must be an int >= 0, got 1.5."),
        ({"most": 0}, "most must be an int >= 1, got 0."),
    ],
)
def test_what_cannot_be_used_is_refused(windows, arguments, message):
    with pytest.raises(ArgumentError) as caught:
        windows.events(table(20), **arguments)
    assert str(caught.value) == message
