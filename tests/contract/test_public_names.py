"""The public names: few, found at the top, and each with a home of its own."""

import inspect
from pathlib import Path

import pytest

import dagmm

NAMES = [
    "ArgumentError",
    "Comparison",
    "DAGMM",
    "DAGMMDetector",
    "DAGMMError",
    "DAGMMFleet",
    "FittedModel",
    "FleetReport",
    "InputError",
    "ModelFileError",
    "ModelSaveError",
    "Report",
    "TableWarning",
    "__version__",
    "compare",
    "load_model",
    "make_report",
    "plot_energy",
    "plot_explanation",
    "plot_latent",
]


def test_all_holds_the_public_names():
    assert sorted(dagmm.__all__) == NAMES
    assert dir(dagmm) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_name_can_be_imported_is_listed_and_is_described(name):
    value = getattr(dagmm, name)
    assert name in dir(dagmm)
    if name != "__version__":
        assert inspect.getdoc(value)
        assert value.__module__ == dagmm._HOMES[name]


def test_type_checkers_see_the_same_names():
    source = Path(dagmm.__file__).read_text("utf-8")
    for name in dagmm._HOMES:
        assert f"import {name} as {name}" in source


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'dagmm' has no attribute 'Dagmm'$"):
        dagmm.Dagmm  # noqa: B018


@pytest.mark.parametrize("estimator", [dagmm.DAGMM, dagmm.DAGMMDetector])
def test_every_argument_is_documented(estimator):
    documented = inspect.getdoc(estimator).split("Attributes\n")[0]
    for argument in inspect.signature(estimator).parameters:
        assert f"\n{argument} : " in documented
