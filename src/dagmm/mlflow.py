"""Models for MLflow: a saved folder as it is, which MLflow's ``python_function`` flavour scores.

Nothing is pickled: what MLflow keeps is the directory that ``save`` writes, and the name of this
module, which reads it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from dagmm._core.errors import MissingExtraError
from dagmm._version import __version__
from dagmm.estimators.base import FittedModelEstimator
from dagmm.estimators.dagmm import DAGMM
from dagmm.estimators.detector import DAGMMDetector
from dagmm.estimators.said import ESTIMATORS
from dagmm.inference.calibration.threshold import is_anomaly, p_value_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model as load_saved


def save_model(model: Any, path: str | os.PathLike[str], **options: Any) -> None:
    """Save a model in MLflow's format.

    Parameters
    ----------
    model : DAGMMDetector, DAGMM or path-like
        Fitted, or the directory of a saved one.
    path : path-like
        A directory that is not there yet.
    **options
        Of ``mlflow.pyfunc.save_model``, such as ``signature`` and ``input_example``.

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.
    NotFittedError, ModelFileError, ModelSaveError
        If the model cannot be saved, or read.
    """
    pyfunc = _pyfunc()
    with _folder_of(model) as folder:
        pyfunc.save_model(path=os.fspath(path), **_described(folder), **options)


def log_model(model: Any, name: str = "model", **options: Any) -> Any:
    """Log a model to the current run of MLflow.

    Parameters
    ----------
    model : DAGMMDetector, DAGMM or path-like
        Fitted, or the directory of a saved one.
    name : str, default="model"
    **options
        Of ``mlflow.pyfunc.log_model``, such as ``registered_model_name``.

    Returns
    -------
    mlflow.models.model.ModelInfo
        With ``model_uri``, which :func:`load_model` and ``mlflow.pyfunc.load_model`` take.

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.
    NotFittedError, ModelFileError, ModelSaveError
        If the model cannot be saved, or read.
    """
    pyfunc = _pyfunc()
    with _folder_of(model) as folder:
        return pyfunc.log_model(name=name, **_described(folder), **options)


def load_model(model_uri: str) -> DAGMM | DAGMMDetector:
    """Return the estimator that was saved or logged.

    Parameters
    ----------
    model_uri : str
        As MLflow has it, such as ``models:/pump/3`` or a path.

    Returns
    -------
    DAGMMDetector or DAGMM

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.
    ModelFileError
        If the model is damaged, foreign or newer.
    """
    _pyfunc()
    local = Path(import_module("mlflow.artifacts").download_artifacts(artifact_uri=model_uri))
    config = import_module("mlflow.models").Model.load(str(local)).flavors["python_function"]
    folder = local / config["data"]
    return ESTIMATORS[load_saved(folder).estimator].load(folder)


class _Scorer:
    """What MLflow's ``python_function`` flavour calls."""

    def __init__(self, model: FittedModel) -> None:
        self._model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return energy, and of a model with a threshold decision and p-value, of each row.

        Parameters
        ----------
        model_input : pandas.DataFrame or ndarray of shape (n_rows, n_columns)
        params : ignored

        Returns
        -------
        pandas.DataFrame
            ``energy`` in nats, ``is_anomaly``, ``p_value``; with the index of the input.
        """
        pandas = import_module("pandas")
        energy = self._model.energy(model_input)
        columns = {"energy": energy}
        if self._model.threshold is not None:
            columns["is_anomaly"] = is_anomaly(energy, self._model.threshold)
            columns["p_value"] = p_value_of(self._model.calibration, energy)
        return pandas.DataFrame(columns, index=getattr(model_input, "index", None))


def _load_pyfunc(path: str) -> _Scorer:
    """Read a model for MLflow, which calls this by its name."""
    return _Scorer(load_saved(path).model)


def _pyfunc() -> Any:
    try:
        return import_module("mlflow.pyfunc")
    except ImportError as error:
        raise MissingExtraError(
            'this needs MLflow, which is not installed; pip install "dagmm[mlflow]".'
        ) from error


def _described(folder: Path) -> dict[str, Any]:
    """Return what MLflow is told of a saved model."""
    revision = load_saved(folder).model.revision.plain()
    return {
        "loader_module": __name__,
        "data_path": str(folder),
        "pip_requirements": [f"dagmm=={__version__}", "pandas"],
        "metadata": {"dagmm": revision},
    }


@contextmanager
def _folder_of(model: Any) -> Iterator[Path]:
    if not isinstance(model, FittedModelEstimator):
        yield Path(model)
        return
    with tempfile.TemporaryDirectory(prefix="dagmm-") as place:
        folder = Path(place) / "dagmm"
        model.save(folder)
        yield folder
