"""The command on tables that are too large to be held, and on folders of Parquet files."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

import dagmm
from command import failure, run
from dagmm.cli.jobs import labels as cli_labels
from dagmm.cli.jobs.labels import KeptRows, quality_of
from dagmm.data.files import csv, csv_spool
from dagmm.preprocessing import sampling
from small_fits import tiny_config

ROWS = 3000


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)


@pytest.fixture
def bounded(monkeypatch):
    """Hold no more than 500 rows of five numbers, and no long CSV file."""
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 500 * 5)
    monkeypatch.setattr(cli_labels, "SCORED_ROWS", 1000)
    monkeypatch.setattr(cli_labels, "MOST_KEPT", 1024)
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 10_000)
    monkeypatch.setattr(csv, "BLOCK_BYTES", 20_000)


def table():
    rng = np.random.default_rng(0)
    strange = rng.random(ROWS) < 0.05
    load = rng.normal(size=ROWS)
    return pa.table(
        {
            "part": [f"p{i:04d}" for i in range(ROWS)],
            "temp": load + 0.1 * rng.normal(size=ROWS) + 6.0 * strange,
            "torque": -load + 0.1 * rng.normal(size=ROWS),
            "tool": np.where(rng.random(ROWS) < 0.5, "drill", "mill"),
            "label": np.where(strange, "worn", "good"),
        }
    )


def all_files():
    whole = table()
    Path("folder").mkdir()
    pq.write_table(whole, "t.parquet")
    pq.write_table(whole.slice(0, 700), "folder/1.parquet")
    pq.write_table(whole.slice(700), "folder/2.parquet")
    arrow_csv.write_csv(whole, "t.csv")
    return ["t.parquet", "folder", "t.csv"]


OPTIONS = (
    *("--id", "part", "--label", "label", "--normal", "good", "--train", "all", "--members", "2"),
)


def fit(path, model, *options):
    result = run("fit", path, "-o", model, *OPTIONS, *options, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def without_names(said):
    return {name: said[name] for name in said if name not in ("model", "seconds", "output")}


@pytest.mark.usefixtures("bounded")
def test_all_kinds_of_files_give_one_model_and_one_summary():
    first, *others = all_files()
    said = fit(first, "model")
    assert (said["rows"], said["drawn_rows"], said["judged_rows"]) == (ROWS, 500, 1000)
    assert said["columns"] == 3
    strange = np.array(table()["label"]) == "worn"
    assert said["labelled_anomalies"] == strange.sum()
    model = dagmm.load_model("model").model
    energy = model.energy(table())
    assert said["auroc"] == pytest.approx(quality_of(energy, strange)["auroc"], abs=0.05)
    assert said["share_above"] == pytest.approx(0.01, abs=0.003)
    for i, path in enumerate(others):
        assert without_names(fit(path, f"model{i}")) == without_names(said)
        other = dagmm.load_model(f"model{i}").model
        assert other.record.fingerprint == model.record.fingerprint
        np.testing.assert_array_equal(other.energy(table()), energy)


@pytest.mark.usefixtures("bounded")
def test_a_folder_is_scored_as_the_file_that_it_makes_up():
    file, folder, _ = all_files()
    fit(file, "model")
    said = []
    for path, output in ((file, "one.parquet"), (folder, "two.parquet")):
        result = run("score", "model", path, "-o", output, "--json")
        assert result.exit_code == 0, result.output
        said.append(without_names(json.loads(result.stdout)))
    assert said[0] == said[1]
    assert said[0]["rows"] == ROWS
    assert said[0]["judged_rows"] == 1024
    one, two = (pq.read_table(path) for path in ("one.parquet", "two.parquet"))
    assert one.equals(two)
    assert one.column_names == ["part", "label", "energy", "is_anomaly"]
    np.testing.assert_array_equal(one["energy"], dagmm.load_model("model").model.energy(table()))


def test_other_commands_take_a_folder(bounded):
    _, folder, _ = all_files()
    fit(folder, "model")
    moved = run("threshold", "model", "--calibrate", folder, "--quantile", "0.9", "--json")
    assert moved.exit_code == 0, moved.output
    assert json.loads(moved.stdout)["n_rows"] == np.sum(np.array(table()["label"]) == "good")
    explained = run("explain", "model", folder, "-o", "reasons.csv", "--json")
    assert explained.exit_code == 0, explained.output
    described = run("info", "model", "--json")
    said = json.loads(described.stdout)
    assert (said["rows"], said["drawn_rows"]) == (ROWS, 500)


def test_a_long_csv_from_standard_input_gives_the_same_model(bounded):
    *_, csv = all_files()
    said = fit(csv, "model")
    result = run("fit", "-", "-o", "piped", *OPTIONS, "--json", stdin=Path(csv).read_bytes())
    assert result.exit_code == 0, result.output
    assert without_names(json.loads(result.stdout)) == without_names(said)


@pytest.mark.usefixtures("bounded")
def test_labels_are_checked_in_all_rows():
    whole = table()
    missing = whole["label"].to_pylist()
    missing[2500] = None
    broken = whole.set_column(4, "label", pa.array(missing))
    pq.write_table(broken, "t.parquet", row_group_size=500)
    pq.write_table(whole, "u.parquet", row_group_size=500)
    assert failure("fit", "t.parquet", "-o", "m", "--label", "label", "--normal", "good") == (
        "dagmm: 't.parquet': label column 'label' has no value in row 2500; expected one in each "
        "row.\n"
    )
    assert failure("fit", "u.parquet", "-o", "m", "--label", "label", "--normal", "fine") == (
        "dagmm: 'u.parquet': no row of label column 'label' is 'fine', as --normal says. Values "
        "seen: 'good', 'worn'.\n"
    )
    assert not Path("m").exists()


def test_a_folder_of_neither_kind_is_refused_with_what_is_expected():
    Path("folder").mkdir()
    Path("folder/table.txt").write_text("a\n1\n")
    assert failure("fit", "folder", "-o", "m") == (
        "dagmm: 'folder' is a folder without tables, such as *.parquet and *.csv, or images; "
        "expected the one or the other.\n"
    )


# Labels of many rows


def test_a_thinned_table_has_the_quality_of_the_whole(monkeypatch):
    monkeypatch.setattr(cli_labels, "MOST_KEPT", 4096)
    rng = np.random.default_rng(1)
    labels = rng.random(40_000) < 0.2
    energy = rng.normal(size=40_000) + 1.5 * labels
    kept = KeptRows()
    for part in np.split(np.arange(40_000), 100):
        kept.add(energy[part], labels[part])
    said, expected = kept.quality(), quality_of(energy, labels)
    assert said.pop("judged_rows") == 4096
    assert said["labelled_anomalies"] == labels.sum()
    assert said["auroc"] == pytest.approx(expected["auroc"], abs=0.03)
    assert said["average_precision"] == pytest.approx(expected["average_precision"], abs=0.06)


def test_all_rows_of_a_short_table_are_judged():
    rng = np.random.default_rng(0)
    labels, energy = rng.random(1000) < 0.2, rng.normal(size=1000)
    kept = KeptRows()
    for part in np.split(np.arange(1000), 10):
        kept.add(energy[part], labels[part])
    assert kept.quality() == quality_of(energy, labels)
