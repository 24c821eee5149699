"""``dagmm export``."""

import json

import numpy as np
import pytest

from command import failure, run
from onnx_models import run_graph
from small_fits import normal, tiny_config, tiny_dagmm, tiny_detector


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A detector, and where it is saved."""
    path = tmp_path_factory.mktemp("saved") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        detector = tiny_detector().fit(normal(120, 10))
    detector.save(path)
    return detector, str(path)


def test_a_saved_model_becomes_a_graph(saved, tmp_path):
    (detector, model), output = saved, str(tmp_path / "m.onnx")
    said = json.loads(run("export", model, "-o", output, "--json").stdout)
    assert said["inputs"] == [*(f"x{i}" for i in range(10)), "threshold"]
    assert said["outputs"] == ["label", "scores", "energy", "p_value"]
    assert (said["checked_rows"], said["output"]) == (512, output)
    assert said["difference"] <= 1e-5
    x = normal(30, 10, seed=1)
    found = run_graph(output, {f"x{i}": x[:, [i]] for i in range(10)})
    np.testing.assert_array_equal(found["label"], detector.predict(x))


def test_in_words_no_more_inputs_are_named_than_can_be_read(saved, tmp_path):
    result = run("export", saved[1], "-o", str(tmp_path / "m.onnx"))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[2].split() == ["inputs", "x0"]
    assert lines[10].strip() == "and 3 more"


def test_standard_output_takes_the_graph(saved, tmp_path):
    result = run("export", saved[1], "-o", "-")
    assert result.exit_code == 0
    assert "standard output" in result.stderr
    (tmp_path / "m.onnx").write_bytes(result.stdout_bytes)
    assert "energy" in run_graph(tmp_path / "m.onnx", {f"x{i}": [[0.0]] for i in range(10)})


def test_a_file_is_replaced_only_by_force(saved, tmp_path):
    output = tmp_path / "m.onnx"
    output.write_text("mine")
    assert "exists already; choose another name, or add --force" in failure(
        "export", saved[1], "-o", str(output)
    )
    assert output.read_text() == "mine"
    assert run("export", saved[1], "-o", str(output), "--force").exit_code == 0


def test_a_model_without_a_threshold(tmp_path):
    tiny_dagmm().fit(normal(60)).save(tmp_path / "model")
    result = run("export", str(tmp_path / "model"), "-o", str(tmp_path / "m.onnx"), "--json")
    said = json.loads(result.stdout)
    assert (said["inputs"], said["outputs"]) == (["x0", "x1", "x2"], ["energy", "p_value"])
