"""A fleet on the command line: fitted, gone on with, scored, told about, added to."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from command import failure, run
from dagmm import DAGMMFleet, make_report
from dagmm.estimators import detector
from dagmm.inference.fleet.batches import FleetScorer, together
from dagmm.inference.fleet.directory import model_path
from fleets import ASSETS, fleet_table, of_asset
from small_fits import tiny_config

TABLE = fleet_table()
ADD = ("fit", "{0}/train.parquet", "--per", "pump", "--add", "-o", "{0}/fleet")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table of a fleet and the fleet that the command makes of it."""
    folder = tmp_path_factory.mktemp("fleet")
    table = pa.concat_tables([TABLE, fleet_table(("p9",), 30)])
    table = table.append_column("id", pa.array([f"r{i}" for i in range(len(table))]))
    pq.write_table(table, folder / "train.parquet")
    with pytest.MonkeyPatch.context() as patch:
        # Processes beside this one would not know of it.
        patch.setattr(detector, "table_config", tiny_config)
        patch.setattr("dagmm.estimators.fleet_fit.n_cores", lambda: 1)
        arguments = ("fit", str(folder / "train.parquet"), "--per", "pump", "--id", "id")
        result = run(*arguments, "-o", str(folder / "fleet"), "--json")
        assert result.exit_code == 0, result.output
    (folder / "said.json").write_text(result.stdout)
    (folder / "notes").write_text(result.stderr)
    return folder


def test_fit_says_what_has_no_model_of_its_own(place):
    said = json.loads((place / "said.json").read_text())
    assert said["assets"] == 6
    assert said["rows"] == 630
    assert said["without_own_model"] == ["p9"]
    note = "note: pump 'p9' is scored by the model of all assets, without one of its own: 30 rows"
    assert note in (place / "notes").read_text()


def test_each_asset_is_fitted_as_it_is_said(place, monkeypatch):
    monkeypatch.setattr(detector, "table_config", tiny_config)
    monkeypatch.setattr("dagmm.estimators.fleet_fit.n_cores", lambda: 1)
    arguments = ("fit", str(place / "train.parquet"), "--per", "pump", "--drop", "id", "--alone")
    result = run(*arguments, "-o", str(place / "told"), "--trim", "0.2", "--max-seconds", "9")
    assert result.exit_code == 0, result.output
    told = DAGMMFleet.load(place / "told")
    assert told.config == {"trim": 0.2, "max_seconds": 9.0}
    whole = DAGMMFleet("pump", together=False).fit(TABLE)
    again = DAGMMFleet("pump", config=told.config, together=False).fit(TABLE)
    np.testing.assert_array_equal(told.energy(TABLE), again.energy(TABLE))
    assert (told.energy(TABLE) != whole.energy(TABLE)).any()
    # What the others were told may be said again, in part too.
    pq.write_table(fleet_table(("p7",), seed=4), place / "p7.parquet")
    arguments = ("fit", str(place / "p7.parquet"), "--per", "pump", "--add", "--trim", "0.2")
    result = run(*arguments, "-o", str(place / "told"))
    assert result.exit_code == 0, result.output
    assert DAGMMFleet.load(place / "told").assets_[-1] == "p7"


def test_scores_are_those_of_python_in_the_order_of_the_table(place):
    out = place / "scores.parquet"
    arguments = ("score", str(place / "fleet"), str(place / "train.parquet"), "-o", str(out))
    result = run(*arguments, "--explain", "1", "--p-value", "--json", "--force")
    assert result.exit_code == 0, result.output
    said, scores = json.loads(result.stdout), pq.read_table(out)
    train = pq.read_table(place / "train.parquet")
    expected = DAGMMFleet.load(place / "fleet")
    np.testing.assert_array_equal(scores["energy"].to_numpy(), expected.energy(train))
    assert scores["id"].to_pylist() == train["id"].to_pylist()
    assert scores["pump"].to_pylist() == train["pump"].to_pylist()
    assert set(scores["scored_by"].to_pylist()) == {"own", "all"}
    assert said["rows"] == 630
    assert said["anomalies"] == int(scores["is_anomaly"].to_numpy().sum())
    assert scores.column_names[-2:] == ["top_feature_1", "scored_by"]


def test_a_table_may_come_in_pieces(place):
    scorer = FleetScorer(DAGMMFleet.load(place / "fleet").fleet_, passed=["pump"])
    whole = scorer.score(TABLE)
    pieces = together(TABLE.to_batches(max_chunksize=50), 70)
    assert pa.concat_tables(map(scorer.score, pieces)).equals(whole.combine_chunks())


def test_info_counts_and_names_folders(place):
    said = json.loads(run("info", str(place / "fleet"), "--json").stdout)
    assert [one["asset"] for one in said["models"] if "folder" in one] != []
    assert said["models"][-1]["why_not_own"] == "30 rows are fewer than 100"
    words = run("info", str(place / "fleet")).stdout
    assert re.search(r"^by model of all +1$", words, re.M)


def test_assets_are_added(place):
    pq.write_table(fleet_table(("p6",), seed=3), place / "new.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detector, "table_config", tiny_config)
        arguments = ("fit", str(place / "new.parquet"), "--per", "pump", "--add")
        before = DAGMMFleet.load(place / "fleet").energy(TABLE)
        result = run(*arguments, "-o", str(place / "fleet"))
    assert result.exit_code == 0, result.output
    after = DAGMMFleet.load(place / "fleet")
    assert after.assets_[-1] == "p6"
    np.testing.assert_array_equal(after.energy(TABLE), before)


def test_thresholds_move(place):
    result = run("threshold", str(place / "fleet"), "--quantile", "0.9", "--json")
    said = json.loads(result.stdout)
    assert said["rules"] == ["quantile 0.9"]
    assert said["lowest"] <= said["median"] <= said["highest"]
    found = DAGMMFleet.load(place / "fleet")
    energies = [found.detector(asset).threshold_["energy"] for asset in ASSETS]
    assert min(energies) >= said["lowest"]
    assert max(energies) <= said["highest"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("report", "{0}/fleet", "{0}/train.parquet", "-o", "{0}/r.html", "--every", "1s"),
            "--every belongs to the report of one model; that of a fleet counts alarms, not al",
        ),
        (
            ("report", "{0}/fleet", "{0}/train.parquet", "-o", "{0}/r.html", "--group", "id"),
            "--group 'id' differs from column 'pump', which names the assets of this fleet; leave",
        ),
        (
            ("report", "{0}/models/x", "{0}/train.parquet", "-o", "{0}/r", "--unseen", "all"),
            "--unseen belongs to a fleet, and ",
        ),
        (
            ("score", "{0}/fleet", "{0}/none.parquet", "-o", "{0}/s.csv"),
            "none.parquet' has no column 'pump', which names the asset of a row. ",
        ),
        (
            ("drift", "{0}/fleet", "{0}/train.parquet"),
            "is a fleet, and not one model: give the folder of an asset's in models.",
        ),
        (
            ("explain", "{0}/models/x", "{0}/train.parquet", "-o", "{0}/e", "--unseen", "all"),
            "--unseen belongs to a fleet, and ",
        ),
        (
            ("export", "{0}/fleet", "-o", "{0}/m.onnx"),
            "is a fleet, and not one model: give the folder of an asset's in models.",
        ),
        (
            ("score", "{0}/fleet", "{0}/train.csv", "-o", "-", "--follow"),
            "--follow takes one model; give the folder of an asset's.",
        ),
        (
            ("threshold", "{0}/fleet", "--quantile", "0.9", "--k-of-n", "2/3"),
            "fleets follow no alarm logic (--k-of-n, --hysteresis, --hold, --smoothing); set it",
        ),
        (
            ("threshold", "{0}/fleet", "--calibrate", "{0}/train.parquet", "--quantile", "0.9"),
            "--calibrate takes one model; give the folder of an asset's, which dagmm info --json",
        ),
        (
            ("fit", "{0}/train.parquet", "--per", "pump", "-o", "{0}/fleet"),
            "holds a fleet already; choose another directory, add new assets with --add, or add",
        ),
        (
            ("fit", "{0}/train.parquet", "--per", "pump", "-o", "{0}/x", "--checkpoint", "{0}/c"),
            "--checkpoint belongs to the fit of one model; a fleet keeps what is finished in its",
        ),
        (
            ("fit", "{0}/train.parquet", "--per", "pump", "-o", "{0}/x", "--trim", "0.5"),
            "--trim must be in [0, 0.5), got 0.5.",
        ),
        (
            ("fit", "{0}/train.parquet", "--per", "pump", "--group", "id", "-o", "{0}/x"),
            "--group and --per both name the asset of a row; give --per alone.",
        ),
        (
            (*ADD, "--trim", "0.2"),
            "--trim 0.2: with --add assets are fitted as the others of the fleet in ",
        ),
        ((*ADD, "--window", "5", "--time", "when"), "--time 'when': with --add assets are fitted"),
        ((*ADD, "--members", "9"), "with --members 2. Leave it out, or fit another fleet."),
        (("fit", "{0}/train.parquet", "--add", "-o", "{0}/x"), "--add belongs to --per, the col"),
        (("fit", "{0}/train.parquet", "--per", "pumb", "-o", "{0}/x"), "no column 'pumb', which"),
    ],
)
def test_what_is_not_for_fleets_is_refused_in_words(place, arguments, message):
    pq.write_table(TABLE.drop_columns(["pump"]), place / "none.parquet")
    said = failure(*(argument.format(place) for argument in arguments))
    assert re.search(re.escape(message), said), said


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "{0}", "{1}", "-o", "{2}/s.csv"),
        ("explain", "{0}", "{1}", "-o", "{2}/e.csv"),
        ("report", "{0}", "{1}", "-o", "{2}/r.html", "--no-compare"),
        ("drift", "{0}", "{1}"),
        ("threshold", "{0}", "--calibrate", "{1}", "--quantile", "0.9"),
        ("update", "{0}", "{1}"),
    ],
)
def test_the_folder_of_an_asset_refuses_rows_of_others(place, tmp_path, arguments):
    pq.write_table(of_asset(TABLE, "p1"), tmp_path / "p1.parquet")
    folder = model_path(place / "fleet", "p2")
    said = failure(*(one.format(folder, tmp_path / "p1.parquet", tmp_path) for one in arguments))
    assert "column 'pump' names 'p1' in row 0; this model is of a fleet, and was fitted to" in said


def test_info_says_whose_rows_a_model_is_of(place):
    folder = model_path(place / "fleet", "p2")
    said = json.loads(run("info", str(folder), "--json").stdout)
    assert said["asset"] == {"column": "pump", "name": "p2"}
    assert re.search(r"^asset +p2 \(column 'pump'\)$", run("info", str(folder)).stdout, re.M)


@pytest.mark.parametrize("options", [(), ("--all",)])
def test_reasons_are_those_of_python_in_the_order_of_the_table(
    place, tmp_path, monkeypatch, options
):
    monkeypatch.setattr("dagmm.cli.jobs.fleet_explain.ROWS_AT_ONCE", 200)
    monkeypatch.setattr("dagmm.cli.jobs.fleet_explain.together", cut)
    out = tmp_path / "e.parquet"
    arguments = ("explain", str(place / "fleet"), str(place / "train.parquet"), "-o", str(out))
    result = run(*arguments, "--top", "1", "--json", *options)
    assert result.exit_code == 0, result.output
    said, found = json.loads(result.stdout), pq.read_table(out)
    train, fleet = pq.read_table(place / "train.parquet"), DAGMMFleet.load(place / "fleet")
    wanted = np.flatnonzero(np.ones(630, bool) if options else fleet.predict(train) == -1)
    assert found["row"].to_pylist() == wanted.tolist()
    assert found["id"].to_pylist() == train["id"].take(pa.array(wanted)).to_pylist()
    np.testing.assert_array_equal(found["energy"], fleet.energy(train)[wanted])
    assert (said["rows"], said["explained"]) == (630, len(wanted))
    assert set(found["scored_by"].to_pylist()) <= {"own", "all"}
    pump = np.array(train["pump"].to_pylist())
    for asset, explanation in fleet.explain(train).items():
        own = np.isin(np.flatnonzero(pump == asset), wanted)
        top = found.filter(pc.equal(found["pump"], asset))["top_feature_1"].to_pylist()
        assert top == explanation.top_features(1)[own, 0].tolist()


@pytest.mark.parametrize("rows_at_once", [2**19, 100])
def test_a_report_is_that_of_python(place, tmp_path, monkeypatch, rows_at_once):
    monkeypatch.setattr("dagmm.cli.jobs.fleet_report.ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr("dagmm.cli.jobs.fleet_report.together", cut)
    arguments = ("report", str(place / "fleet"), str(place / "train.parquet"), "--json")
    result = run(*arguments, "-o", str(tmp_path / "r.html"), "--label", "id", "--normal", "r0")
    assert result.exit_code == 0, result.output
    said, train = json.loads(result.stdout), pq.read_table(place / "train.parquet")
    labels = [name != "r0" for name in train["id"].to_pylist()]
    names = {"table_name": "train.parquet", "model_name": "fleet"}
    made = make_report(place / "fleet", train, labels=labels, **names)
    assert (tmp_path / "r.html").read_text("utf-8") == made.html
    assert (said["rows"], said["assets"]) == (630, len(made.contents.assets))
    assert said["alarms"] == made.contents.n_alarms
    assert said["by_model_of_all"] == 1


def cut(batches, at_least):
    """Cut a table anew, into parts of so many rows at most."""
    whole = pa.concat_tables(batches)
    return (whole.slice(i, at_least) for i in range(0, whole.num_rows, at_least))
