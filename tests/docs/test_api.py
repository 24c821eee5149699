"""The API reference names what is public, and nothing that is not there."""

import importlib
import inspect
import re

import pytest
from sklearn.base import BaseEstimator

import dagmm
import dagmm.datasets
import dagmm.inference
from documents import ROOT

PAGES = [path.read_text("utf-8") for path in sorted(ROOT.glob("docs/en/reference/api/*.md"))]
NAMED = [
    name
    for page in PAGES
    for name in re.findall(r"^\.\. auto(?:class|function|method|property):: (\S+)$", page, re.M)
]


def found(name):
    """What a dotted name leads to."""
    parts = name.split(".")
    for n_module in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:n_module]))
        except ModuleNotFoundError:
            continue
        for part in parts[n_module:]:
            value = inspect.getattr_static(value, part, None) or getattr(value, part)
        return value
    raise AssertionError(f"{name} is not there")


@pytest.mark.parametrize("name", NAMED)
def test_a_name_of_the_reference_is_there(name):
    assert found(name) is not None


def test_each_public_name_is_in_the_reference_once():
    public = {
        f"{package.__name__}.{name}"
        for package in (dagmm, dagmm.datasets, dagmm.inference)
        for name in package.__all__
        if callable(getattr(package, name))
    }
    assert sorted(NAMED) == sorted(set(NAMED))
    assert public - set(NAMED) == set()


@pytest.mark.parametrize("estimator", ["DAGMM", "DAGMMDetector", "DAGMMFleet"])
def test_each_method_of_an_estimator_is_in_the_reference(estimator):
    kind = getattr(dagmm, estimator)
    methods = {
        f"dagmm.{estimator}.{name}"
        for owner in kind.__mro__
        if owner.__module__.startswith("dagmm.") and issubclass(owner, BaseEstimator)
        for name, member in vars(owner).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, classmethod | property))
    }
    assert methods - set(NAMED) == set()
