"""The MLflow flavour, against MLflow itself where it is installed."""

import importlib.util

import numpy as np
import pytest

import dagmm.mlflow
from dagmm import DAGMM
from dagmm._core.errors import MissingExtraError
from dagmm.inference.calibration.threshold import p_value_of
from small_fits import TINY, normal, tiny_dagmm, tiny_detector

HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None
needs_mlflow = pytest.mark.skipif(not HAS_MLFLOW, reason="MLflow is not installed")


@pytest.mark.skipif(HAS_MLFLOW, reason="MLflow is installed")
def test_without_mlflow_an_error_says_what_to_install(tmp_path):
    said = r'^this needs MLflow, which is not installed; pip install "dagmm\[mlflow\]"\.$'
    with pytest.raises(MissingExtraError, match=said):
        dagmm.mlflow.load_model("models:/m/1")
    with pytest.raises(MissingExtraError, match=said):
        dagmm.mlflow.save_model(tmp_path, tmp_path / "m")


@pytest.fixture(scope="module")
def detector():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(normal(60), columns=["a", "b", "c"])
    return tiny_detector(config=TINY).fit(table).tag(name="pump", tags={"line": "3"})


@pytest.mark.filterwarnings("ignore")  # MLflow's own
@needs_mlflow
def test_a_model_comes_back_from_a_run_without_pickle(detector, tmp_path, monkeypatch):
    pytest.importorskip(
        "sqlalchemy", reason="runs are kept in SQLite, as mlflow-skinny alone cannot"
    )
    import mlflow
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    with mlflow.start_run():
        info = dagmm.mlflow.log_model(detector, "pump")
    rows = pd.DataFrame(normal(20, seed=1), columns=["a", "b", "c"], index=np.arange(20) + 5)
    scored = mlflow.pyfunc.load_model(info.model_uri).predict(rows)
    energy = detector.energy(rows)
    assert list(scored.columns) == ["energy", "is_anomaly", "p_value"]
    assert (scored.index == rows.index).all()
    np.testing.assert_array_equal(scored["energy"], energy)
    np.testing.assert_array_equal(scored["is_anomaly"], detector.predict(rows) == -1)
    np.testing.assert_array_equal(
        scored["p_value"], p_value_of(detector.model_.calibration, energy)
    )
    again = dagmm.mlflow.load_model(info.model_uri)
    np.testing.assert_array_equal(again.energy(rows), energy)
    assert again.get_params() == detector.get_params()
    assert info.metadata["dagmm"]["tags"] == {"line": "3"}
    kept = [file.suffix for file in tmp_path.rglob("*") if file.is_file()]
    assert ".safetensors" in kept
    assert not {".pkl", ".pickle", ".joblib"} & set(kept)


@pytest.mark.filterwarnings("ignore")
@needs_mlflow
def test_a_saved_folder_and_a_model_without_threshold(tmp_path):
    import mlflow

    fitted = tiny_dagmm().fit(normal())
    fitted.save(tmp_path / "saved")
    dagmm.mlflow.save_model(tmp_path / "saved", tmp_path / "m")
    scored = mlflow.pyfunc.load_model(str(tmp_path / "m")).predict(normal(5, seed=1))
    np.testing.assert_array_equal(scored["energy"], fitted.predict(normal(5, seed=1)))
    assert list(scored.columns) == ["energy"]
    assert isinstance(dagmm.mlflow.load_model(str(tmp_path / "m")), DAGMM)
