import numpy as np
import pytest

from dagmm._core.errors import ArgumentError
from dagmm.preprocessing.windows.length import WindowLength


def refused(message, *arguments):
    with pytest.raises(ArgumentError) as caught:
        WindowLength.of(*arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("window", [1, 0, -3, 2.5, True, None, ["60s"]])
def test_what_is_no_length_is_refused(window):
    message = (
        "window must be an int >= 2, a number of rows, a duration such as '60s' or '10 min', or "
        f"'auto', got {window!r}."
    )
    refused(message, window, 1, "t", None)


@pytest.mark.parametrize("window", ["", "60", "s", "-5s", "0s", "1 fortnight"])
def test_a_text_that_is_no_duration_is_refused(window):
    message = f"window must be a duration > 0 such as '1s', '10 min' or '1 h', got {window!r}."
    refused(message, window, 1, "t", None)


def test_a_window_needs_a_time_and_a_whole_step():
    message = (
        "window needs time, the column that says when a row was measured; pass time='...' as well."
    )
    refused(message, 10, 1, None, None)
    refused("step must be an int >= 1, got 0.", 10, 0, "t", None)


def test_rows_are_rows_whatever_the_clock_says():
    length = WindowLength.of(np.int64(7), 3, "t", "g")
    assert length.n_steps(0.0) == 7
    assert (length.time, length.group, length.step) == ("t", "g", 3)


@pytest.mark.parametrize(
    ("window", "interval", "rows"),
    [("60s", 1.0, 60), ("1 min", 7.0, 9), ("500 ms", 0.1, 5), ("1.5h", 600.0, 9)],
)
def test_a_duration_becomes_rows_by_the_interval(window, interval, rows):
    assert WindowLength.of(window, 1, "t", None).n_steps(interval) == rows


def test_a_duration_that_is_too_short_or_has_no_clock_is_refused():
    length = WindowLength.of("10s", 1, "t", None)
    with pytest.raises(ArgumentError) as caught:
        length.n_steps(60.0)
    assert str(caught.value) == (
        "window must hold at least 2 rows, but '10s' holds 0 at the median interval of 60 s from "
        "one row to the next; give a longer one."
    )
    with pytest.raises(ArgumentError) as caught:
        length.n_steps(0.0)
    assert str(caught.value) == (
        "window is '10s', but the median time from one row to the next is 0 s in column 't'; give "
        "window as a number of rows, or name the column of the asset in group where rows of "
        "several are mixed."
    )
