"""``dagmm compare``: what it prints, what it writes, how it fails."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

from command import ROWS, failure, run, sensors
from dagmm import compare
from dagmm.evaluation import compare as module
from dagmm.evaluation.baselines.method import Method
from dagmm.evaluation.baselines.registry import METHODS

COMPARE = ("compare", "t.csv", "--id", "part", "--methods", "knn, mahalanobis", "--runs", "1")


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrow_csv.write_csv(sensors(), "t.csv")


def test_it_says_what_python_says() -> None:
    result = run(*COMPARE, "--label", "fault", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    said = json.loads(result.stdout)
    table = sensors().drop(["part"])
    expected = compare(table, "fault", ["knn", "mahalanobis"], n_runs=1).to_dict()
    for one in (said, expected):
        for method in one["methods"]:
            for run_ in method.pop("runs"):
                assert run_["fit_seconds"] >= 0.0
            method.pop("fit_seconds")
            method.pop("score_seconds")
    assert said == expected
    assert said["protocol"]["test_anomalies"] == ROWS // 20
    assert said["methods"][0]["auroc"] > 0.9


def test_it_prints_a_table() -> None:
    result = run(*COMPARE, "--label", "fault")
    header, _, *body = result.stdout.splitlines()
    assert header.split()[:2] == ["method", "AUROC"]
    assert {line.split("  ")[0] for line in body[:2]} == {
        METHODS["knn"].title,
        METHODS["mahalanobis"].title,
    }
    assert body[3].startswith("- 1 run of 61 rows each, drawn from 76 (normal rows); ")
    assert "\x1b" not in result.stdout


def test_without_labels_it_prints_agreement() -> None:
    result = run(*COMPARE, "--drop", "fault")
    assert result.stdout.split()[:3] == ["method", "stability", "agreement"]
    assert "Without labels nothing says which method is right" in result.stdout


def test_labels_as_text_are_told_which_is_normal() -> None:
    fault = np.where(sensors()["fault"].to_numpy() == 1, "stuck", "ok")
    arrow_csv.write_csv(sensors().drop("fault").append_column("state", pa.array(fault)), "t.csv")
    result = run(*COMPARE, "--label", "state", "--normal", "ok", "--json", "--train", "all")
    protocol = json.loads(result.stdout)["protocol"]
    assert (protocol["learnt_from"], protocol["test_anomalies"]) == ("all rows", ROWS // 40)


def test_the_result_is_written() -> None:
    result = run(*COMPARE, "--label", "fault", "-o", "out.csv", "--max-rows", "50")
    assert result.exit_code == 0, result.output
    written = arrow_csv.read_csv("out.csv")
    assert sorted(written["method"].to_pylist()) == ["knn", "mahalanobis"]
    assert failure(*COMPARE, "--label", "fault", "-o", "out.csv") == (
        "dagmm: 'out.csv' exists already; choose another name, or add --force.\n"
    )
    assert run(*COMPARE, "--label", "fault", "-o", "out.csv", "--force").exit_code == 0
    piped = run(*COMPARE, "--label", "fault", "-o", "-")
    assert piped.stdout.startswith("method,title,auroc,auroc_sd,")
    assert "- 1 run of 61 rows each" in piped.stderr


def test_what_cannot_be_compared_is_said() -> None:
    known = ", ".join(repr(name) for name in ("dagmm", *METHODS))
    assert failure("compare", "t.csv", "--methods", "lofs") == (
        f"dagmm: --methods must be one of {known}, got 'lofs'. Did you mean 'lof'?\n"
    )
    assert failure("compare", "t.csv", "--label", "faults") == (
        "dagmm: --label faults: 't.csv' has no such column. Did you mean 'fault'?\n"
    )
    assert failure("compare", "none.csv") == (
        "dagmm: 'none.csv' does not exist; expected a file that holds a table.\n"
    )
    arrow_csv.write_csv(sensors().slice(0, 20), "t.csv")
    assert failure(*COMPARE) == "dagmm: 't.csv': compare needs at least 26 rows, got 20.\n"
    assert run("compare", "t.csv", "--train", "some").exit_code == 2


def test_if_every_method_fails_so_does_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(x: object, seed: int) -> object:
        raise MemoryError("no room")

    monkeypatch.setitem(module.KNOWN, "knn", Method("knn", "KNN", fit, "here"))  # type: ignore[arg-type]
    assert failure(*COMPARE[:-4], "--label", "fault", "--methods", "knn") == (
        "dagmm: 't.csv': every method failed; KNN: MemoryError: no room\n"
    )


def test_help_names_every_method() -> None:
    text = run("compare", "--help").stdout
    words = set(text.replace(",", " ").replace(";", " ").replace(".", " ").split())
    assert {"dagmm", *METHODS} <= words


def test_roles_of_columns_are_what_they_are_at_a_fit() -> None:
    table = sensors()
    mode = np.arange(ROWS) % 3
    serial = np.random.default_rng(0).permutation(10**6)[:ROWS]
    when = [f"2024-01-01 00:{i // 60:02d}:{i % 60:02d}" for i in range(ROWS)]
    extra = {"mode": mode, "serial": serial, "when": when, "line": ["a"] * ROWS}
    for name, values in extra.items():
        table = table.append_column(name, pa.array(values))
    arrow_csv.write_csv(table, "t.csv")
    roles = ("--categorical", "mode", "--numeric", "serial", "--time", "when", "--group", "line")
    result = run(*COMPARE, "--label", "fault", *roles, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    # temp, torque and serial; three tools and modes with one for others each: 3 + 3 + 4.
    assert json.loads(result.stdout)["protocol"]["features"] == 10
    assert failure(*COMPARE, "--label", "fault", "--time", "wen") == (
        "dagmm: --time wen: 't.csv' has no such column. Did you mean 'when'?\n"
    )
