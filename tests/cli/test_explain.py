"""The commands that turn energies into decisions: threshold, explain, score --explain."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

import dagmm
import dagmm.inference.persistence.directory
from command import ROWS, failure, run, sensors
from dagmm.data.files import csv
from small_fits import normal, tiny_config, tiny_dagmm


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fitted")
    arrow_csv.write_csv(sensors(), home / "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        options = ("--id", "part", "--label", "fault", "--members", "1", "--contamination", "0.1")
        result = run("fit", str(home / "t.csv"), "-o", str(home / "model"), *options)
    assert result.exit_code == 0, result.output
    tiny_dagmm().fit(normal()).save(home / "reference")
    return home


@pytest.fixture
def there(fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory from which table and models can be reached."""
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "reference"):
        Path(name).symlink_to(fitted / name)
    model = dagmm.load_model(fitted / "model")
    dagmm.inference.persistence.directory.save_model(
        "model", model.model, model.estimator, model.arguments
    )
    return tmp_path


def test_threshold_is_shown_and_moved(there: Path) -> None:
    said = json.loads(run("threshold", "model", "--json").stdout)
    assert said == {"model": "model", **dagmm.DAGMMDetector.load("model").threshold_}
    assert (said["rule"], said["rows_are"]) == ("contamination 0.1", "training rows")
    result = run("threshold", "model", "--energy", "2.5")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1:4] == ["energy       2.5", "rule         a stated energy", "share        -"]
    model = dagmm.load_model("model").model
    assert model.threshold == 2.5
    assert model.record.roles.ids == ("part",)
    energy = model.energy(sensors())
    said = json.loads(run("score", "model", "t.csv", "-o", "s.csv", "--json").stdout)
    assert said["anomalies"] == (energy > 2.5).sum()
    assert "a stated energy" in run("info", "model").stdout


def test_a_budget_may_be_counted_in_events(there: Path) -> None:
    budget = ("--alarms", "500", "--per", "hour", "--every", "1s")
    said = json.loads(run("threshold", "model", *budget, "--per-event", "--json").stdout)
    assert said["rule"] == "at most 500 events of false alarms a hour at a row every 1s"
    assert failure("threshold", "model", "--energy", "2.5", "--per-event") == (
        "dagmm: --per-event belongs to --alarms, and there are none.\n"
    )


def test_what_a_threshold_warns_of_is_a_sentence_and_in_json_a_value(there: Path) -> None:
    detector = dagmm.DAGMMDetector.load("model")
    of_training_rows = replace(detector.model_.calibration, held_out=None)
    detector.model_ = replace(detector.model_, calibration=of_training_rows)
    detector.save("fitted_rows")
    result = run("threshold", "fitted_rows", "--quantile", "0.9")
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("warnings")]
    assert line.startswith("warnings     the energies are those of rows the model was fitted to; ")
    (warning,) = json.loads(run("threshold", "fitted_rows", "--json").stdout)["warnings"]
    assert warning == {"kind": "training_rows", "text": line.removeprefix("warnings     ")}


def test_threshold_of_a_calibration_table(there: Path) -> None:
    n_normal = ROWS - ROWS // 20
    assert run("threshold", "model", "--calibrate", "t.csv", "--quiet").exit_code == 0
    assert dagmm.load_model("model").model.calibration.held_out.n_rows == n_normal
    result = run(
        *("threshold", "model", "--calibrate", "t.csv", "--alarms", "144"),
        *("--per", "day", "--every", "1 min", "--json"),
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == "note: calibrated with 152 rows labelled normal; 8 left out\n"
    said = json.loads(result.stdout)
    table = sensors()
    energy = dagmm.load_model("model").model.energy(table)[table["fault"].to_numpy() == 0]
    assert said["energy"] == pytest.approx(np.percentile(energy, 90.0))
    assert said["rule"] == "at most 144 false alarms a day at a row every 1 min"
    assert (said["n_rows"], said["warnings"]) == (n_normal, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("model", "--alarms", "3"),
            "--alarms needs --every, the time from one row to the next, such as --every '1s'.",
        ),
        (("model", "--quantile", "1.5"), "--quantile must be in (0, 1), got 1.5."),
        (
            ("model", "--alarms", "1", "--every", "1s"),
            "one alarm in 6.05e+05 rows is rarer than 40 training rows (by networks that were not "
            "fitted to them) can show; calibrate with at least 500 normal rows of different "
            "energies, or allow more alarms.",
        ),
        (
            ("reference", "--energy", "1"),
            "'reference' holds a DAGMM, which has no threshold; a DAGMMDetector has one.",
        ),
        (("none", "--energy", "1"), "restore: 'none' does not exist."),
    ],
)
def test_threshold_that_cannot_be_is_refused(there: Path, arguments, message) -> None:
    before = dagmm.load_model("model").model.threshold
    assert failure("threshold", *arguments) == f"dagmm: {message}\n"
    assert dagmm.load_model("model").model.threshold == before


def test_score_names_the_columns_that_make_anomalies_strange(there: Path) -> None:
    result = run("score", "model", "t.csv", "-o", "s.parquet", "--explain", "2", "--p-value")
    assert result.exit_code == 0, result.output
    table = pq.read_table("s.parquet")
    assert table.column_names == [
        *("part", "fault", "energy", "is_anomaly", "p_value", "is_explained"),
        *("top_feature_1", "top_feature_2"),
    ]
    detector = dagmm.DAGMMDetector.load("model")
    features = sensors().select(detector.model_.encoder.columns)
    anomaly = table["is_anomaly"].to_numpy()
    assert anomaly.sum() == 16
    top = np.array([table[f"top_feature_{i}"].to_pylist() for i in (1, 2)], dtype=object).T
    explanation = detector.explain(features)
    is_explained = np.where(anomaly, explanation.is_explained, None).tolist()
    assert table["is_explained"].to_pylist() == is_explained
    expected = explanation.top_features(2)
    np.testing.assert_array_equal(top[anomaly], expected[anomaly])
    assert (top[~anomaly] == None).all()  # noqa: E711
    np.testing.assert_allclose(table["p_value"], detector.p_value(features), rtol=1e-9)


def test_explain_writes_a_line_for_each_anomaly(there: Path, monkeypatch) -> None:
    result = run("explain", "model", "t.csv", "-o", "e.csv", "--top", "2", "--json")
    assert result.exit_code == 0, result.output
    table = arrow_csv.read_csv("e.csv")
    assert table.column_names == [
        *("part", "fault", "row", "energy", "reference_energy", "is_explained"),
        *("top_feature_1", "contribution_1", "value_1", "expected_1"),
        *("top_feature_2", "contribution_2", "value_2", "expected_2"),
    ]
    said = json.loads(result.stdout)
    assert (said["output"], said["rows"], said["explained"]) == ("e.csv", ROWS, 16)
    detector = dagmm.DAGMMDetector.load("model")
    explanation = detector.explain(sensors().select(detector.model_.encoder.columns))
    assert said["unexplained"] == (~explanation.is_explained).sum()
    for line in table.to_pylist():
        row, name = line["row"], line["top_feature_1"]
        assert line["part"] == f"p{row:03d}"
        assert line["energy"] == pytest.approx(explanation.energy[row])
        assert line["is_explained"] == explanation.is_explained[row]
        if name:
            column = explanation.columns.index(name)
            assert line["contribution_1"] == pytest.approx(explanation.contribution[row, column])
            value, expected = sensors()[name][row].as_py(), explanation.expected[name][row]
            if name == "tool":
                assert (line["value_1"], line["expected_1"]) == (value, expected)
            else:
                assert float(line["value_1"]) == pytest.approx(value, rel=1e-5)
                assert float(line["expected_1"]) == pytest.approx(expected, rel=1e-5)
    # The same in batches of a few rows, and of every row.
    monkeypatch.setattr(csv, "BLOCK_BYTES", 500)
    assert run("explain", "model", "t.csv", "-o", "b.csv", "--top", "2", "--quiet").exit_code == 0
    again = arrow_csv.read_csv("b.csv")
    for name in table.column_names:
        if name.startswith(("energy", "reference", "contribution")):
            got, expected = (np.array(t[name].to_pylist(), float) for t in (again, table))
            np.testing.assert_allclose(got, expected, rtol=1e-9)  # a hole is NaN in both
        else:
            assert again[name].equals(table[name]), name
    result = run("explain", "model", "t.csv", "-o", "-", "--all", "--quiet")
    assert len(result.stdout.splitlines()) == ROWS + 1
    assert result.stderr == ""


def test_explain_of_a_table_without_anomalies_is_empty(there: Path) -> None:
    assert run("threshold", "model", "--energy", "1e9").exit_code == 0
    result = run("explain", "model", "t.csv", "-o", "e.csv", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["explained"], said["most_often_first"]) == (0, [])
    assert len(Path("e.csv").read_text().splitlines()) == 1


def test_explain_by_the_reference_model_is_of_every_row(there: Path) -> None:
    table = pa.table({f"x{i}": column for i, column in enumerate(normal(20).T)})
    pq.write_table(table, "n.parquet")
    assert run("explain", "reference", "n.parquet", "-o", "e.parquet").exit_code == 0
    assert pq.read_table("e.parquet")["row"].to_pylist() == list(range(20))


def test_columns_of_the_output_have_names_of_their_own(there: Path) -> None:
    table = sensors().rename_columns(["row", *sensors().column_names[1:]])
    arrow_csv.write_csv(table, "r.csv")
    assert failure("explain", "model", "r.csv", "-o", "e.csv", "--id", "row") == (
        "dagmm: the output would have two columns 'row'; choose other columns for --id and "
        "--label, or rename one.\n"
    )
