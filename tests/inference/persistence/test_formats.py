"""Models of the format before are read as what they are."""

import json

import numpy as np
import pytest
import safetensors.numpy

from dagmm import ArgumentError, DAGMMDetector
from dagmm._core.atomic_files import checksum_of
from small_fits import TINY, in_float64, normal, tiny_detector


def as_format_1(directory):
    """Take out of a saved model what format 1 did not have."""
    import hashlib

    file = directory / "manifest.json"
    plain = json.loads(file.read_text("utf-8"))
    arrays = safetensors.numpy.load_file(directory / plain["arrays"])
    (directory / plain["arrays"]).unlink()
    del plain["revision"]
    for one in plain["components"]:
        one["density"].pop("has_floor", None)
    for one in plain["networks"]:
        del one["precision"]
    plain["encoder"].pop("asset")
    del plain["calibration"]["series_rows"]
    del plain["threshold"]["alarm_rule"], plain["record"]["advised_window"]
    for diagnostics in plain["record"]["diagnostics"]:
        del diagnostics["relations"]
    new = (".floor", ".series")
    kept = {name: array for name, array in arrays.items() if not name.endswith(new)}
    assert len(kept) < len(arrays)
    data = safetensors.numpy.save(kept)
    plain["arrays"] = f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors"
    (directory / plain["arrays"]).write_bytes(data)
    plain["format_version"] = 1
    plain["checksum"] = checksum_of(plain)
    file.write_text(json.dumps(plain), "utf-8")


def test_a_model_of_format_1_scores_as_before_and_cannot_be_updated(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "dagmm.training.precision.MOST_ROUNDING", np.inf
    )  # all in float32, as then
    detector = tiny_detector(config=TINY).fit(normal(300))
    detector.save(tmp_path / "m")
    as_format_1(tmp_path / "m")
    again, x = DAGMMDetector.load(tmp_path / "m"), normal(50, seed=1)
    # Whose networks all computed in float32.
    energy = in_float64(detector.model_, 0).energy(x)
    np.testing.assert_array_equal(again.energy(x), energy)
    assert again.model_.revision.version == 1
    assert again.drift(x).p_value == pytest.approx(detector.drift(x).p_value)
    with pytest.raises(ArgumentError, match=r"of which no moments are kept; fit the model again"):
        again.update(normal(200, seed=2))
    again.save(tmp_path / "m2")  # in the present format
    assert json.loads((tmp_path / "m2/manifest.json").read_text("utf-8"))["format_version"] == 3
    np.testing.assert_array_equal(DAGMMDetector.load(tmp_path / "m2").energy(x), energy)
