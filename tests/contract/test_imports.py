"""The import graph is a one-way street: a package imports only from packages before it."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import dagmm

SOURCE = Path(dagmm.__file__).parent

#: The shared ground, then the path of the data; a name stands for all files of the package.
ORDER = [
    "_version",
    "_core",
    "data",
    "datasets",
    "preprocessing",
    "networks",
    "mixture",
    "inference",
    "training",
    "estimators",
    "cluster",
    "mlflow",
    "evaluation",
    "report",
    "serve",
    "cli",
    "__main__",
]


def module_of(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def files() -> dict[str, Path]:
    found = {module_of(file): file for file in sorted(SOURCE.rglob("*.py"))}
    del found[""]  # the table of contents imports nothing until it is asked
    return found


@cache
def imports_of(module: str) -> set[str]:
    """Modules of the package that a file names, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(files()[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} is a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner.removeprefix("dagmm.") in files() else str(node.module))
    assert "dagmm" not in names, f"{module} imports the table of contents"
    return {name.removeprefix("dagmm.") for name in names if name.startswith("dagmm.")}


def package_of(module: str) -> str:
    return module.partition(".")[0]


def test_each_package_has_its_place():
    assert {package_of(module) for module in files()} == set(ORDER)


@pytest.mark.parametrize("module", files())
def test_file_imports_only_from_its_package_and_those_before(module):
    place = ORDER.index(package_of(module))
    for imported in imports_of(module):
        assert ORDER.index(package_of(imported)) <= place, f"{module} imports {imported}"


def test_no_file_imports_itself_over_others():
    graph = {module: imports_of(module) - {module} for module in files()}
    assert set(TopologicalSorter(graph).static_order()) >= set(files())


@pytest.mark.parametrize(
    "module", [name for name, file in files().items() if file.name == "__init__.py"]
)
def test_each_package_says_its_purpose_in_one_sentence(module):
    docstring = ast.get_docstring(ast.parse(files()[module].read_text("utf-8")))
    assert docstring is not None
    assert docstring.partition("\n")[0].endswith(".")
