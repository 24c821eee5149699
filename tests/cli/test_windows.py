"""Windows on the command line: the same energies as in Python, batch by batch."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

import dagmm
from command import failure, run
from dagmm.cli.jobs import roles
from dagmm.cli.jobs.info import describe, in_words
from dagmm.data.files import csv
from small_fits import tiny_config, tiny_window_config

ROWS = 240
OPTIONS = ("--time", "when", "--group", "pump", "--window", "10s", "--step", "2", "--members", "2")


def readings(n: int = ROWS, seed: int = 0) -> pa.Table:
    """Two pumps, a reading a second each, interleaved."""
    rng = np.random.default_rng(seed)
    start = datetime(2026, 3, 9, 10)
    load = rng.normal(size=n)
    return pa.table(
        {
            "when": [start + timedelta(seconds=i // 2) for i in range(n)],
            "pump": ["left", "right"] * (n // 2),
            "temp": load + 0.1 * rng.normal(size=n),
            "torque": -load + 0.1 * rng.normal(size=n),
            "serial": [f"s{i}" for i in range(n)],
        }
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("windows")
    arrow_csv.write_csv(readings(), home / "t.csv")
    pq.write_table(readings(), home / "t.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        files = (str(home / "t.csv"), "-o", str(home / "model"))
        result = run("fit", *files, "--id", "serial", *OPTIONS, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    (home / "fit.json").write_text(result.stdout)
    return home


@pytest.fixture
def there(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "t.parquet", "model"):
        Path(name).symlink_to(home / name)
    return tmp_path


def in_python(table: pa.Table) -> np.ndarray:
    return dagmm.DAGMMDetector.load("model").energy(table.drop_columns("serial"))


def test_fit_says_what_windows_it_made(home: Path) -> None:
    said = json.loads((home / "fit.json").read_text())
    assert said["window_rows"] == 10
    # Of each pump's 120 rows 111 end a window, every second of which is trained on.
    assert said["windows"] == 2 * 56
    assert said["unused_columns"] == ["when", "pump"]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_scores_are_those_of_python_whatever_the_batches(
    there: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", 1024)
    result = run("score", "model", name, "-o", "s.parquet", "--quiet")
    assert result.exit_code == 0, result.output
    scores = pq.read_table("s.parquet")
    assert scores.column_names == ["serial", "pump", "when", "energy", "is_anomaly"]
    np.testing.assert_array_equal(scores["energy"].to_numpy(), in_python(readings()))


def test_a_clock_of_numbers_is_read_from_csv_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
    table = readings().drop_columns(["when", "serial"])
    table = table.append_column("when", pa.array(0.5 * np.arange(ROWS)))
    arrow_csv.write_csv(table, "n.csv")
    for command in (("fit", "n.csv", "-o", "model", *OPTIONS), ("score", "model", "n.csv")):
        target = ("-o", "s.parquet") if command[0] == "score" else ()
        result = run(*command, *target, "--quiet")
        assert result.exit_code == 0, result.output
    energy = dagmm.DAGMMDetector.load("model").energy(table)
    np.testing.assert_array_equal(pq.read_table("s.parquet")["energy"].to_numpy(), energy)


def test_explanations_are_those_of_python_whatever_the_batches(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", 1024)
    table = readings(seed=5)
    broken = table["temp"].to_numpy() + 8.0 * (np.arange(ROWS) >= 200)
    table = table.set_column(2, "temp", pa.array(broken))
    arrow_csv.write_csv(table, "new.csv")
    expected = dagmm.DAGMMDetector.load("model").explain(table.drop_columns("serial"))
    result = run("explain", "model", "new.csv", "-o", "e.parquet", "--all", "--quiet")
    assert result.exit_code == 0, result.output
    reasons = pq.read_table("e.parquet")
    np.testing.assert_array_equal(reasons["row"].to_numpy(), np.arange(ROWS))
    np.testing.assert_allclose(
        reasons["reference_energy"].to_numpy(), expected.reference_energy, rtol=1e-9
    )
    assert reasons["top_feature_1"].to_pylist() == expected.top_features(1)[:, 0].tolist()
    result = run("score", "model", "new.csv", "-o", "s.parquet", "--explain", "1", "--quiet")
    scores = pq.read_table("s.parquet")
    strange = scores["is_anomaly"].to_numpy()
    assert strange[205:].any()
    named = np.array(scores["top_feature_1"].to_pylist(), object)
    np.testing.assert_array_equal(named, np.where(strange, expected.top_features(1)[:, 0], None))


def test_info_prints_the_windows(there: Path) -> None:
    said = json.loads(run("info", "model", "--json").stdout)["windows"]
    assert said == {
        "rows": 10,
        "step": 2,
        "time": "when",
        "group": "pump",
        "interval": 1.0,
        "gap": 10.0,
        "detail": "summary",
        "nonstationary_features": [],
    }
    lines = [line.split(maxsplit=1) for line in run("info", "model").stdout.splitlines()]
    assert [
        "windows",
        "10 rows of 1 s by when and pump; a gap from 10 s on; trained on every 2 rows",
    ] in lines


def test_info_names_non_stationary_columns(there: Path) -> None:
    description = describe("model")
    description["windows"]["nonstationary_features"] = ["temp", "flow"]
    assert in_words(description)["windows"].endswith("; non-stationary columns: temp, flow")


def test_a_threshold_is_calibrated_with_windows(there: Path, home: Path) -> None:
    model = dagmm.load_model("model")
    Path("model").unlink()
    dagmm.inference.persistence.directory.save_model(
        "model", model.model, model.estimator, model.arguments
    )
    result = run("threshold", "model", "--calibrate", "t.csv", "--quantile", "0.9", "--json")
    assert result.exit_code == 0, result.output
    energy = in_python(readings())
    assert json.loads(result.stdout)["energy"] == pytest.approx(np.quantile(energy, 0.9))


def test_what_cannot_be_fitted_is_refused(there: Path) -> None:
    assert failure("fit", "t.csv", "-o", "m", "--window", "10s") == (
        "dagmm: --window needs --time, the column that says when a row was measured; pass --time "
        "'...' as well.\n"
    )
    assert failure("fit", "t.csv", "-o", "m", "--window", "soon", "--time", "when") == (
        "dagmm: --window must be a duration > 0 such as '1s', '10 min' or '1 h', got 'soon'.\n"
    )
    assert failure("fit", "t.csv", "-o", "m", "--step", "3") == (
        "dagmm: --step 3 belongs to --window, and there is none.\n"
    )
    assert failure("fit", "t.csv", "-o", "m", "--time", "serial", "--window", "9") == (
        "dagmm: 't.csv': column 'serial', row 0: expected a date such as 2024-03-09 10:14:33, got "
        "'s0'; it is the time axis.\n"
    )
    fit = ("fit", "t.csv", "-o", "m", "--id", "serial", "--time", "when")
    assert failure(*fit, "--window", "1h") == (
        "dagmm: --window is '1h', but the median time from one row to the next is 0 s in column "
        "'when'; give --window as a number of rows, or name the column of the asset in --group "
        "where rows of several are mixed.\n"
    )
    assert not Path("m").exists()


def test_a_clock_that_runs_backwards_is_refused_with_file_and_row(there: Path) -> None:
    order = [*range(100), 30, *range(100, ROWS)]
    arrow_csv.write_csv(readings().take(pa.array(order)), "back.csv")
    message = (
        "dagmm: 'back.csv': column 'when' runs backwards in row 100 for pump 'left': 2026-03-09 "
        "10:00:15 comes after 2026-03-09 10:00:49. Sort the rows by 'when', asset by asset.\n"
    )
    assert failure("score", "model", "back.csv", "-o", "s.csv", "--quiet") == message
    assert not Path("s.csv").exists()
    options = ("--id", "serial", *OPTIONS)
    assert failure("fit", "back.csv", "-o", "m", *options, "--quiet") == message


def test_a_table_without_the_clock_is_refused(there: Path) -> None:
    arrow_csv.write_csv(readings().drop_columns("when"), "bare.csv")
    assert failure("score", "model", "bare.csv", "-o", "s.csv", "--quiet") == (
        "dagmm: 'bare.csv' has 4 columns; this model was fitted on 4, of which these are missing: "
        "'when'. It has 'pump', 'temp', 'torque', 'serial'.\n"
    )


def test_a_short_asset_is_noted(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
    table = readings()
    pump = ["left"] * 236 + ["third"] * 4
    clock = [datetime(2026, 3, 9) + timedelta(seconds=i) for i in range(ROWS)]
    table = table.set_column(0, "when", pa.array(clock)).set_column(1, "pump", pa.array(pump))
    arrow_csv.write_csv(table, "short.csv")
    result = run("fit", "short.csv", "-o", "m", "--id", "serial", *OPTIONS)
    assert result.exit_code == 0, result.output
    assert (
        "note: --window '10s', 10 rows: no segment of 'third' without a gap is as long, so "
        "nothing is learnt of it\n"
    ) in result.stderr
    assert roles.Roles.of_record(dagmm.load_model("m").model.record).time == "when"


def test_a_fit_of_rows_that_should_be_windows_names_the_option(there, monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(600, 2))
    for i in range(1, len(values)):
        values[i] += 0.9 * values[i - 1]
    table = pa.table({"when": np.arange(600), "a": values[:, 0], "b": values[:, 1]})
    arrow_csv.write_csv(table, "slow.csv")
    fit = ("fit", "slow.csv", "--time", "when", "--members", "2", "--contamination", "0.5")
    result = run(*fit, "-o", "rows")
    assert result.exit_code == 0, result.output
    assert "windows do: --window 'auto' would take 16 rows\n" in result.stderr
    result = run(*fit, "-o", "windows", "--window", "auto", "--json")
    assert json.loads(result.stdout)["window_rows"] == 16
    assert "would take" not in result.stderr


def test_alarm_logic_on_the_command_line(there, home):
    shutil.copytree(home / "model", "moved")
    logic = ("--k-of-n", "2/3", "--hysteresis", "0.5", "--hold", "4", "--smoothing", "0.5")
    moved = ("threshold", "moved", "--quantile", "0.8", "--json")
    said = json.loads(run(*moved, "--calibrate", "t.csv", *logic).stdout)
    rule = said["alarm_rule"]
    assert (rule["k"], rule["n"], rule["hysteresis"], rule["hold"]) == (2, 3, 0.5, 4)
    text = run("threshold", "moved").stdout
    words = (
        "2 of 3 rows, energies smoothed by 0.5, until 0.5 nat below the threshold, for at least"
    )
    assert words in text
    result = run("score", "moved", "t.csv", "-o", "o.parquet", "--p-value", "--json")
    assert result.exit_code == 0, result.output
    written = pq.read_table("o.parquet")
    assert written.column_names[-4:] == ["energy", "is_anomaly", "is_alarm", "p_value"]
    alarm = dagmm.DAGMMDetector.load("moved").alarm(readings())
    np.testing.assert_array_equal(written["is_alarm"], alarm)
    assert json.loads(result.stdout)["rows_in_alarm"] == alarm.sum() > 0
    result = run("report", "moved", "t.csv", "-o", "r.html", "--no-compare", "--json")
    assert json.loads(result.stdout)["alarms"] == alarm.sum()
    # Nothing is kept of it by a threshold that does not say it.
    again = json.loads(run(*moved).stdout)
    assert again["alarm_rule"]["n"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--k-of-n", "5/3"), "--k-of-n must be two whole numbers, "),
        (("--k-of-n", "three"), "--k-of-n must be two whole numbers, "),
        (("--hold", "0"), "--hold must be an int >= 1, got 0.\n"),
        (("--smoothing", "2"), "--smoothing must be in (0, 1), got 2.0.\n"),
        (("--k-of-n", "3/5", "--contamination", "0.1"), "--contamination counts the training "),
        (("--k-of-n", "3/5"), "expected one of --contamination, --quantile, --alarms and "),
        (
            # The model is fitted to every second window.
            ("--k-of-n", "3/5", "--quantile", "0.9"),
            "--k-of-n and --smoothing need energies of rows that follow one another, ",
        ),
    ],
)
def test_alarm_logic_that_cannot_be_used_is_refused(there, home, options, message):
    shutil.copytree(home / "model", "moved")
    assert failure("threshold", "moved", *options).startswith(f"dagmm: {message}")
