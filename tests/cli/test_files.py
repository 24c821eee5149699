"""The command on files of any format, encoding and compression, and on several at once."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

import dagmm
from command import ROWS, failure, run, sensors
from dagmm.inference.persistence.directory import save_model
from small_fits import tiny_config


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A table with Japanese in it, and a model that was fitted to it."""
    home = tmp_path_factory.mktemp("fitted")
    tools = ["ドリル" if tool == "drill" else "旋盤" for tool in sensors()["tool"].to_pylist()]
    table = sensors().set_column(3, "工具", [tools])
    arrow_csv.write_csv(table, home / "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        options = ("--id", "part", "--id", "工具", "--label", "fault", "--members", "1")
        result = run("fit", str(home / "t.csv"), "-o", str(home / "model"), *options)
    assert result.exit_code == 0, result.output
    return home


@pytest.fixture(autouse=True)
def _there(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    for name in ("t.csv", "model"):
        Path(name).symlink_to(fitted / name)


@pytest.mark.parametrize("command", ["score", "explain"])
def test_what_is_written_opens_in_excel(command):
    for output, options in (("o.csv", ()), ("x.csv", ("--output-encoding", "utf-8-sig"))):
        result = run(command, "model", "t.csv", "-o", output, *options)
        assert result.exit_code == 0, result.output
    marked = Path("x.csv").read_bytes()
    assert marked.startswith("\ufeffpart,工具,".encode())
    assert marked.decode("utf-8-sig") == Path("o.csv").read_text("utf-8")
    assert (
        run(command, "model", "t.csv", "-o", "j.csv", "--output-encoding", "cp932").exit_code == 0
    )
    assert Path("j.csv").read_text("cp932") == Path("o.csv").read_text("utf-8")
    assert failure(command, "model", "t.csv", "-o", "o.pq", "--output-encoding", "cp932") == (
        "dagmm: --output-encoding is that of CSV, which 'o.pq' is not; leave it out.\n"
    )


def split(at, folder="folder"):
    """The table in three files, of which the first is as Excel in Japan writes it."""
    header, *rows = Path("t.csv").read_text("utf-8").splitlines(keepends=True)
    parts = [rows[:at], rows[at : at + 50], rows[at + 50 :]]
    Path(folder).mkdir()
    names = ("1.csv", "2.csv", "10.csv")
    for name, part in zip(names, parts, strict=True):
        Path(folder, name).write_text(header + "".join(part), "cp932" if name == "1.csv" else None)
    return [f"{folder}/{name}" for name in names], list(map(len, parts))


ROLES = ("--id", "part", "--id", "工具", "--label", "fault", "--members", "1")


def test_a_model_of_several_files_is_that_of_one():
    names, _ = split(40)
    whole = dagmm.load_model("model").model
    for i, paths in enumerate((names, ["folder"])):
        result = run("fit", *paths, "-o", f"m{i}", *ROLES, "--json")
        assert result.exit_code == 0, result.output
        assert result.stderr == (
            "note: 'folder/1.csv' is not UTF-8 and is read as CP932; say --encoding cp932 to "
            "leave out this note, or its encoding if it is another one\n"
        )
        assert json.loads(result.stdout)["rows"] == ROWS
        model = dagmm.load_model(f"m{i}").model
        assert model.threshold == whole.threshold
        np.testing.assert_array_equal(model.energy(sensors()), whole.energy(sensors()))


def test_scores_of_several_files_say_which_file_a_row_came_from():
    names, sizes = split(40)
    assert run("score", "model", "t.csv", "-o", "whole.csv").exit_code == 0
    result = run("score", "model", *names, "-o", "s.csv", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows"] == ROWS
    scores = arrow_csv.read_csv("s.csv")
    assert scores.column_names == ["file", "part", "工具", "fault", "energy", "is_anomaly"]
    origin = ["1.csv"] * sizes[0] + ["2.csv"] * sizes[1] + ["10.csv"] * sizes[2]
    assert scores["file"].to_pylist() == origin
    assert scores.drop("file").equals(arrow_csv.read_csv("whole.csv"))
    assert run("score", "model", "folder", "-o", "f.csv").exit_code == 0
    assert Path("f.csv").read_bytes() == Path("s.csv").read_bytes()

    assert run("explain", "model", "folder", "-o", "e.csv", "--all").exit_code == 0
    reasons = arrow_csv.read_csv("e.csv")
    assert reasons["file"].to_pylist() == origin
    assert reasons["row"].to_pylist() == list(range(ROWS))


def test_every_command_takes_several_files():
    names, _ = split(40)
    roles = ("--label", "fault", "--methods", "pca", "--runs", "1", "--id", "part", "--id", "工具")
    result = run("compare", *names, *roles, "--json")
    assert result.exit_code == 0, result.output
    assert run("report", "model", *names, "-o", "r.html", "--no-compare").exit_code == 0
    assert "1.csv, 2.csv, 10.csv" in Path("r.html").read_text("utf-8")
    saved = dagmm.load_model("model")
    save_model("copy", saved.model, saved.estimator, saved.arguments)
    result = run("threshold", "copy", "--calibrate", "folder", "--quantile", "0.9", "--json")
    assert result.exit_code == 0, result.output
    model = dagmm.load_model("copy").model
    assert model.calibration.reference.n_rows == ROWS - ROWS // 20  # but the labelled ones
    assert model.threshold != saved.model.threshold


def test_files_that_do_not_fit_together_are_refused():
    Path("b.csv").write_text("part,temp\n1,2\n")
    assert failure("fit", "t.csv", "b.csv", "-o", "m") == (
        "dagmm: 'b.csv' has no column 'torque', which 't.csv' has; expected the same columns in "
        "all files.\n"
    )
    assert failure("score", "model", "t.csv", "t.csv", "-o", "o.csv") == (
        "dagmm: 't.csv' is given twice; its rows would count twice.\n"
    )
    assert not Path("m").exists()


def test_windows_go_on_from_file_to_file_by_the_clock():
    rng = np.random.default_rng(0)
    times = np.datetime64("2024-01-31T00:00:00") + 10 * np.arange(240)
    times[160:] += 3600  # after this gap a window begins anew
    plant = pa.table({"when": times, "a": rng.normal(size=240), "b": rng.normal(size=240)})
    arrow_csv.write_csv(plant, "whole.csv")
    for name, start, n in (("1.csv", 0, 100), ("2.csv", 100, 60), ("3.csv", 160, 80)):
        arrow_csv.write_csv(plant.slice(start, n), name)
    files = ("1.csv", "2.csv", "3.csv")
    options = ("--time", "when", "--window", "5", "--members", "1", "--quiet")
    for paths, model in ((("whole.csv",), "one"), (files, "several")):
        result = run("fit", *paths, "-o", model, *options)
        assert result.exit_code == 0, result.output
        assert run("score", model, *paths, "-o", f"{model}.csv").exit_code == 0
    scores = arrow_csv.read_csv("several.csv")
    assert scores.drop("file").equals(arrow_csv.read_csv("one.csv"))
    # In another order time would run backwards.
    result = run("score", "one", "2.csv", "1.csv", "-o", "back.csv", "--quiet")
    assert result.exit_code == 1
    assert "'when'" in result.stderr
