"""``dagmm fit`` that ends early: what ``--checkpoint`` and ``--max-seconds`` say, what is left."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as arrow_csv
import pytest

from command import failure, run, sensors
from dagmm.estimators.detector import DAGMMDetector
from dagmm.training.checkpoint.directory import Checkpoint
from dagmm.training.config import DetectorConfig
from images import as_bytes, blobs, tiny_image_config
from small_fits import tiny_config

FIT = ("fit", "t.csv", "--id", "part", "--label", "fault", "--members", "1")
GOING_ON = "resuming from 'ck': 1 member at epoch 2 of 2\n"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with a table, and train in no time."""
    arrow_csv.write_csv(sensors(), tmp_path / "t.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    return tmp_path


def interrupt(*arguments: object, **options: object) -> None:
    raise KeyboardInterrupt


def content(path: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path(path).iterdir()}


def test_a_fit_that_was_stopped_goes_on_and_leaves_only_the_model(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*FIT, "-o", "whole").exit_code == 0
    command = (*FIT, "-o", "model", "--checkpoint", "ck")
    with monkeypatch.context() as patch:
        patch.setattr(DAGMMDetector, "save", interrupt)
        assert run(*command).exit_code == 130
    assert sorted(content("ck")) == ["checkpoint.json", "member-0.safetensors", "saving.json"]
    # What a save leaves behind that is killed half way.
    Path("model").mkdir()
    for name in (f".arrays.{'0' * 16}.part", *(content("whole").keys() - {"manifest.json"})):
        Path("model", name).write_text("half")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "delete", interrupt)
        result = run(*command)
    assert result.exit_code == 130
    assert result.stderr == GOING_ON + "dagmm: interrupted\n"
    # Stopped between the two: the model is whole, and the same command goes on.
    assert content("model") == content("whole")
    quiet = run(*command, "--quiet")
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert content("model").keys() == content("whole").keys()
    assert sorted(path.name for path in there.iterdir()) == ["model", "t.csv", "whole"]
    assert "holds a model already" in failure(*command)
    fresh = run(*command, "--force")
    assert (fresh.exit_code, fresh.stderr) == (0, "")


@pytest.mark.parametrize("steps", range(4))
def test_a_fit_that_was_stopped_while_it_tidied_up_succeeds_again(
    there: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    command = (*FIT, "-o", "model", "--checkpoint", "ck")
    left, unlink = [steps], Path.unlink

    def dying(path: Path, missing_ok: bool = False) -> None:
        if path.parent.name == "ck":
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", dying)
        stopped = run(*command)
    kept = content("model")
    if steps == 3:  # there are three files to delete
        assert stopped.exit_code == 0
        return
    assert stopped.exit_code == 130
    assert "threshold" in stopped.stdout, "all that is asked for has been done by then"
    assert run(*command).exit_code == 0
    assert content("model") == kept
    assert sorted(path.name for path in there.iterdir()) == ["model", "t.csv"]


def test_a_model_of_somebody_else_is_not_replaced(there: Path) -> None:
    command = (*FIT, "-o", "model", "--checkpoint", "ck")
    assert run(*FIT, "-o", "model").exit_code == 0
    assert "holds a model already" in failure(*command)
    DAGMMDetector(n_members=1).fit(np.random.default_rng(0).normal(size=(40, 3)), checkpoint="ck")
    Checkpoint("ck").announce("another")
    assert "holds a model already" in failure(*command)


def test_images_are_kept_too(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)
    np.save("x.npy", as_bytes(blobs()))
    command = ("fit", "x.npy", "-o", "model", "--members", "1", "--checkpoint", "ck")
    with monkeypatch.context() as patch:
        patch.setattr(DAGMMDetector, "save", interrupt)
        assert run(*command).exit_code == 130
    result = run(*command)
    assert (result.exit_code, result.stderr) == (0, GOING_ON)
    assert not Path("ck").exists()


@pytest.mark.parametrize(
    ("checkpoint", "model"), [("m", "m"), ("m/ck", "m"), ("ck", "ck/m"), ("./x/../m", "m")]
)
def test_model_and_checkpoint_lie_apart(there: Path, checkpoint: str, model: str) -> None:
    assert failure(*FIT, "-o", model, "--checkpoint", checkpoint) == (
        f"dagmm: --checkpoint {checkpoint!r} and the model {model!r} must be two directories, and "
        "neither may lie in the other.\n"
    )


def test_what_cannot_be_a_checkpoint_is_said_before_the_table_is_read(there: Path) -> None:
    Path("notes").mkdir()
    Path("notes/mine.txt").write_text("mine")
    for path, why in (
        ("notes", "holds files that are not a checkpoint; choose another directory."),
        ("t.csv", "is a file; a checkpoint is a directory."),
        ("a/b", "cannot be made, because 'a' is not a directory; make that first."),
    ):
        message = failure("fit", "missing.csv", "-o", "model", "--checkpoint", path)
        assert message == f"dagmm: checkpoint: {path!r} {why}\n"


def test_the_checkpoint_of_another_fit_is_said_in_one_line(there: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    DAGMMDetector(n_members=1).fit(x, checkpoint="ck")
    before = content("ck")
    message = failure(*FIT, "-o", "model", "--checkpoint", "ck")
    assert message == (
        "dagmm: checkpoint: 'ck' belongs to another fit, which differs in n_features (3 there, "
        "5 here), n_rows (40 there, 160 here), the training rows, the inputs of each network; "
        "choose another directory, or delete that one.\n"
    )
    assert content("ck") == before


def test_a_bound_on_the_seconds_says_where_it_ended_the_training(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_cycles(*shape: Any, **more: Any) -> DetectorConfig:
        config = tiny_config(*shape, **more)
        return replace(config, training=replace(config.training, cycles=3))

    monkeypatch.setattr("dagmm.estimators.detector.table_config", in_cycles)
    result = run(*FIT, "-o", "model", "--max-seconds", "1e-9")
    assert result.exit_code == 0
    assert "--max-seconds ends the training after 2 of at most 14 epochs\n" in result.stderr
