"""Labels that are known: which rows a model is fitted to and calibrated with."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

import dagmm
from command import failure, run, sensors
from dagmm.data.files import csv_spool

#: Four rows in five are attacks, which look much alike.
N_NORMAL, N_ATTACKS = 60, 240


def connections() -> pa.Table:
    """Connections as KDD Cup 1999 has them: without a header, the label last."""
    rng = np.random.default_rng(0)
    is_attack = np.arange(N_NORMAL + N_ATTACKS) % 5 != 0
    load = rng.normal(size=len(is_attack))
    return pa.table(
        {
            "x0": np.where(is_attack, 3.0, load),
            "x1": np.where(is_attack, "icmp", "tcp"),
            "x2": np.where(is_attack, 3.0, -load) + 0.1 * rng.normal(size=len(is_attack)),
            "x3": np.where(is_attack, "smurf.", "normal."),
        }
    )


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with connections, and a model fitted to the normal ones."""
    home = tmp_path_factory.mktemp("labels")
    options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
    arrow_csv.write_csv(connections(), home / "kdd.csv", options)
    result = run(
        *("fit", str(home / "kdd.csv"), "-o", str(home / "model")),
        *("--label", "x3", "--normal", "normal.", "--members", "1", "--json"),
    )
    assert result.exit_code == 0, result.output
    (home / "fit.json").write_text(result.stdout)
    (home / "fit.txt").write_text(result.stderr)
    return home


@pytest.fixture
def there(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory from which table and model can be reached."""
    monkeypatch.chdir(tmp_path)
    Path("kdd.csv").symlink_to(home / "kdd.csv")
    return tmp_path


def test_rows_with_another_label_than_the_normal_one_are_not_fitted_to(home: Path) -> None:
    assert (home / "fit.txt").read_text() == (
        "note: fitted to 60 rows labelled normal; 240 left out\n"
    )
    said = json.loads((home / "fit.json").read_text())
    assert (said["rows"], said["left_out"], said["labelled_anomalies"]) == (60, 240, 240)
    assert said["auroc"] > 0.99
    assert said["share_above"] < 0.1  # of the rows that were fitted to
    kept = connections().filter(pa.compute.equal(connections()["x3"], "normal."))
    expected = dagmm.DAGMMDetector(n_members=1).fit(kept.drop("x3"))
    model = dagmm.load_model(home / "model").model
    table = connections().drop("x3")
    np.testing.assert_array_equal(model.energy(table), expected.energy(table))


def test_all_rows_are_fitted_to_where_that_is_said(there: Path) -> None:
    result = run(
        *("fit", "kdd.csv", "-o", "m", "--label", "x3", "--normal", "normal."),
        *("--train", "all", "--members", "1", "--json"),
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        "note: 240 of 300 training rows are labelled anomalies; a model takes for normal what is "
        "common among its training rows (--train normal leaves them out)\n"
    )
    said = json.loads(result.stdout)
    assert said["rows"] == 300
    assert "left_out" not in said
    assert said["auroc"] < 0.5


def test_labels_that_are_numbers_are_left_out_on_demand(there: Path) -> None:
    arrow_csv.write_csv(sensors(), "t.csv")
    result = run(
        *("fit", "t.csv", "-o", "m", "--id", "part", "--label", "fault", "--train", "normal"),
        *("--members", "1", "--json"),
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == "note: fitted to 152 rows labelled normal; 8 left out\n"
    assert json.loads(result.stdout)["rows"] == 152


def test_a_table_that_is_not_held_leaves_the_same_rows_out(
    there: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 0)
    pq.write_table(connections(), "kdd.parquet", row_group_size=70)
    table = connections().drop("x3")
    expected = dagmm.load_model(home / "model").model.energy(table)
    for name in ("kdd.csv", "kdd.parquet"):
        result = run(
            *("fit", name, "-o", name + ".model", "--label", "x3", "--normal", "normal."),
            *("--members", "1", "--quiet"),
        )
        assert (result.exit_code, result.stderr) == (0, "")
        model = dagmm.load_model(name + ".model").model
        np.testing.assert_array_equal(model.energy(table), expected)


def test_what_cannot_be_left_out_is_said(there: Path) -> None:
    fit = ("fit", "kdd.csv", "-o", "m")
    assert failure(*fit, "--train", "normal") == (
        "dagmm: --train normal needs --label, the column that tells anomalies.\n"
    )
    lines = ["load,heat,fault", "1,2,1", "2,3,1", "3,4,0", "4,5,1"]
    Path("few.csv").write_text("\n".join(lines) + "\n")
    few = ("fit", "few.csv", "-o", "m", "--label", "fault", "--train", "normal")
    assert failure(*few) == (
        "dagmm: 'few.csv': 1 of 4 rows are labelled normal; expected at least 2.\n"
    )
    lines = ["load,heat,fault", "1,2,1", *(f"{i},{i * i},0" for i in range(20)), "inf,1,0"]
    Path("wrong.csv").write_text("\n".join(lines) + "\n")
    message = failure("fit", "wrong.csv", "-o", "m", "--label", "fault", "--train", "normal")
    assert message == (
        "note: fitted to 21 rows labelled normal; 1 left out\n"
        "dagmm: 'wrong.csv', rows labelled normal: column 'load' holds 1 infinite value, first at "
        "row 20; replace them by numbers, or by NaN where there is no value.\n"
    )


def test_labelled_anomalies_are_no_normal_rows_to_calibrate_with(there: Path, home: Path) -> None:
    model = dagmm.DAGMMDetector.load(home / "model")
    model.save("model")
    normal = connections().filter(pa.compute.equal(connections()["x3"], "normal."))
    expected = np.sort(model.energy(normal.drop("x3")))
    # What the label is, the model remembers.
    result = run("threshold", "model", "--calibrate", "kdd.csv", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == "note: calibrated with 60 rows labelled normal; 240 left out\n"
    assert dagmm.load_model("model").model.calibration.held_out.n_rows == 60
    said = json.loads(run("threshold", "model", "--quantile", "0.5", "--json", "--quiet").stdout)
    assert said["energy"] == pytest.approx(np.median(expected))
    # Said now, it is another one; a value that is not there is an error.
    said_now = ("--calibrate", "kdd.csv", "--label", "x3", "--normal", "smurf.")
    result = run("threshold", "model", *said_now)
    assert "note: calibrated with 240 rows labelled normal; 60 left out\n" in result.stderr
    assert failure("threshold", "model", *said_now[:-1], "good") == (
        "dagmm: 'kdd.csv': no row of label column 'x3' is 'good', as --normal says. "
        "Values seen: 'normal.', 'smurf.'.\n"
    )
    assert failure("threshold", "model", "--label", "x3") == (
        "dagmm: --label belongs to --calibrate, the table whose column it is.\n"
    )
    assert failure("threshold", "model", "--calibrate", "kdd.csv", "--label", "x0") == (
        "dagmm: column 'x0' is one that this model was fitted on; --id and --label take other "
        "columns.\n"
    )


def test_rows_without_a_label_are_all_calibrated_with(there: Path, home: Path) -> None:
    dagmm.DAGMMDetector.load(home / "model").save("model")
    lines = Path("kdd.csv").read_text().splitlines()
    Path("new.csv").write_text("".join(line.rsplit(",", 1)[0] + "\n" for line in lines))
    result = run("threshold", "model", "--calibrate", "new.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert dagmm.load_model("model").model.calibration.held_out.n_rows == N_NORMAL + N_ATTACKS


def test_a_label_that_is_fitted_to_is_noted(there: Path) -> None:
    table = sensors().rename_columns(["part", "temp", "torque", "tool", "anomaly"])
    arrow_csv.write_csv(table, "t.csv")
    fit = ("fit", "t.csv", "-o", "m", "--id", "part", "--members", "1")
    assert run(*fit).stderr == (
        "note: column 'anomaly' looks like a label and is fitted to: it has that name, and 2 "
        "different values. Leave it out with --label 'anomaly' or --drop 'anomaly' if it is one\n"
    )
    assert run(*fit, "--label", "anomaly", "--force").stderr == ""
