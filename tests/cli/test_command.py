"""The command: what it prints, what it writes, how it fails."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

import dagmm
from command import ROWS, failure, run, sensors, shell
from dagmm.data.files import csv
from dagmm.inference.persistence.directory import save_model
from dagmm.inference.record import InputRoles


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a table, a model fitted to it, and what the fit printed."""
    home = tmp_path_factory.mktemp("sensors")
    arrow_csv.write_csv(sensors(), home / "t.csv")
    result = run(
        *("fit", str(home / "t.csv"), "-o", str(home / "model")),
        *("--id", "part", "--label", "fault", "--members", "1", "--json"),
    )
    assert result.exit_code == 0, result.output
    (home / "fit.json").write_text(result.stdout)
    return home


@pytest.fixture
def there(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory from which table and model can be reached."""
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "model"):
        Path(name).symlink_to(home / name)
    return tmp_path


def test_help_is_printed_without_loading_anything_heavy() -> None:
    code = (
        "import sys; from dagmm.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & "
        "{'jax', 'sklearn', 'pyarrow', 'numpy', 'scipy'}))"
    )
    for option in ("--help", "--version"):
        out = subprocess.check_output([sys.executable, "-c", code, option], text=True)
        assert out.endswith("0\n[]\n")
    for command in ("demo", "fit", "score", "explain", "threshold", "info", "compare", "serve"):
        assert run(command, "--help").exit_code == 0


def test_fit_says_what_it_did(home: Path) -> None:
    said = json.loads((home / "fit.json").read_text())
    assert said["model"] == str(home / "model")
    assert (said["rows"], said["columns"], said["text_columns"]) == (ROWS, 3, 1)
    assert (said["members"], said["labelled_anomalies"]) == (1, ROWS // 20)
    assert said["share_above"] == pytest.approx(0.01, abs=0.01)
    assert said["auroc"] > 0.9
    assert 0.0 < said["average_precision"] <= 1.0
    assert said["verdict"][0].startswith("the networks learnt")
    model = dagmm.load_model(home / "model").model
    assert model.threshold == said["threshold"]
    assert model.encoder.columns == ("temp", "torque", "tool")
    assert model.record.roles == InputRoles(ids=("part",), label="fault")


def test_the_same_seed_is_the_same_model(there: Path) -> None:
    options = ("--id", "part", "--drop", "fault", "--members", "1", "--contamination", "0.1")
    result = run("fit", "t.csv", "-o", "again", *options)
    assert result.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert (lines["model"], lines["rows"], lines["members"]) == ("again", str(ROWS), "1")
    assert "auroc" not in lines
    assert result.stderr == ""
    first, again = (dagmm.load_model(path).model for path in ("model", "again"))
    np.testing.assert_array_equal(first.energy(sensors()), again.energy(sensors()))
    assert first.threshold != again.threshold


def test_score_writes_what_the_model_says(there: Path) -> None:
    result = run("score", "model", "t.csv", "-o", "out.csv", "--json")
    assert result.exit_code == 0, result.output
    written = arrow_csv.read_csv("out.csv")
    assert written.column_names == ["part", "fault", "energy", "is_anomaly"]
    model = dagmm.load_model("model").model
    energy = model.energy(sensors())
    np.testing.assert_array_equal(written["energy"], energy)
    np.testing.assert_array_equal(written["is_anomaly"], energy > model.threshold)
    assert written["part"].to_pylist() == sensors()["part"].to_pylist()
    said = json.loads(result.stdout)
    assert (said["output"], said["rows"]) == ("out.csv", ROWS)
    assert said["anomalies"] == int((energy > model.threshold).sum())
    fitted = json.loads((there / "model").resolve().with_name("fit.json").read_text())
    assert said["auroc"] == fitted["auroc"]
    assert said["average_precision"] == fitted["average_precision"]


def test_csv_and_parquet_in_any_batches_give_the_same(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", 500)
    pq.write_table(sensors().drop("fault"), "t.parquet")
    assert run("score", "model", "t.csv", "-o", "a.parquet").exit_code == 0
    assert run("score", "model", "t.parquet", "-o", "b.parquet").exit_code == 0
    a, b = pq.read_table("a.parquet"), pq.read_table("b.parquet")
    assert b.column_names == ["part", "energy", "is_anomaly"]
    assert a.drop("fault").equals(b)


def test_unseen_texts_and_other_columns_are_taken(there: Path) -> None:
    rows = "tool,extra,torque,temp\nlathe,x,0.5,-0.5\nmill,y,0.5,-0.5\n"
    Path("new.csv").write_text(rows)
    result = run("score", "model", "new.csv", "-o", "-")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "energy,is_anomaly"
    assert float(lines[1].split(",")[0]) > float(lines[2].split(",")[0])
    assert result.stderr.startswith(
        "note: 'new.csv' has no column 'part', an identifier at the fit\n"
        "output     standard output\n"
    )
    assert "auroc" not in result.stderr
    assert run("score", "model", "new.csv", "-o", "-", "--quiet").stderr == ""


def test_labels_as_text_need_to_be_told_which_is_normal(there: Path) -> None:
    fault = np.where(sensors()["fault"].to_numpy() == 1, "stuck", "ok")
    arrow_csv.write_csv(sensors().drop("fault").append_column("state", pa.array(fault)), "s.csv")
    score = ("score", "model", "s.csv", "-o", "out.csv", "--label", "state")
    assert failure(*score) == (
        "dagmm: 's.csv': label column 'state' holds text; say which values are normal with "
        "--normal. Values seen: 'ok', 'stuck'.\n"
    )
    assert not Path("out.csv").exists()
    said = json.loads(run(*score, "--normal", "ok", "--json").stdout)
    assert said["labelled_anomalies"] == ROWS // 20
    assert said["auroc"] > 0.9
    assert failure(
        *("fit", "s.csv", "-o", "m", "--id", "part", "--label", "state", "--normal", "good")
    ) == (
        "dagmm: 's.csv': no row of label column 'state' is 'good', as --normal says. "
        "Values seen: 'ok', 'stuck'.\n"
    )


def test_a_label_may_not_be_missing(there: Path) -> None:
    Path("s.csv").write_text("temp,torque,tool,fault\n1,-1,mill,0\n1,-1,mill,\n")
    assert failure("score", "model", "s.csv", "-o", "-", "--quiet") == (
        "dagmm: 's.csv': label column 'fault' has no value in row 1; expected one in each row.\n"
    )


FIT = ("fit", "t.csv", "-o", "m")
SCORE = ("score", "model", "t.csv", "-o", "out.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (*FIT, "--label", "Faults"),
            "--label Faults: 't.csv' has no such column. Did you mean 'fault'?",
        ),
        (
            (*FIT, "--drop", "zzz"),
            "--drop zzz: 't.csv' has no such column. It has 'part', 'temp', 'torque', 'tool', "
            "'fault'.",
        ),
        (
            (*FIT, "--id", "part", "--drop", "part"),
            "column 'part' is given as --id and --drop; give it once.",
        ),
        (
            (*FIT, *(f"--drop={name}" for name in sensors().column_names)),
            "'t.csv': no column is left to fit; all 5 are given as --id, --drop or --label.",
        ),
        ((*FIT, "--normal", "0"), "--normal needs --label, the column whose value it is."),
        (
            (*FIT, "--contamination", "0.7"),
            "--contamination must be 'auto' or in (0, 0.5], got 0.7.",
        ),
        (
            (*FIT, "--delimiter", "::"),
            "--delimiter must be one ASCII character, no quote or line break, got '::'.",
        ),
        (
            ("fit", "t.csv", "-o", "model"),
            "'model' holds a model already; choose another directory, or add --force.",
        ),
        (
            ("fit", "t.csv", "-o", ".", "--force"),
            "'.' holds files that are not a saved model; choose another directory.",
        ),
        (("fit", "t.csv", "-o", "t.csv"), "'t.csv' is a file; a model is a directory."),
        (
            ("fit", "gone.csv", "-o", "m"),
            "'gone.csv' does not exist; expected a file that holds a table.",
        ),
        (
            ("score", "model", "t.csv", "-o", "t.csv"),
            "'t.csv' exists already; choose another name, or add --force.",
        ),
        (
            (*SCORE, "--id", "prat"),
            "--id prat: 't.csv' has no such column. Did you mean 'part'?",
        ),
        (
            (*SCORE, "--id", "temp"),
            "column 'temp' is one that this model was fitted on; --id and --label take other "
            "columns.",
        ),
        (
            (*SCORE, "--no-header"),
            "'t.csv' has 5 columns; this model was fitted on 3, of which these are missing: "
            "'temp', 'torque', 'tool'. It has 'x0', 'x1', 'x2', 'x3', 'x4'.",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    there: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(there.iterdir())
    errors = failure(*arguments).removeprefix(
        "note: 't.csv' has no column 'part', an identifier at the fit\n"
    )
    assert errors == f"dagmm: {message}\n"
    assert sorted(there.iterdir()) == before


def test_columns_that_cannot_be_fitted_name_the_options_that_help(there: Path) -> None:
    Path("d.csv").write_text("when,a\n10:14:33,1\n10:14:34,2\n")
    assert failure("fit", "d.csv", "-o", "m") == (
        "dagmm: 'd.csv': column 'when' holds values of type time32[s]; expected numbers, "
        "true/false, text or dates. Pass it through as an identifier (--id 'when') or leave it "
        "out (--drop 'when').\n"
    )
    Path("d.csv").write_text("when,a\nsoon,1\nlater,2\n")
    assert failure("fit", "d.csv", "-o", "m", "--time", "when") == (
        "dagmm: 'd.csv': column 'when', row 0: expected a date such as 2024-03-09 10:14:33, got "
        "'soon'; it is the time axis.\n"
    )
    Path("d.csv").write_text("a\n" + "".join(f"part {i}\n" for i in range(20)))
    assert failure("fit", "d.csv", "-o", "m", "--categorical", "a") == (
        "dagmm: 'd.csv': column 'a' is said to hold categories, but it holds 20 different texts "
        "in 20 rows, which identifies rows rather than describing them; leave it out of the fit.\n"
    )


def test_a_messy_table_is_fitted_and_scored(there: Path) -> None:
    table = sensors().drop("fault").to_pylist()
    lines = ["part;when;line;temp;torque;tool;mode;empty"]
    for i, row in enumerate(table):
        temp = "" if i % 9 == 0 else f"{row['temp']:.4f}".replace(".", ",")
        torque = f"{row['torque']:.4f}".replace(".", ",")
        when = f"2024/01/{1 + i // 24:02d} {i % 24:02d}:00"
        lines.append(f"{row['part']};{when};L{i % 2};{temp};{torque};{row['tool']};{i % 3 + 1};")
    Path("m.csv").write_bytes(("\n".join(lines) + "\n").encode("cp932"))
    options = ("--time", "when", "--group", "line", "--categorical", "mode", "--members", "1")
    result = run("fit", "m.csv", "-o", "m", "--encoding", "cp932", *options, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        "note: column 'empty' is not used: it has no value in any row. Pass --drop 'empty' to "
        "leave it out without this note\n"
        "note: column 'part' is not used: it holds 160 different texts in 160 rows, which "
        "identifies rows rather than describing them. Pass --drop 'part' to leave it out without "
        "this note, or name it in --numeric or --categorical if it does describe the rows\n"
    )
    said = json.loads(result.stdout)
    assert (said["columns"], said["unused_columns"]) == (4, ["when", "line", "empty", "part"])
    described = json.loads(run("info", "m", "--json").stdout)
    assert described["columns"] == [
        {"name": "temp", "kind": "numbers", "had_holes": True},
        {"name": "torque", "kind": "numbers"},
        {"name": "tool", "kind": "text", "categories": 2},
        {"name": "mode", "kind": "text", "categories": 3},
    ]
    assert described["table"]["time"] == "when"
    text = run("info", "m").stdout
    assert "temp (numbers, had holes)" in text
    assert "when: the time axis" in text

    assert run("score", "m", "m.csv", "-o", "out.parquet", "--quiet").exit_code == 0
    scores = pq.read_table("out.parquet")
    assert scores.column_names == ["line", "when", "energy", "is_anomaly"]
    assert np.isfinite(scores["energy"].to_numpy()).all()
    # The same rows in Parquet, with the types that belong to them.
    typed = arrow_csv.read_csv(
        "m.csv",
        parse_options=arrow_csv.ParseOptions(delimiter=";"),
        convert_options=arrow_csv.ConvertOptions(decimal_point=","),
    )
    assert str(typed["mode"].type) == "int64"
    pq.write_table(typed, "t.parquet")
    assert run("score", "m", "t.parquet", "-o", "again.parquet", "--quiet").exit_code == 0
    np.testing.assert_array_equal(pq.read_table("again.parquet")["energy"], scores["energy"])


def test_wrong_cells_are_named_by_their_row_in_the_file(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)
    good = "p,0.5,-0.5,mill,0\n" * 50
    for cell, message in (
        (
            "hot",
            "column 'temp', row 50 (line 52): expected a number, got 'hot'; correct it, or say "
            "--na 'hot' if it stands for a hole.",
        ),
        (
            "inf",
            "column 'temp' holds 1 infinite value, first at row 50; replace them by numbers, or "
            "by NaN where there is no value.",
        ),
    ):
        Path("w.csv").write_text(f"part,temp,torque,tool,fault\n{good}p,{cell},0,mill,0\n{good}")
        assert (
            failure("score", "model", "w.csv", "-o", "out.csv") == f"dagmm: 'w.csv': {message}\n"
        )
        assert not Path("out.csv").exists()


def test_an_output_column_is_never_there_twice(there: Path) -> None:
    Path("e.csv").write_text("energy,temp,torque,tool\n1,1,-1,mill\n")
    assert failure("score", "model", "e.csv", "-o", "-", "--id", "energy") == (
        "dagmm: the output would have two columns 'energy'; choose other columns for --id and "
        "--label, or rename one.\n"
    )


def test_info(there: Path) -> None:
    described = json.loads(run("info", "model", "--json").stdout)
    assert described["estimator"] == "DAGMMDetector"
    assert described["columns"] == [
        {"name": "temp", "kind": "numbers"},
        {"name": "torque", "kind": "numbers"},
        {"name": "tool", "kind": "text", "categories": 2},
    ]
    assert (described["format"], described["rows"]) == (3, ROWS)
    assert described["arguments"]["n_members"] == 1
    assert "n_members=1" in run("info", "model").stdout
    assert described["calibration"] == {
        "rows": ROWS // 4,  # one network, which leaves out a quarter
        "rows_are": "training rows (by networks that were not fitted to them)",
    }
    assert described["threshold_rule"] == "quantile 0.99"
    assert len(described["fingerprint"]) == 64
    text = run("info", "model").stdout
    assert "tool (text, 2 categories)" in text
    (network,) = described["networks"]
    assert network["view"] == "values"
    assert [one["kind"] for one in network["densities"]] == ["row_mixture"]
    of_rows, marginal = described["input_densities"]
    assert (of_rows["kind"], of_rows["view"]) == ("input_mixture", "values")
    assert (marginal["kind"], marginal["components"]) == ("marginal_mixtures", 4)
    assert marginal["share"] == 0.2
    assert "marginal mixtures (4 components) of encoded rows, 20% of the energy" in text
    assert described["fingerprint"] in text
    assert described["verdict"][0] in text
    assert failure("info", "gone") == "dagmm: restore: 'gone' does not exist.\n"


def test_a_model_without_a_threshold_makes_no_decisions(there: Path) -> None:
    saved = dagmm.load_model("model")
    record = replace(saved.model.record, roles=None)
    save_model("plain", replace(saved.model, decision=None, record=record), "DAGMM", {})
    result = run("score", "plain", "t.csv", "-o", "out.csv", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said.keys() == {"output", "rows", "seconds"}
    assert Path("out.csv").read_text().startswith("energy\n")
    assert run("info", "plain").exit_code == 0


HEADER = ["id", "energy", "label"]


def test_demo_can_be_run_again(there: Path) -> None:
    for _ in range(2):
        result = run("demo", "--quiet")
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
    names = sorted(path.name for path in Path("dagmm-demo").iterdir())
    assert names == ["model", "scores.csv", "test.csv", "train.csv"]
    lines = result.stdout.splitlines()
    assert "The 10 strangest rows of 391:" in lines
    start = next(i for i, line in enumerate(lines) if line.split() == HEADER) + 2
    assert sum("malignant" in line for line in lines[start : start + 10]) >= 8
    by_hand = lines[lines.index("The same by hand:") + 1 :]
    assert [line.split()[:2] for line in by_hand] == [["dagmm", "fit"], ["dagmm", "score"]]
    before = Path("dagmm-demo/scores.csv").read_bytes()
    assert run(*by_hand[1].split()[1:]).exit_code == 0
    assert Path("dagmm-demo/scores.csv").read_bytes() == before


def test_usage_errors_are_2() -> None:
    for arguments in (("nope",), ("fit",), ("score", "model", "t.csv"), ("info", "--nope")):
        assert run(*arguments).exit_code == 2
    assert run("fit", "t.csv", "-o", "m", "--members", "0").exit_code == 2


def test_standard_input_and_output(there: Path) -> None:
    with Path("t.csv").open("rb") as stdin:
        process = shell("score", "model", "-", "-o", "-", stdin=stdin)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith(b"part,fault,energy,is_anomaly\np000,0,")
    assert len(out.splitlines()) == ROWS + 1
    assert err.startswith(b"output              standard output\nrows                160\n")


def test_a_reader_that_has_seen_enough_ends_it_quietly(there: Path) -> None:
    process = shell("score", "model", "t.csv", "-o", "-", "--quiet")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=120) == 141
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(there: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = shell("score", "model", "t.csv", "-o", "-", "--quiet", stdout=full)
        _, err = process.communicate(timeout=120)
    assert err == b"dagmm: standard output could not be written: No space left on device\n"
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(signal.SIGINT, 130, b"dagmm: interrupted\n"), (signal.SIGTERM, 143, b"")],
)
def test_an_interrupt_leaves_no_half_written_file(
    there: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, message: bytes
) -> None:
    before = sorted(there.iterdir())
    os.mkfifo("endless.csv")
    process = shell("score", "model", "endless.csv", "-o", "out.csv", "--quiet")
    with Path("endless.csv").open("wb") as pipe:
        header, *rows = Path("t.csv").read_bytes().splitlines(keepends=True)
        # Enough for some batches to be on their way out, and then nothing more.
        pipe.write(header + b"".join(rows) * 10)
        pipe.flush()
        _wait(lambda: any(path.name.startswith(".out") for path in there.iterdir()), process)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    Path("endless.csv").unlink()
    assert (process.returncode, out, err) == (code, b"", message)
    assert sorted(there.iterdir()) == before


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
