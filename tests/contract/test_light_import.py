"""``import dagmm`` loads nothing heavy; each import is tried in a process of its own."""

import subprocess
import sys

import pytest

HEAVY = (
    "equinox",
    "jax",
    "jaxlib",
    "jinja2",
    "joblib",
    "matplotlib",
    "narwhals",
    "numpy",
    "optax",
    "pandas",
    "polars",
    "pyarrow",
    "python_calamine",
    "rich",
    "safetensors",
    "scipy",
    "sklearn",
    "typer",
)


def loaded_after(statement):
    code = f"{statement}\nimport sys\nprint(*sorted({{n.split('.')[0] for n in sys.modules}}))"
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_import_of_the_package_loads_nothing_heavy():
    assert loaded_after("import dagmm; dagmm.__version__; dir(dagmm)") & set(HEAVY) == set()


@pytest.mark.parametrize("name", ["ArgumentError", "DAGMMError", "InputError"])
def test_errors_load_nothing_heavy(name):
    assert loaded_after(f"from dagmm import {name}") & set(HEAVY) == set()
