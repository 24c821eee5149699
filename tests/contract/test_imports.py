"""The import graph is a one-way street: a file imports only from files before it."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import dagmm

SOURCE = Path(dagmm.__file__).parent

#: The shared bottom, then the path of the data; a folder's name stands for all files in it.
ORDER = [
    # shared bottom
    "loading",
    "errors",
    "numerics",
    "dropout",
    "arguments",
    "budget",
    "kept_programs",
    "compilation",
    "memory",
    "parallel",
    "progress",
    "whole_files",
    "fields",
    # the path of the data
    "tables",
    "rows",
    "encoder",
    "folds",
    "windows.length",
    "windows.clock",
    "windows.stretches",
    "windows.wandering",
    "windows.view",
    "windows.history",
    "windows.windows",
    "windows.learning",
    "windows.folds",
    "windows.succession",
    "windows",
    "networks.activation",
    "networks.dense",
    "networks.principal",
    "networks.residual",
    "networks.compression",
    "networks.convolution",
    "networks.estimation",
    "networks.network",
    "networks.padding",
    "networks",
    "common_scale",
    "covariance",
    "mixture",
    "refinement",
    "drawn_mixtures",
    "column_mixtures",
    "row_mixture",
    "minibatch_energy",
    "objective",
    "history",
    "plan",
    "checkpoint.which_training",
    "checkpoint.member_file",
    "checkpoint.directory",
    "checkpoint",
    "training",
    "scoring",
    "recipe",
    "typical",
    "energy_sample",
    "tail",
    "calibration",
    "health",
    "reading",
    "judges",
    "fitted",
    "holdout",
    "cross_fitting",
    "watching",
    "drawing",
    "fingerprint",
    "finishing",
    "exact_pass",
    "fitting",
    "window_fitting",
    "streaming",
    "threshold",
    "traced",
    "nearest",
    "explain",
    "explain_images",
    "schema",
    "saved_images",
    "saved_calibration",
    "saved_windows",
    "saved_mixtures",
    "manifest",
    "saving",
    "plots",
    # the estimators
    "estimator",
    "model",
    "detector",
    # other methods, and how they compare
    "baselines.method",
    "baselines.classical",
    "baselines.descent",
    "baselines.gan",
    "baselines.codes",
    "baselines.pretraining",
    "baselines.ablations",
    "baselines.registry",
    "baselines",
    # the command
    "datasets",
    "comparison.measures",
    "comparison.split",
    "comparison.result",
    "comparison.notes",
    "comparison.running",
    "comparison.shapes",
    "comparison.picture",
    "comparison",
    # the report
    "report",
    "cli",
    "__main__",
]


def module_of(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files() -> dict[str, Path]:
    found = {module_of(file): file for file in sorted(SOURCE.rglob("*.py"))}
    del found[""]  # the table of contents imports nothing until it is asked
    return found


def imports_of(file: Path) -> set[str]:
    """Modules of the package that a file names, wherever in it."""
    known = files()
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} is a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner.removeprefix("dagmm.") in known else str(node.module))
    return {name.removeprefix("dagmm.") for name in names if name.startswith("dagmm.")}


def place_of(module: str) -> int:
    while module not in ORDER:
        assert "." in module, f"{module!r} has no place in ORDER yet; give it one"
        module = module.rpartition(".")[0]
    return ORDER.index(module)


@pytest.mark.parametrize("module", files())
def test_file_imports_only_from_files_before_it(module):
    place = place_of(module)
    for imported in imports_of(files()[module]):
        same_folder = place_of(imported) == place
        assert place_of(imported) < place or same_folder, f"{module} imports {imported}"


def test_no_file_imports_itself_over_others():
    graph = {module: imports_of(file) - {module} for module, file in files().items()}
    assert set(TopologicalSorter(graph).static_order()) >= set(files())


def test_nothing_but_the_entry_point_imports_the_command():
    for module, file in files().items():
        if module != "__main__" and not module.startswith("cli"):
            assert not any(name.startswith("cli") for name in imports_of(file)), module


def test_each_place_in_the_order_is_taken():
    missing = set(ORDER) - set(files())
    assert missing <= {"datasets", "tables", "cli"}, missing
