"""Saved windows: every field is checked before it is used."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from dagmm import DAGMMDetector, ModelFileError
from dagmm._core.atomic_files import checksum_of
from small_fits import normal, tiny_detector, tiny_window_config


def frame(n=100, seed=0):
    table = pd.DataFrame(normal(n, 2, seed), columns=["x", "y"])
    return table.assign(t=np.arange(n) * 1.0, g=["a", "b"] * (n // 2))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        tiny_detector(time="t", group="g", window=5).fit(frame()).save(directory)
    return directory


@pytest.fixture
def copy(saved, tmp_path):
    for file in saved.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def read(directory):
    return json.loads((directory / "manifest.json").read_text("utf-8"))


def write(directory, plain):
    plain["checksum"] = checksum_of(plain)
    (directory / "manifest.json").write_text(json.dumps(plain), "utf-8")


def refused(directory, reason, file="manifest.json"):
    with pytest.raises(ModelFileError) as caught:
        DAGMMDetector.load(directory)
    assert str(caught.value) == f"restore: {str(directory / file)!r} is damaged: {reason}."


def test_summaries_of_an_earlier_format_are_refused(copy):
    write(copy, read(copy) | {"format_version": 2})
    with pytest.raises(ModelFileError) as caught:
        DAGMMDetector.load(copy)
    assert str(caught.value) == (
        f"restore: {str(copy / 'manifest.json')!r} has format 2, whose windows do not say how "
        "much each column moves; fit the model again."
    )


def test_what_is_saved_is_plain(saved):
    assert read(saved)["windows"] == {
        "time": "t",
        "group": "g",
        "n_steps": 5,
        "step": 1,
        "interval": 2.0,
        "gap": 20.0,
        "detail": "summary",
    }


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("time", None, "windows.time must be a string, got None"),
        ("time", "x", "windows.time must be a column that is not used, got 'x'"),
        ("group", "q", "windows.group must be a column that is not used, got 'q'"),
        ("group", "t", "windows.group must be another column than time, got 't'"),
        ("n_steps", 1, "windows.n_steps must be from 2 to 1048576, got 1"),
        ("n_steps", 2**21, "windows.n_steps must be from 1 to 1048576, got 2097152"),
        ("step", 0, "windows.step must be from 1 to 16777216, got 0"),
        ("interval", -1.0, "windows.interval must be a number >= 0, got -1.0"),
        ("gap", 1.0, "windows.gap must be a number that is not less than interval, got 1.0"),
        ("detail", "all", "windows.detail must be one of summary, sequence, got 'all'"),
    ],
)
def test_a_field_that_windows_cannot_have_is_named(copy, name, value, reason):
    plain = read(copy)
    plain["windows"][name] = value
    write(copy, plain)
    refused(copy, reason)


def test_missing_and_unknown_fields_and_other_widths_are_named(copy):
    plain = read(copy)
    whole = json.loads(json.dumps(plain))
    del plain["windows"]["gap"]
    write(copy, plain)
    refused(copy, "windows has no 'gap'")
    plain = json.loads(json.dumps(whole))
    plain["windows"]["more"] = 1
    write(copy, plain)
    refused(copy, "windows has an unknown field 'more'")
    plain = json.loads(json.dumps(whole))
    plain["windows"]["n_steps"] = 2
    write(copy, plain)
    refused(copy, "views.1.view.stop must be more than start, and at most 10, got 12")
    plain = json.loads(json.dumps(whole))
    plain["views"][1]["kind"] = "normal_score"
    write(copy, plain)
    refused(copy, "views.1.kind must be one of normal_scores, input_part, got 'normal_score'")
    plain = json.loads(json.dumps(whole))
    plain["windows"] = None
    write(copy, plain)
    refused(copy, "views.0.view.stop must be more than start, and at most 2, got 6")


@pytest.mark.parametrize(
    ("name", "index", "value", "reason"),
    [
        ("windows.nonstationary", 0, 2, "array 'windows.nonstationary' must be 0 or 1"),
        ("windows.scale", 1, 0.0, "array 'windows.scale' must be > 0"),
        ("windows.centre", 1, np.nan, "array 'windows.centre' holds values that are not finite"),
    ],
)
def test_arrays_that_windows_cannot_have_are_named(copy, name, index, value, reason):
    plain = read(copy)
    file = copy / plain["arrays"]
    arrays = {key: array.copy() for key, array in safetensors.numpy.load_file(file).items()}
    arrays[name][index] = value
    data = safetensors.numpy.save(arrays)
    plain["arrays"] = f"arrays-{hashlib.sha256(data).hexdigest()}.safetensors"
    (copy / plain["arrays"]).write_bytes(data)
    write(copy, plain)
    refused(copy, reason, plain["arrays"])


STRANGE = [None, True, 0, -1, 2, 10**30, 1.5, -0.5, "", "x", "g", [], {}, ["x"]]


def test_any_field_changed_is_refused_or_loads(copy):
    plain, refusals = read(copy), 0
    for name in plain["windows"]:
        for value in STRANGE:
            new = json.loads(json.dumps(plain))
            new["windows"][name] = value
            write(copy, new)
            try:
                energy = DAGMMDetector.load(copy).energy(frame(6))
            except ModelFileError:
                refusals += 1
            else:
                assert np.isfinite(energy).all()
    assert refusals > 70


def test_a_clock_that_stands_still_is_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
    table = frame().assign(t=0.0)
    detector = tiny_detector(time="t", window=5).fit(table)
    detector.save(tmp_path / "m")
    assert read(tmp_path / "m")["windows"]["gap"] is None
    again = DAGMMDetector.load(tmp_path / "m")
    np.testing.assert_array_equal(again.energy(table), detector.energy(table))
