"""What the documents promise runs, and translations promise the same."""

import doctest
import importlib
import pkgutil
import re

import pytest

import dagmm
from documents import ROOT, code_blocks

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(dagmm.__path__, "dagmm.")
    if not module.name.endswith("__main__")
)


def test_the_readme_runs(capsys):
    names = {}
    for block in code_blocks(ROOT / "README.md", "python"):
        exec(compile(block, "README.md", "exec"), names)
    assert capsys.readouterr().out == "[ 1 -1]\n"
    assert len(names["energy"]) == 200


def test_the_guide_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code_blocks(ROOT / "docs/guide.md", "python"):
        exec(compile(block, "guide.md", "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "bearing_temperature"
    value, expected = map(float, printed[1].split())
    assert (value, expected) == pytest.approx((85.4, 30.5), abs=1.0)
    energy, low, high = map(float, printed[2].split())
    assert low < energy < high
    assert names["strange"].schema.names[-1] == "top_feature_2"
    assert len(names["energy"]) == 200


def test_the_page_on_windows_runs():
    names = {}
    for block in code_blocks(ROOT / "docs/windows.md", "python"):
        exec(compile(block, "windows.md", "exec"), names)
    assert names["energy"].shape == (300,)


def test_the_page_on_comparison_runs(capsys):
    names = {}
    for block in code_blocks(ROOT / "docs/comparison.md", "python"):
        exec(compile(block, "comparison.md", "exec"), names)
    assert capsys.readouterr().out.startswith("method ")
    assert names["figures"].num_rows == 3
    assert 0.0 < names["agreement"] < 1.0


def test_the_page_on_the_report_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code_blocks(ROOT / "docs/report.md", "python"):
        exec(compile(block, "report.md", "exec"), names)
    alarms, events = map(int, capsys.readouterr().out.split())
    assert alarms >= events > 0
    assert (tmp_path / "report.html").read_text("utf-8") == names["report"].html
    assert names["right"].patches


TRANSLATED = pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("README.md", "README.ja.md"),
        ("docs/guide.md", "docs/guide.ja.md"),
        ("docs/serving.md", "docs/serving.ja.md"),
    ],
)


@TRANSLATED
def test_a_translation_has_the_same_code(english, japanese):
    assert code_blocks(ROOT / english) == code_blocks(ROOT / japanese)


@TRANSLATED
def test_a_translation_has_the_same_sections(english, japanese):
    ours, theirs = (
        re.findall(r"^#+", (ROOT / name).read_text("utf-8"), re.M) for name in (english, japanese)
    )
    assert ours == theirs


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (document.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
