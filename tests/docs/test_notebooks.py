"""The tutorials: notebooks that a reader can run, and copy cell by cell."""

import ast
import importlib.util
import json
import sys

import pytest

from documents import ROOT

FRONT_MATTER = """---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
---

# """
# What each page says is needed, and what comes with Python.
PACKAGES = {
    "PIL",
    "dagmm",
    "jax",
    "matplotlib",
    "numpy",
    "optax",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
}
NOTEBOOKS = sorted(
    path
    for language in ("en", "ja")
    for path in (ROOT / "docs" / language / "tutorials").glob("*.md")
)
EACH = pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: f"{page.stem}-{page.parts[-3]}")


@pytest.fixture(scope="module")
def follow():
    """The script that copies cells."""
    spec = importlib.util.spec_from_file_location("follow", ROOT / "docs/follow.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_notebooks_in_both_languages():
    english, japanese = (
        [page.name for page in NOTEBOOKS if page.parts[-3] == language]
        for language in ("en", "ja")
    )
    assert english == japanese != []


@EACH
def test_a_notebook_is_one(page):
    text = page.read_text("utf-8")
    assert text.startswith(FRONT_MATTER)
    assert text.count("{nb-download}") == 1
    assert f"{page.stem}.ipynb" in text.split("\n## ")[0]


@EACH
def test_cells_are_plain_python_of_packages_that_come_along(page, follow):
    cells = follow.cells(page)
    assert len(cells) == page.read_text("utf-8").count("```{code-cell}") > 0
    # Commands of the notebook itself, such as %matplotlib, are no Python and would not parse.
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell))]
    imported = {
        name.partition(".")[0]
        for node in nodes
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - PACKAGES - sys.stdlib_module_names == set()
    texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
    assert [text for text in texts if isinstance(text, str) and "://" in text] == []


CELLS = """
```{code-cell} ipython3
:tags: [hide-input]

from pathlib import Path

found = list(Path().iterdir())
print("files:", found)
found
```

```{code-cell} ipython3
x = 1
x + 1
```
"""


def notebook(*outputs):
    cells = [{"cell_type": "markdown"}]
    for texts in outputs:
        kinds = {
            "stream": lambda text: {"output_type": "stream", "name": "stdout", "text": [text]},
            "value": lambda text: {
                "output_type": "execute_result",
                "data": {"text/plain": [text], "text/html": ["<b>"]},
            },
            "figure": lambda text: {"output_type": "display_data", "data": {"image/png": text}},
        }
        cells.append({"cell_type": "code", "outputs": [kinds[kind](text) for kind, text in texts]})
    return json.dumps({"cells": cells})


def test_copied_cells_print_what_the_page_shows(follow, tmp_path):
    page, built = tmp_path / "page.md", tmp_path / "page.ipynb"
    page.write_text(CELLS)
    printed = follow.followed(page, sys.executable)
    built.write_text(
        notebook([("stream", "files: []\n"), ("value", "[]")], [("value", "2"), ("figure", "")])
    )
    assert follow.differences(printed, follow.shown(built)) == ("", 0)

    built.write_text(notebook([("stream", "files: []\n"), ("value", "[]")], [("value", "3")]))
    difference, _ = follow.differences(printed, follow.shown(built))
    assert difference.splitlines()[-2:] == ["-[2] 3", "+[2] 2"]


def test_numbers_that_differ_by_one_in_the_last_digit_are_counted(follow):
    page = ["AUROC 0.88 -1.20\n"]
    assert follow.differences(["AUROC 0.87 -1.21\n"], page) == ("", 2)
    for other in ("AUROC 0.86 -1.20\n", "AUROC 0.87 1.20\n", "AUC 0.87 -1.20\n"):
        assert follow.differences([other], page)[0].endswith(f"+[1] {other.strip()}")


def test_a_cell_that_fails_names_the_page(follow, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```{code-cell} ipython3\n1 / 0\n```\n")
    with pytest.raises(SystemExit, match=r"page\.md: (.|\n)*ZeroDivisionError"):
        follow.followed(page, sys.executable)
