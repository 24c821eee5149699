"""``dagmm report``, and tables in other encodings wherever a command reads one."""

import json
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
from dagmm.report.make import make_report
from reports import check_page
from small_fits import tiny_config


def timed() -> pa.Table:
    start = np.datetime64("2026-01-05T00:00:00")
    return sensors().append_column("when", pa.array(start + np.arange(ROWS)))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fitted")
    arrow_csv.write_csv(timed(), home / "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        options = ("--id", "part", "--label", "fault", "--members", "1", "--contamination", "0.1")
        result = run(
            "fit", str(home / "t.csv"), "-o", str(home / "model"), *options, "--time", "when"
        )
    assert result.exit_code == 0, result.output
    return home


@pytest.fixture
def there(fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "model"):
        Path(name).symlink_to(fitted / name)
    return tmp_path


def test_a_report_is_what_python_makes_of_the_table(there: Path, monkeypatch) -> None:
    # In batches of a few rows.
    monkeypatch.setattr(csv, "BLOCK_BYTES", 1500)
    result = run("report", "model", "t.csv", "-o", "r.html", "--no-compare", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    page = check_page(Path("r.html").read_text("utf-8"))
    table = arrow_csv.read_csv("t.csv")
    made = make_report(
        "model",
        table.drop(["part", "fault"]),
        labels=table["fault"].to_numpy(),
        compare=False,
        table_name="t.csv",
        model_name=Path("model").resolve().name,
    )
    assert Path("r.html").read_text("utf-8") == made.html
    said = json.loads(result.stdout)
    k = made.contents
    assert (said["output"], said["rows"], said["alarms"]) == ("r.html", ROWS, k.n_alarms)
    assert (said["events"], said["expected_share"]) == (k.n_events, k.expected.share)
    assert k.quality.n_anomalies == 8
    assert said["most_often_first"][0] == "{} ({})".format(*k.blamed[0])
    assert "2026-01-05 00:00" in page.said
    assert failure("report", "model", "t.csv", "-o", "r.html") == (
        "dagmm: 'r.html' exists already; choose another name, or add --force.\n"
    )


def test_a_report_in_japanese_on_standard_output(there: Path) -> None:
    result = run(
        *("report", "model", "t.csv", "-o", "-", "--lang", "ja", "--no-compare"),
        *("--every", "10 min", "--gap", "0"),
    )
    assert result.exit_code == 0, result.output
    said = check_page(result.stdout).said
    assert "異常検知レポート" in said
    assert "行の間隔 10 分" in said
    assert result.stderr.startswith("output            standard output\n")


def test_other_axes_and_formats(there: Path) -> None:
    table = timed().append_column("second", pa.array(np.arange(ROWS) * 2.0))
    pq.write_table(table.drop(["when"]), "t.parquet")
    result = run(
        *("report", "model", "t.parquet", "-o", "r.html", "--no-compare", "--quiet"),
        *("--time", "second", "--group", "tool"),
    )
    assert result.exit_code == 0, result.output
    said = check_page(Path("r.html").read_text("utf-8")).said
    assert "0 to 318" in said
    assert "belong to several assets" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--time", "wen"),
            "--time names column 'wen', which the table does not have. Did you mean 'when'?",
        ),
        (
            ("--label", "falt"),
            "--label falt: 't.csv' has no such column. Did you mean 'fault'?",
        ),
        (
            ("--every", "soon"),
            "--every must be a duration > 0 such as '1s', '10 min' or '1 h', got 'soon'.",
        ),
        (("--time", "tool"), "'t.csv': column 'tool', row 0: expected a date such as"),
    ],
)
def test_a_report_that_cannot_be_is_refused(there: Path, arguments, message) -> None:
    said = failure("report", "model", "t.csv", "-o", "r.html", "--no-compare", *arguments)
    assert said.startswith(f"dagmm: {message}")
    assert not Path("r.html").exists()


def test_an_unknown_language_is_a_wrong_call(there: Path) -> None:
    result = run("report", "model", "t.csv", "-o", "r.html", "--lang", "fr")
    assert result.exit_code == 2
    assert "'fr' is not one of 'en', 'ja'" in result.output


def test_the_comparison_can_be_left_in(there: Path, monkeypatch) -> None:
    monkeypatch.setattr("dagmm.report.comparison.METHODS", ("mahalanobis", "pca"))
    assert run("report", "model", "t.csv", "-o", "r.html", "--quiet").exit_code == 0
    assert "Mahalanobis distance (MT method)" in check_page(Path("r.html").read_text()).said


def test_every_command_reads_other_encodings_and_decimal_commas(there: Path) -> None:
    text = Path("t.csv").read_text("utf-8").replace(",", ";").replace(".", ",")
    Path("j.csv").write_bytes(text.replace("drill", "ドリル").encode("cp932"))
    quick = ("--methods", "pca", "--runs", "1", "--label", "fault")
    how = ("--decimal", ",", "--delimiter", ";")
    model = dagmm.load_model("model")
    dagmm.inference.persistence.directory.save_model(
        "copy", model.model, model.estimator, model.arguments
    )
    for command in (
        ("explain", "model", "j.csv", "-o", "e.csv"),
        ("report", "model", "j.csv", "-o", "j.html", "--no-compare"),
        ("compare", "j.csv", *quick, "--id", "part", "--drop", "when"),
        ("threshold", "copy", "--calibrate", "j.csv"),
    ):
        result = run(*command, *how)
        assert result.exit_code == 0, result.output
        assert (
            "note: 'j.csv' is not UTF-8 and is read as CP932; say --encoding cp932 to leave out "
            "this note, or its encoding if it is another one\n"
        ) in result.stderr
    named = run("explain", "model", "j.csv", "-o", "n.csv", *how, "--encoding", "cp932")
    assert (named.exit_code, named.stderr) == (0, "")
    assert Path("n.csv").read_bytes() == Path("e.csv").read_bytes()
    assert "texts never seen in training" in check_page(Path("j.html").read_text("utf-8")).said
