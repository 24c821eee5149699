"""Anomaly detection with the Deep Autoencoding Gaussian Mixture Model (Zong et al., 2018).

Names are loaded when they are first used, so that ``import dagmm`` takes no time.
"""

from typing import TYPE_CHECKING, Any

from dagmm.loading import load

if TYPE_CHECKING:
    from dagmm.comparison.result import Comparison as Comparison
    from dagmm.comparison.running import compare as compare
    from dagmm.detector import DAGMMDetector as DAGMMDetector
    from dagmm.errors import ArgumentError as ArgumentError
    from dagmm.errors import DAGMMError as DAGMMError
    from dagmm.errors import InputError as InputError
    from dagmm.errors import ModelFileError as ModelFileError
    from dagmm.errors import ModelSaveError as ModelSaveError
    from dagmm.errors import TableWarning as TableWarning
    from dagmm.fitted import FittedModel as FittedModel
    from dagmm.model import DAGMM as DAGMM
    from dagmm.report.making import Report as Report
    from dagmm.report.making import make_report as make_report
    from dagmm.saving import load_model as load_model

__version__ = "0.1.0"

_HOMES = {
    "DAGMM": "dagmm.model",
    "DAGMMDetector": "dagmm.detector",
    "FittedModel": "dagmm.fitted",
    "load_model": "dagmm.saving",
    "compare": "dagmm.comparison.running",
    "Comparison": "dagmm.comparison.result",
    "make_report": "dagmm.report.making",
    "Report": "dagmm.report.making",
    "ArgumentError": "dagmm.errors",
    "DAGMMError": "dagmm.errors",
    "InputError": "dagmm.errors",
    "ModelFileError": "dagmm.errors",
    "ModelSaveError": "dagmm.errors",
    "TableWarning": "dagmm.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(load(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dagmm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
