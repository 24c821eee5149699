"""The tour of the code names what there is."""

import ast
import re
from pathlib import Path

import pytest

import dagmm

SOURCE = Path(dagmm.__file__).parent
TEXT = (Path(__file__).parents[2] / "docs" / "en" / "explanation" / "architecture.md").read_text(
    "utf-8"
)
NAMED = sorted(set(re.findall(r"`([\w/]+\.\w+)(?::(\w+))?`", TEXT)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_name_of_the_tour_exists(file, name):
    path = SOURCE / file if (SOURCE / file).exists() else SOURCE.parents[1] / file
    assert path.is_file(), file
    if name:
        tree = ast.parse(path.read_text("utf-8"))
        assert name in {getattr(node, "name", None) for node in tree.body}


def test_the_tour_has_each_package():
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert packages <= set(re.findall(r"\w+", TEXT.partition("## X")[0]))


def test_the_tour_is_checked_for_many_names():
    assert sum(bool(name) for _, name in NAMED) > 30
