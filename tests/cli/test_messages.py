"""What goes wrong is said in words of the command: options, not arguments of Python."""

import re
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

from command import failure, run, sensors
from dagmm.cli.jobs import fit as fit_job


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrow_csv.write_csv(sensors().append_column("row", pa.array(range(160))), "t.csv")


FIT = ("fit", "t.csv", "-o", "m", "--id", "part", "--drop", "fault")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--window", "5"),
            "--window needs --time, the column that says when a row",
        ),
        (("--step", "2"), "--step 2 belongs to --window, and there is none."),
        (("--network", "convolutional"), "--network 'convolutional' belongs to --window, and"),
        (
            ("--window", "1", "--time", "row"),
            "--window must be an int >= 2, a number of rows, a duration such as '60s' or",
        ),
        (
            ("--window", "900", "--time", "row"),
            "'t.csv': --window 900: expected at least 2 windows to fit to, got 0;",
        ),
        (
            ("--window", "5", "--time", "temp"),
            "or name the column of its asset in --group.",
        ),
        (("--contamination", "0.7"), "--contamination must be 'auto' or in (0, 0.5], got 0.7."),
        (("--max-seconds", "0"), "--max-seconds must be a finite number > 0, got 0.0."),
        (("--trim", "0.5"), "--trim must be in [0, 0.5), got 0.5."),
        (("--numeric", "tool"), "dagmm: --numeric names column 'tool', which holds no numbers."),
        (("--time", "row", "--group", "row"), "column 'row' is given as --time and --group; give"),
        (
            ("--time", "tool"),
            "'; it is the time axis.",
        ),
    ],
)
def test_a_fit_that_cannot_be_names_options(arguments: tuple[str, ...], message: str) -> None:
    said = failure(*FIT, *arguments)
    assert message in said
    assert not re.search(r"\b(window|time|group|step|numeric|n_members)=", said)


def test_what_is_in_doubt_names_options() -> None:
    lines = ["temp,n", *(f"{'ERR' if i == 3 else i % 7},{i % 5}" for i in range(60))]
    Path("d.csv").write_text("\n".join(lines) + "\n")
    result = run("fit", "d.csv", "-o", "m", "--members", "1")
    assert result.exit_code == 0, result.output
    assert "replace it by NaN (--na 'ERR') if it stands for a hole" in result.stderr
    assert (
        "pass --categorical 'temp' to read the column as text without this note" in result.stderr
    )
    assert "=[" not in result.stderr


def refuse(*_: Any, **__: Any) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ((*FIT[:2], "-o", "none/m"), "none/m"),
        ((*FIT, "--checkpoint", "kept"), "m"),
        (("compare", "t.csv", "-o", "out.json"), "out.json"),
        (("score", "model", "t.csv", "-o", "out.csv"), "out.csv"),
        (("explain", "model", "t.csv", "-o", "out.csv"), "out.csv"),
        (("report", "model", "t.csv", "-o", "out.html"), "out.html"),
    ],
)
def test_where_nothing_can_be_written_is_said_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], target: str
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    Path("t.csv").unlink()
    said = failure(*arguments)
    assert said == (
        f"dagmm: {target!r} cannot be written: no file can be made in '.': Permission denied.\n"
    )


def test_a_file_where_a_folder_should_be_is_said_before_a_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fit_job, "open_features", refuse)
    assert failure("fit", "t.csv", "-o", "t.csv/sub/m") == (
        "dagmm: 't.csv/sub/m' cannot be written: no file can be made in 't.csv': Not a "
        "directory.\n"
    )
    assert failure(*FIT, "--checkpoint", "none/kept") == (
        "dagmm: checkpoint: 'none/kept' cannot be made, because 'none' is not a directory; make "
        "that first.\n"
    )
