"""A graph scores as the library does, and what no graph holds is refused in words."""

import json
import re
import sys
from dataclasses import replace

import numpy as np
import onnx
import pyarrow as pa
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from dagmm import ArgumentError
from dagmm._core.errors import ExportError, MissingExtraError
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.threshold import Threshold
from dagmm.inference.ensemble import TrainedNetwork
from dagmm.inference.export.check import check_graph
from dagmm.inference.export.export import export_onnx
from dagmm.inference.export.model_graph import energy_of, graph_of
from dagmm.inference.export.onnx_file import model_bytes
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.windows.features import WindowFeatures
from dagmm.preprocessing.windows.spec import WindowSpec
from onnx_models import feeds_for, odd_table, run_graph, session_of
from small_fits import in_float64, normal, tiny_config, tiny_dagmm, tiny_detector

#: The input of a column that has the name of an output.
NAMES = {"energy": "column_energy"}


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        yield


@pytest.fixture(scope="module")
def detector():
    return tiny_detector().fit(odd_table())


@pytest.fixture(scope="module")
def path(detector, tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    detector.export_onnx(path)
    return path


@pytest.fixture(scope="module")
def rows():
    """Rows of any kind, without what the library refuses."""
    return odd_table(400, 1, strange=True)


def assert_equal(found, detector, table):
    energy = detector.energy(table)
    near = 1e-5 * np.maximum(1.0, np.abs(energy))
    assert (np.abs(found["energy"] - energy) <= near).all()
    sure = np.abs(energy - detector.model_.threshold) > near
    np.testing.assert_array_equal(found["label"][sure], detector.predict(table)[sure])
    np.testing.assert_allclose(
        found["scores"], detector.decision_function(table), rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(found["p_value"], detector.p_value(table), rtol=0.02, atol=1e-6)


def test_a_graph_scores_as_the_library_does(detector, path, rows):
    found = run_graph(path, feeds_for(rows, NAMES))
    assert_equal(found, detector, rows)
    assert {-1, 1} == set(found["label"])
    assert found["label"].dtype == np.int64


def test_what_differs_is_the_rounding_of_networks_to_float32(detector, rows, tmp_path):
    """In float64 a graph agrees with the formulas far better than either does in float32."""
    model, table = detector.model_, as_rows(rows, columns=detector.model_.columns)
    with np.errstate(all="ignore"):
        features = np.concatenate([model.encoder.encode(chunk) for chunk in table.chunks()])
        exact = energy_of(model, features, np.float64)
    far = {}
    for dtype in (np.float32, np.float64):
        (tmp_path / "model.onnx").write_bytes(model_bytes(graph_of(model, dtype), {}, {}))
        found = run_graph(tmp_path / "model.onnx", feeds_for(rows, NAMES))["energy"]
        far[dtype] = np.abs(found - exact) / np.maximum(1.0, np.abs(exact))
    assert far[np.float64].max() < 1e-7  # what is left is of encoded rows, which are float32
    assert np.median(far[np.float64]) < 1e-11 < 1e-9 < np.median(far[np.float32])
    assert 1e-7 < far[np.float32].max() < 1e-5


def test_a_network_in_float64_is_so_in_a_graph(detector, rows, tmp_path):
    """Beside one in float32, which alone rounds."""
    model = detector.model_
    differences = []
    for one in (in_float64(model, n) for n in range(3)):
        export_onnx(one, tmp_path / "m.onnx", force=True)
        found = run_graph(tmp_path / "m.onnx", feeds_for(rows, NAMES))["energy"]
        energy = one.energy(rows)
        differences.append(np.abs(found - energy) / np.maximum(1.0, np.abs(energy)))
    medians = [float(np.median(one)) for one in differences]
    assert medians[0] > medians[1] > 1e-9 > 1e-11 > medians[2]
    assert differences[2].max() < 1e-7  # of encoded rows, which are float32


@pytest.mark.parametrize("n_rows", [1, 2, 17])
def test_any_number_of_rows(detector, path, rows, n_rows):
    some = rows.slice(7, n_rows)  # the first of them lacks all values
    assert_equal(run_graph(path, feeds_for(some, NAMES)), detector, some)


def test_each_column_is_an_input_by_its_name(path):
    session = session_of(path)
    inputs = {one.name: (one.type, one.shape) for one in session.get_inputs()}
    number, text = ("tensor(double)", ["rows", 1]), ("tensor(string)", ["rows", 1])
    assert inputs == {
        "温度 (℃)": number,
        "column_energy": number,
        "flow": number,
        "constant": number,
        "tool": text,
        "when": number,
    }
    outputs = [(one.name, one.type, one.shape) for one in session.get_outputs()]
    assert outputs == [
        ("label", "tensor(int64)", ["rows", 1]),
        ("scores", "tensor(double)", ["rows", 1]),
        ("energy", "tensor(double)", ["rows", 1]),
        ("p_value", "tensor(double)", ["rows", 1]),
    ]


def test_the_threshold_may_be_given(detector, path, rows):
    (one,) = session_of(path).get_overridable_initializers()
    assert (one.name, one.shape) == ("threshold", [])
    threshold = float(np.median(detector.energy(rows)))
    found = run_graph(path, {**feeds_for(rows, NAMES), "threshold": np.array(threshold)})
    np.testing.assert_array_equal(found["label"] == -1, found["energy"] > threshold)
    assert_equal(found, moved(detector, threshold), rows)


def moved(detector, threshold):
    other = tiny_detector()
    other.n_features_in_, other.feature_names_in_ = 6, detector.feature_names_in_
    other._take(detector.model_.with_threshold(Threshold(threshold, "test")))
    return other


def test_the_metadata_tell_what_the_model_is_and_takes(detector, path):
    said = {one.key: json.loads(one.value) for one in onnx.load(path).metadata_props}
    card, columns = said["dagmm.model_card"], said["dagmm.columns"]
    assert card["threshold"] == detector.threshold_["energy"]
    assert card["fingerprint"] == detector.model_.record.fingerprint
    assert [one["name"] for one in columns] == list(odd_table().column_names)
    by_name = {one["name"]: one for one in columns}
    assert by_name["energy"]["input"] == "column_energy"
    assert sorted(by_name["tool"]["categories"]) == ["drill", "mill", "旋盤"]
    assert by_name["when"]["takes"].startswith("seconds since 1970-01-01 00:00")


def test_what_is_returned_says_what_was_checked(detector, tmp_path):
    exported = detector.export_onnx(tmp_path / "m.onnx")
    assert exported.inputs[-1] == "threshold"
    assert exported.outputs == ("label", "scores", "energy", "p_value")
    assert exported.n_bytes == (tmp_path / "m.onnx").stat().st_size
    assert exported.check.n_rows == 512
    assert exported.check.difference <= 1e-5
    assert exported.check.runtime.startswith("onnxruntime ")


def test_without_onnxruntime_onnx_checks(detector, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    check = detector.export_onnx(tmp_path / "m.onnx").check
    assert check.runtime == f"onnx.reference {onnx.__version__}"
    assert check.difference <= 1e-5


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
def test_tables_of_scikit_learn(load, tmp_path):
    x, _ = load(return_X_y=True)
    detector = tiny_detector().fit(x[::2])
    detector.export_onnx(tmp_path / "m.onnx")
    feeds = {f"x{i}": column[:, None] for i, column in enumerate(x.T)}
    assert_equal(run_graph(tmp_path / "m.onnx", feeds), detector, x)


def test_the_model_of_the_paper_has_no_decision(tmp_path):
    x = normal(100)
    model = tiny_dagmm(comp_activation="selu", est_activation="softplus").fit(x)
    assert model.export_onnx(tmp_path / "m.onnx").outputs == ("energy", "p_value")
    found = run_graph(tmp_path / "m.onnx", {f"x{i}": x[:, [i]] for i in range(3)})
    np.testing.assert_allclose(found["energy"], model.predict(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["p_value"], model.p_value(x), atol=0.02)


def test_texts_and_dates_alone(tmp_path):
    table = odd_table().select(["tool", "when"])
    detector = tiny_detector().fit(table)
    detector.export_onnx(tmp_path / "m.onnx")
    strange = odd_table(50, 2, strange=True).select(["tool", "when"])
    assert_equal(run_graph(tmp_path / "m.onnx", feeds_for(strange)), detector, strange)


def test_columns_of_extreme_magnitude_and_of_any_name(tmp_path):
    x = normal(80) * np.array([1e-300, 1e300, 1.0])
    table = pa.table({"": x[:, 0], "label": x[:, 1], "v1": x[:, 2], "column_label": x[:, 2]})
    detector = tiny_detector().fit(table)
    inputs = detector.export_onnx(tmp_path / "m.onnx").inputs
    assert inputs == ("column_", "column_label_", "v1", "column_label", "threshold")
    names = {"": "column_", "label": "column_label_"}
    assert_equal(run_graph(tmp_path / "m.onnx", feeds_for(table, names)), detector, table)


def test_a_graph_that_differs_is_not_written(detector, tmp_path, monkeypatch):
    other = replace(detector.model_, components=detector.model_.components[:-1])
    monkeypatch.setattr("dagmm.inference.export.export.graph_of", lambda model: graph_of(other))
    with pytest.raises(
        ExportError,
        match=r"^the graph differs from the library, and was not written: the energy of check "
        r"row \d+ is .*, expected .* within 1\.0e-05\. This is a mistake of dagmm",
    ):
        detector.export_onnx(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_decision_is_found(detector):
    other = detector.model_.with_threshold(Threshold(0.5, "test"))
    graph = graph_of(other)
    with pytest.raises(ExportError, match=r"the score of check row 0 is "):
        check_graph(detector.model_, graph, model_bytes(graph, {}, {}))


def test_a_file_that_exists_stays(detector, path):
    before = path.read_bytes()
    with pytest.raises(ArgumentError, match=r"exists already; choose another name"):
        detector.export_onnx(path)
    assert path.read_bytes() == before
    detector.export_onnx(path, force=True)
    assert path.read_bytes() == before


def test_without_onnx_the_extra_is_named(detector, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = 'an export needs the package onnx; pip install "dagmm[onnx]".'
    with pytest.raises(MissingExtraError, match=f"^{re.escape(message)}$"):
        detector.export_onnx(tmp_path / "m.onnx")


INSTEAD = 'score with dagmm itself ("dagmm score", or energy in Python).'


def test_windows_are_refused(detector, tmp_path):
    view = WindowFeatures.unscaled("summary", 4, np.zeros(3, bool))
    windows = WindowSpec("t", None, 1, 1.0, 9.0, view)
    message = (
        "a model of windows cannot be exported, as a graph sees each row by itself; fit one "
        f"without a window, or {INSTEAD}"
    )
    with pytest.raises(ExportError, match=f"^{re.escape(message)}$"):
        export_onnx(replace(detector.model_, windows=windows), tmp_path / "m.onnx")


def test_images_are_refused(detector, tmp_path):
    encoder = ImageEncoder((2, 2, 1), np.zeros(4), 1.0)
    message = f"a model of images cannot be exported; {INSTEAD}"
    with pytest.raises(ExportError, match=f"^{re.escape(message)}$"):
        export_onnx(replace(detector.model_, encoder=encoder), tmp_path / "m.onnx")


def with_architecture(model, **changed):
    """Return a model whose networks are said to be others."""
    components = tuple(
        replace(
            one,
            transform=replace(
                one.transform, architecture=replace(one.transform.architecture, **changed)
            ),
        )
        if isinstance(one.transform, TrainedNetwork)
        else one
        for one in model.components
    )
    return replace(model, components=components)


def test_a_function_as_an_activation_is_refused(detector, tmp_path):
    def cubed(x):
        return np.tanh(x) ** 3

    with pytest.raises(
        ExportError,
        match=r"^comp_activation is the function .*cubed.*, which cannot be exported; fit a model "
        r"with an activation that has a name, such as 'tanh'\.$",
    ):
        export_onnx(with_architecture(detector.model_, comp_activation=cubed), tmp_path / "m.onnx")


def test_convolutions_are_refused(detector, tmp_path):
    message = f"a convolutional network cannot be exported; {INSTEAD}"
    with pytest.raises(ExportError, match=f"^{re.escape(message)}$"):
        export_onnx(with_architecture(detector.model_, shape=(2, 3)), tmp_path / "m.onnx")


def test_a_model_that_fills_no_holes_is_refused(detector, tmp_path):
    encoder = replace(detector.model_.encoder, imputation=None)
    with pytest.raises(ExportError, match=r"^the model fills no holes, .*; fit it again to"):
        export_onnx(replace(detector.model_, encoder=encoder), tmp_path / "m.onnx")


def test_constants_beyond_a_file_are_refused(detector, monkeypatch):
    monkeypatch.setattr("dagmm.inference.export.onnx_file._MOST_BYTES", 2**20 + 1000)
    with pytest.raises(ExportError, match=r"^the model has .* GB of constants, and a file of"):
        model_bytes(graph_of(detector.model_), {}, {})
