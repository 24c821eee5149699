"""Anomaly detection with the Deep Autoencoding Gaussian Mixture Model (Zong et al., 2018).

Names are loaded when they are first used, so that ``import dagmm`` takes no time.
"""

from typing import TYPE_CHECKING, Any

from dagmm._core.lazy_imports import load
from dagmm._version import __version__

if TYPE_CHECKING:
    from dagmm._core.errors import ArgumentError as ArgumentError
    from dagmm._core.errors import DAGMMError as DAGMMError
    from dagmm._core.errors import InputError as InputError
    from dagmm._core.errors import ModelFileError as ModelFileError
    from dagmm._core.errors import ModelSaveError as ModelSaveError
    from dagmm._core.errors import TableWarning as TableWarning
    from dagmm.estimators.dagmm import DAGMM as DAGMM
    from dagmm.estimators.detector import DAGMMDetector as DAGMMDetector
    from dagmm.estimators.fleet import DAGMMFleet as DAGMMFleet
    from dagmm.evaluation.compare import compare as compare
    from dagmm.evaluation.result import Comparison as Comparison
    from dagmm.inference.fitted_model import FittedModel as FittedModel
    from dagmm.inference.persistence.directory import load_model as load_model
    from dagmm.report.fleet_make import FleetReport as FleetReport
    from dagmm.report.make import Report as Report
    from dagmm.report.make import make_report as make_report
    from dagmm.report.plots.model_plots import plot_energy as plot_energy
    from dagmm.report.plots.model_plots import plot_explanation as plot_explanation
    from dagmm.report.plots.model_plots import plot_latent as plot_latent


_HOMES = {
    "DAGMM": "dagmm.estimators.dagmm",
    "DAGMMDetector": "dagmm.estimators.detector",
    "DAGMMFleet": "dagmm.estimators.fleet",
    "FittedModel": "dagmm.inference.fitted_model",
    "load_model": "dagmm.inference.persistence.directory",
    "compare": "dagmm.evaluation.compare",
    "Comparison": "dagmm.evaluation.result",
    "make_report": "dagmm.report.make",
    "Report": "dagmm.report.make",
    "FleetReport": "dagmm.report.fleet_make",
    "plot_energy": "dagmm.report.plots.model_plots",
    "plot_latent": "dagmm.report.plots.model_plots",
    "plot_explanation": "dagmm.report.plots.model_plots",
    "ArgumentError": "dagmm._core.errors",
    "DAGMMError": "dagmm._core.errors",
    "InputError": "dagmm._core.errors",
    "ModelFileError": "dagmm._core.errors",
    "ModelSaveError": "dagmm._core.errors",
    "TableWarning": "dagmm._core.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(load(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dagmm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
