"""The examples in docstrings run, and what is public has one."""

import copy
import doctest
import importlib
import inspect
import pkgutil
from types import FunctionType

import matplotlib.pyplot as plt
import pytest
from sklearn.base import BaseEstimator

import dagmm
import dagmm.datasets
import dagmm.inference

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(dagmm.__path__, "dagmm.")
    if not module.name.endswith("__main__")
)
PUBLIC = [
    (package, name)
    for package in (dagmm, dagmm.datasets, dagmm.inference)
    for name in package.__all__
    if callable(getattr(package, name))
]


def examples_of(module):
    found = doctest.DocTestFinder().find(importlib.import_module(module), module)
    return [test for test in found if test.examples]


@pytest.fixture(scope="module")
def known():
    """What the examples of the detector and of the fleet have made; others go on from there."""
    names = {}
    for module, owner in (("detector", "DAGMMDetector"), ("fleet", "DAGMMFleet")):
        (test,) = (
            test
            for test in examples_of(f"dagmm.estimators.{module}")
            if test.name.endswith(f".{owner}")
        )
        test.globs |= names
        assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
        names |= {key: value for key, value in test.globs.items() if not key.startswith("_")}
    return names


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_a_module_run(module, known):
    plt.switch_backend("Agg")
    runner = doctest.DocTestRunner()
    for test in examples_of(module):
        # Of its own, as examples set thresholds.
        own = {
            name: copy.copy(value) if isinstance(value, BaseEstimator) else value
            for name, value in known.items()
        }
        test.globs |= own
        runner.run(test)
    plt.close("all")
    assert runner.failures == 0


@pytest.mark.parametrize(
    ("package", "name"), PUBLIC, ids=lambda value: getattr(value, "__name__", value)
)
def test_what_is_public_has_an_example(package, name):
    value = getattr(package, name)
    documented = [value]
    if inspect.isclass(value) and issubclass(value, BaseEstimator):
        documented += [
            member
            for owner in value.__mro__
            if owner.__module__.startswith("dagmm.")
            for key, member in vars(owner).items()
            if not key.startswith("_")
            and isinstance(member, FunctionType | classmethod | property)
        ]
    without = [thing for thing in documented if ">>>" not in (inspect.getdoc(thing) or "")]
    assert without == []
