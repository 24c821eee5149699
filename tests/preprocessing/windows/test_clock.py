from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.errors import InputError
from dagmm.data.arrays import MatrixRows
from dagmm.data.convert import as_rows
from dagmm.preprocessing.windows.clock import assets_of, check_forward, seconds_in, times_of

MOMENTS = [datetime(2026, 3, 9, 10, 14, 33, 250_000), datetime(2026, 3, 9, 10, 14, 34)]
SECONDS = np.array([m.replace(tzinfo=UTC).timestamp() for m in MOMENTS])


def chunk_of(table, start=0):
    rows = as_rows(table)
    return rows.chunk(start, rows.n_rows)


def refused(message, function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"t": pa.array(MOMENTS, pa.timestamp("ns"))}),
        pa.table({"t": pa.array(MOMENTS, pa.timestamp("us"))}),
        pd.DataFrame({"t": MOMENTS}),
        pl.DataFrame({"t": MOMENTS}),
        pa.table({"t": ["2026-03-09 10:14:33.25", "2026-03-09T10:14:34"]}),
        pa.table({"t": ["2026/03/09 10:14:33.250000", "2026-03-09 10:14:34Z"]}),
        pa.table({"t": SECONDS}),
        pd.DataFrame({"t": SECONDS}),
        pa.table({"t": [f"{second:.3f}" for second in SECONDS]}),
    ],
)
def test_any_clock_is_read_to_fractions_of_a_second(table):
    np.testing.assert_allclose(times_of(chunk_of(table), "t"), SECONDS, rtol=0, atol=1e-6)


def test_a_clock_of_numbers_in_text_runs_backwards_in_numbers():
    chunk = chunk_of(pa.table({"t": ["6.0", "2.0"]}))
    message = (
        "column 't' runs backwards in row 1: 2 comes after 6. Sort the rows by 't', or name the "
        "column of its asset in group."
    )
    arguments = (chunk, "t", None, "", -np.inf, times_of(chunk, "t"), np.arange(2))
    refused(message, check_forward, *arguments)


def test_zones_are_instants_so_that_no_clock_runs_backwards_when_they_change():
    summer, winter = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))
    last = datetime(2025, 10, 26, 2, 59, 59, tzinfo=summer)
    first = datetime(2025, 10, 26, 2, 0, 0, tzinfo=winter)
    written = pa.table({"t": ["2025-10-26 02:59:59+02:00", "2025-10-26 02:00:00.0 +0100"]})
    typed = pa.table({"t": pa.array([last, first], pa.timestamp("us", tz="Europe/Berlin"))})
    for table in (written, typed):
        assert np.diff(times_of(chunk_of(table), "t")) == [1.0]
    west = pa.table({"t": ["2026-01-01 00:00:00-03:30"]})
    expected = datetime(2026, 1, 1, 3, 30, tzinfo=UTC).timestamp()
    assert times_of(chunk_of(west), "t")[0] == expected


def test_arrays_have_clocks_of_numbers():
    chunk = MatrixRows(np.array([[1.5, 9.0], [2.0, 9.0]])).chunk(0, 2)
    np.testing.assert_array_equal(times_of(chunk, "x0"), [1.5, 2.0])


@pytest.mark.parametrize(
    "values", [[1.0, None, 3.0], [1.0, np.nan, 3.0], ["2026-01-01", None, "2026-01-02"]]
)
def test_a_row_without_a_time_is_named(values):
    message = (
        "column 't' has no time in row 1; each row needs one where windows are asked for. Fill "
        "it, or leave the row out."
    )
    refused(message, times_of, chunk_of(pa.table({"t": values})), "t")


def test_a_time_that_cannot_be_read_is_named():
    message = (
        "column 't', row 1: expected a date such as 2024-03-09 10:14:33, got 'noon'; it is the "
        "time axis."
    )
    refused(message, times_of, chunk_of(pa.table({"t": ["2026-01-01", "noon"]})), "t")


def test_assets_are_told_apart_by_any_type():
    table = pd.DataFrame({"g": ["b", "a", "b"], "n": [2, 1, 2], "f": [2.0, 1.0, 2.0]})
    for name, expected in (("g", ["b", "a", "b"]), ("n", ["2", "1", "2"]), ("f", list("212"))):
        names, which = assets_of(chunk_of(table), name)
        assert [names[i] for i in which] == expected
    assert assets_of(chunk_of(table), None)[1].tolist() == [0, 0, 0]


def test_a_row_without_an_asset_is_named():
    message = (
        "column 'g' names no asset in row 2; each row needs one where windows are asked for. Fill "
        "it, or leave the row out."
    )
    refused(message, assets_of, chunk_of(pa.table({"g": ["a", "b", None]})), "g")


def test_a_clock_that_runs_backwards_is_named_with_both_times():
    table = pa.table({"t": ["2026-01-01 00:00:05", "2026-01-01 00:00:04.5"]})
    chunk, places = chunk_of(table), np.arange(2)
    times = times_of(chunk, "t")
    message = (
        "column 't' runs backwards in row 1: 2026-01-01 00:00:04.500000 comes after 2026-01-01 "
        "00:00:05. Sort the rows by 't', or name the column of its asset in group."
    )
    refused(message, check_forward, chunk, "t", None, "", -np.inf, times, places)
    message = (
        "column 't' runs backwards in row 0 for pump 'b': 2026-01-01 00:00:05 comes after "
        "2026-01-01 00:00:06. Sort the rows by 't', asset by asset."
    )
    later = times[:1] + 1.0
    refused(message, check_forward, chunk, "t", "pump", "b", later[0], times[:1], places[:1])
    numbers = chunk_of(pa.table({"t": [0.1, 0.3, 0.2]}))
    message = (
        "column 't' runs backwards in row 2: 0.2 comes after 0.3. Sort the rows by 't', or name "
        "the column of its asset in group."
    )
    times = times_of(numbers, "t")
    refused(message, check_forward, numbers, "t", None, "", -np.inf, times, np.arange(3))


def test_equal_times_do_not_run_backwards():
    chunk = chunk_of(pa.table({"t": [1.0, 1.0, 2.0]}))
    check_forward(chunk, "t", None, "", 1.0, times_of(chunk, "t"), np.arange(3))


@pytest.mark.parametrize("per_second", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("as_text", [False, True])
def test_epochs_are_told_by_their_magnitude(per_second, as_text):
    ticks = [1583077446 * per_second + i * per_second for i in range(3)]
    table = pa.table({"t": list(map(str, ticks)) if as_text else ticks})
    np.testing.assert_allclose(
        times_of(chunk_of(table), "t"), 1583077446.0 + np.arange(3), rtol=0, atol=1e-3
    )


@pytest.mark.parametrize("as_text", [False, True])
def test_digits_of_a_date_are_a_date(as_text):
    digits = [20200301154406, 20200301154407, 20200301160000]
    table = pa.table({"t": list(map(str, digits)) if as_text else digits})
    seconds = 1583077446.0 + np.array([0.0, 1.0, 954.0])
    np.testing.assert_array_equal(times_of(chunk_of(table), "t"), seconds)
    (minutes,) = times_of(chunk_of(pa.table({"t": [202003011544]})), "t")
    assert minutes == 1583077440.0


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e20), min_size=1))
def test_each_time_is_judged_by_itself(numbers):
    whole = seconds_in(np.array(numbers))
    alone = np.concatenate([seconds_in(np.array([number])) for number in numbers])
    np.testing.assert_array_equal(whole, alone)


def test_numbers_that_count_from_anywhere_stay_as_they_are():
    numbers = np.array([0.0, 5.5, 1.6e9, 3.0e10, 20200301.0, np.nan])
    np.testing.assert_array_equal(seconds_in(numbers), numbers)


@pytest.mark.parametrize("day", ["01.03.2020", "2020年03月01日"])
def test_no_part_of_a_date_is_a_fraction_of_a_second(day):
    assert times_of(chunk_of(pa.table({"t": [day]})), "t") == [1583020800.0]
    (noon,) = times_of(chunk_of(pa.table({"t": [f"{day} 12:00:00.5"]})), "t")
    assert noon == 1583064000.5
