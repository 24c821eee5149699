"""Dates in the command: what comes first is found out, remembered and shown."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv as arrow_csv
import pytest

import dagmm
from command import failure, run

WHEN = pd.date_range("2020-01-01", periods=200, freq="8h")


def table(form: str, when: pd.DatetimeIndex = WHEN) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    load = rng.normal(size=len(when))
    return pd.DataFrame(
        {
            "when": when.strftime(form),
            "temp": load,
            "torque": -load + 0.1 * rng.normal(size=len(when)),
        }
    )


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


FIT = ("--time", "when", "--window", "4", "--members", "1", "--quiet")


def test_a_time_axis_with_the_day_first_is_read_alike_at_the_fit_and_later() -> None:
    for name, form in (("iso", "%Y-%m-%d %H:%M"), ("day", "%d/%m/%Y %H:%M")):
        table(form).to_csv(f"{name}.csv", index=False)
        assert run("fit", f"{name}.csv", "-o", name, *FIT).exit_code == 0
    # Of these rows no cell tells what comes first; the model remembers.
    table("%d/%m/%Y %H:%M", WHEN[:12]).to_csv("later.csv", index=False)
    table("%Y-%m-%d %H:%M", WHEN[:12]).to_csv("later_iso.csv", index=False)
    energies = []
    for model, rows in (("iso", "later_iso.csv"), ("day", "later.csv"), ("day", "later_iso.csv")):
        result = run("score", model, rows, "-o", "out.csv", "--force")
        assert result.exit_code == 0, result.output
        energies.append(arrow_csv.read_csv("out.csv")["energy"].to_numpy())
    np.testing.assert_array_equal(energies[0], energies[1])
    np.testing.assert_array_equal(energies[0], energies[2])
    assert "when: the time axis, day first" in run("info", "day").stdout
    (column,) = json.loads(run("info", "day", "--json").stdout)["unused_columns"]
    assert column["written"] == "day first"
    report = run("report", "day", "later.csv", "-o", "page.html", "--no-compare")
    assert report.exit_code == 0, report.output
    assert "2020-01-04" in Path("page.html").read_text()


def test_a_format_is_said_and_remembered() -> None:
    table("%y%m%d-%H%M").to_csv("t.csv", index=False)
    fit = ("fit", "t.csv", "-o", "m")
    assert failure(*fit, *FIT).startswith(
        "dagmm: 't.csv': column 'when', row 0: expected a date such as 2024-03-09 10:14:33, got "
        "'200101-0000'; it is the time axis."
    )
    result = run(*fit, *FIT, "--time-format", "%y%m%d-%H%M")
    assert result.exit_code == 0, result.output
    assert run("score", "m", "t.csv", "-o", "out.csv").exit_code == 0
    detector = dagmm.DAGMMDetector.load("m")
    assert detector.time_format == "%y%m%d-%H%M"
    frame = table("%y%m%d-%H%M")
    np.testing.assert_array_equal(
        arrow_csv.read_csv("out.csv")["energy"].to_numpy(), detector.energy(frame)
    )
    table("%Y-%m-%d").to_csv("iso.csv", index=False)
    assert failure("score", "m", "iso.csv", "-o", "-", "--quiet") == (
        "dagmm: 'iso.csv': column 'when', row 0: expected a date such as 240309-1014 "
        "(%y%m%d-%H%M), got '2020-01-01'; it is the time axis.\n"
    )
    assert failure("fit", "t.csv", "-o", "n", *FIT, "--time-format", "%H:%M") == (
        "dagmm: --time-format must be a format as Python's strptime takes it, with year, month "
        "and day, such as '%d/%m/%Y %H:%M:%S', got '%H:%M'.\n"
    )


def test_what_no_cell_tells_is_noted_with_the_option_that_settles_it() -> None:
    table("%d/%m/%Y %H:%M", WHEN[:30]).to_csv("t.csv", index=False)
    result = run("fit", "t.csv", "-o", "m", "--time", "when", "--members", "1")
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        "note: column 'when': '01/01/2020 00:00' in row 0 is read with the day first, and no cell "
        "tells whether it is. Pass --time-format '%d/%m/%Y %H:%M' to leave out this note, or "
        "--time-format '%m/%d/%Y %H:%M' if the month comes first\n"
    )


def two_columns(table: pd.DataFrame, date: str, clock: str) -> pd.DataFrame:
    """Return a table whose date and time of day are two columns."""
    when = pd.to_datetime(table["when"])
    parts = {"date": when.dt.strftime(date), "clock": when.dt.strftime(clock)}
    return table.drop(columns="when").assign(**parts)


TWO = ("--time", "date", "--time", "clock", "--window", "4", "--members", "1", "--quiet")


@pytest.mark.parametrize(
    ("date", "clock"),
    [("%Y-%m-%d", "%H:%M:%S"), ("%d/%m/%Y", "%I:%M %p"), ("%Y年%m月%d日", "%H時%M分")],
)
def test_date_and_time_of_day_may_be_two_columns(date: str, clock: str) -> None:
    whole = table("%Y-%m-%d %H:%M")
    expected = dagmm.DAGMMDetector(n_members=1, time="when", window=4).fit(whole)
    frame = two_columns(whole, date, clock)
    frame.to_csv("t.csv", index=False)
    result = run("fit", "t.csv", "-o", "m", *TWO)
    assert result.exit_code == 0, result.output
    assert run("score", "m", "t.csv", "-o", "out.csv").exit_code == 0
    scored = arrow_csv.read_csv("out.csv")
    assert scored.column_names == ["date", "clock", "energy", "is_anomaly"]
    np.testing.assert_array_equal(scored["energy"].to_numpy(), expected.energy(whole))
    detector = dagmm.DAGMMDetector(n_members=1, time=("date", "clock"), window=4).fit(frame)
    np.testing.assert_array_equal(detector.energy(frame), expected.energy(whole))
    stream = detector.stream()
    parts = [stream.update(frame.iloc[i : i + 50]) for i in range(0, 200, 50)]
    np.testing.assert_array_equal(np.concatenate(parts), expected.energy(whole))
    assert "its time of day in column 'clock'" in run("info", "m").stdout
    report = run("report", "m", "t.csv", "-o", "page.html", "--no-compare")
    assert report.exit_code == 0, report.output
    assert "2020-03-07" in Path("page.html").read_text()


def test_typed_dates_and_times_of_day_are_read_as_their_texts() -> None:
    whole = table("%Y-%m-%d %H:%M")
    when = pd.to_datetime(whole["when"])
    frame = whole.drop(columns="when").assign(date=when.dt.date, clock=when.dt.time)
    expected = dagmm.DAGMMDetector(n_members=1, time="when").fit(whole)
    detector = dagmm.DAGMMDetector(n_members=1, time=("date", "clock")).fit(frame)
    assert detector.threshold_ == expected.threshold_
    np.testing.assert_array_equal(detector.energy(frame), expected.energy(whole))
    frame.to_parquet("t.parquet")
    assert run("fit", "t.parquet", "-o", "m", *TWO[:4], *TWO[6:]).exit_code == 0
    np.testing.assert_array_equal(
        dagmm.load_model("m").model.energy(frame), expected.energy(whole)
    )


def test_what_is_wrong_with_two_columns_is_said() -> None:
    frame = two_columns(table("%Y-%m-%d %H:%M"), "%Y-%m-%d", "%H:%M")
    frame.to_csv("t.csv", index=False)
    fit = ("fit", "t.csv", "-o", "m", "--time", "date")
    assert failure(*fit, "--time", "clocks") == (
        "dagmm: --time clocks: 't.csv' has no such column. Did you mean 'clock'?\n"
    )
    assert failure(*fit, "--time", "clock", "--time", "temp") == (
        "dagmm: --time takes one column, or those of date and time of day, got 3.\n"
    )
    assert failure(*fit, "--time", "date") == (
        "dagmm: column 'date' is given as --time and --time; give it once.\n"
    )
    with pytest.raises(dagmm.ArgumentError) as caught:
        dagmm.DAGMMDetector(time=("date", "clock", "temp")).fit(frame)
    assert str(caught.value) == (
        "time must be the name of a column, the two names of date and time of day, or None, got "
        "('date', 'clock', 'temp')."
    )
    frame.loc[3, "clock"] = "25:00"
    with pytest.raises(dagmm.InputError) as input_error:
        dagmm.DAGMMDetector(time=("date", "clock")).fit(frame)
    assert str(input_error.value) == (
        "column 'date', row 3: expected a date such as 2024-03-09 10:14:33, got "
        "'2020-01-02 25:00'; it is the time axis."
    )
    assert run("fit", "t.csv", "-o", "m", *TWO).exit_code == 0
    frame.drop(columns="clock").to_csv("none.csv", index=False)
    assert failure("score", "m", "none.csv", "-o", "-") == (
        "dagmm: 'none.csv' has 3 columns; this model was fitted on 4, of which these are missing: "
        "'clock'. It has 'temp', 'torque', 'date'.\n"
    )
    detector = dagmm.DAGMMDetector.load("m")
    with pytest.raises(dagmm.InputError, match=r"^X has no column 'clock', the time of"):
        detector.energy(frame.drop(columns="clock"))
