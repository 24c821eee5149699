"""What was said at a fit: the arguments of an estimator that are not its defaults."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from dagmm.estimators.dagmm import DAGMM
from dagmm.estimators.detector import DAGMMDetector

#: Estimators by the name that a saved model has of them.
ESTIMATORS: dict[str, type[DAGMM] | type[DAGMMDetector]] = {
    "DAGMM": DAGMM,
    "DAGMMDetector": DAGMMDetector,
}
#: The columns, which a model tells by itself, and what was shown while it was fitted.
_NOT_OF_THE_FIT = ("feature_names_in_", "verbose")


def said_arguments(estimator: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not the estimator's defaults.

    Parameters
    ----------
    estimator : str
        Its name. Of one that is not known here, every argument was said.
    arguments : mapping
        As ``get_params`` or a saved model has them.
    """
    known = ESTIMATORS.get(estimator)
    parameters = {} if known is None else signature(known).parameters
    return {
        name: value
        for name, value in arguments.items()
        if name not in _NOT_OF_THE_FIT
        and not (name in parameters and _written(value) == _written(parameters[name].default))
    }


def _written(value: object) -> str:
    """Return a value as it is written, a tuple as the list that a saved model makes of it."""
    return repr(list(value) if isinstance(value, tuple) else value)
