"""What the documents promise runs, and translations promise the same."""

import contextlib
import importlib.util
import io
import os
import re
import subprocess

import pytest

from documents import ROOT, code_blocks
from node_packages import node_packages

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])


def test_the_readme_runs(capsys):
    names = {}
    for block in code_blocks(ROOT / "README.md", "python"):
        exec(compile(block, "README.md", "exec"), names)
    assert capsys.readouterr().out == "[ 1 -1]\n"
    assert len(names["energy"]) == 200


def test_the_guide_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code_blocks(ROOT / "docs/en/guides/python.md", "python"):
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
    for block in code_blocks(ROOT / "docs/en/guides/windows.md", "python"):
        exec(compile(block, "windows.md", "exec"), names)
    assert names["energy"].shape == (300,)


@pytest.mark.filterwarnings("ignore:set_threshold")
def test_the_page_on_a_plant_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code_blocks(ROOT / "docs/en/guides/plant.md", "python"):
        exec(compile(block, "plant.md", "exec"), names)
    found, alarm, watched = (names[name] for name in ("found", "alarm", "watched"))
    assert found.n_alarms == alarm.sum() > 0
    rows = {row for event in found.events for row in range(event.first_row, event.last_row + 1)}
    fault = names["test"].filter(names["pc"].greater(names["test"]["speed"], 650.0))["fault"]
    # Each fault among the rows that are watched is in some event.
    kinds = {fault[row].as_py() for row in rows} - {"normal"}
    assert kinds == set(fault.to_pylist()) - {"normal"}
    energy = names["detector"].energy(watched)
    assert names["energy"][0] == energy[0]


def test_the_page_on_comparison_runs(capsys):
    names = {}
    for block in code_blocks(ROOT / "docs/en/guides/comparison.md", "python"):
        exec(compile(block, "comparison.md", "exec"), names)
    assert capsys.readouterr().out.startswith("method ")
    assert names["figures"].num_rows == 3
    assert 0.0 < names["agreement"] < 1.0


def test_the_page_on_the_report_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code_blocks(ROOT / "docs/en/guides/report.md", "python"):
        exec(compile(block, "report.md", "exec"), names)
    alarms, events = map(int, capsys.readouterr().out.split())
    assert alarms >= events > 0
    assert (tmp_path / "report.html").read_text("utf-8") == names["report"].html
    assert names["right"].patches


@pytest.fixture(scope="module")
def export_page(tmp_path_factory):
    """Where the page on exports has run, and what it printed."""
    folder, names = tmp_path_factory.mktemp("export"), {}
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        for block in code_blocks(ROOT / "docs/en/guides/export.md", "python"):
            exec(compile(block, "export.md", "exec"), names)
    return folder, printed.getvalue().splitlines()


def test_the_page_on_exports_runs(export_page):
    outputs, n_rows, label, stricter = export_page[1]
    assert outputs == "('label', 'scores', 'energy', 'p_value')"
    assert (n_rows, label, stricter) == ("512", "[ 1  1 -1]", "[1 1 1]")


def test_the_page_on_exports_runs_in_node(export_page):
    packages, (script,) = node_packages(), code_blocks(ROOT / "docs/en/guides/export.md", "js")
    result = subprocess.run(
        ["node", "-e", script],
        cwd=export_page[0],
        env=os.environ | {"NODE_PATH": str(packages / "node_modules")},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stdout) == (0, "[ 1, 1, -1 ]\n"), result.stderr


def test_the_page_on_drift_runs(capsys):
    names = {}
    for block in code_blocks(ROOT / "docs/en/guides/drift.md", "python"):
        exec(compile(block, "drift.md", "exec"), names)
    assert capsys.readouterr().out == "True 200 ['x1']\nTrue\n"
    assert names["selected"][-20:].all()
    assert names["selected"][:-20].sum() <= 6


def test_the_page_on_fleets_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in code_blocks(ROOT / "docs/en/guides/fleets.md", "python"):
        exec(compile(block, "fleets.md", "exec"), names)
    assert names["scores"].column_names == ["energy", "is_anomaly", "scored_by"]
    assert names["fleet"].assets_ == [f"P{i}" for i in range(1, 8)]
    energy = names["one"].energy(names["table"].slice(0, 200))
    assert energy.tolist() == names["same"].energy(names["table"].slice(0, 200)).tolist()
    assert names["worst"].num_rows == 6


@pytest.mark.filterwarnings("ignore")  # those of the engines
def test_the_page_on_clusters_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    setup, plain, *engines = code_blocks(ROOT / "docs/en/guides/cluster.md", "python")
    names = {}
    exec(compile(setup + plain, "cluster.md", "exec"), names)
    for module, block in zip(("dask", "dask", "ray", "pyspark", "dask"), engines, strict=True):
        if importlib.util.find_spec(module) is not None:
            exec(compile(block, f"cluster.md, {module}", "exec"), names)
    if "ray" in names:
        names["ray"].shutdown()
    if "spark" in names:
        names["spark"].stop()


PAGES = sorted(path.relative_to(ROOT / "docs/en") for path in ROOT.glob("docs/en/**/*.md"))
TRANSLATED = pytest.mark.parametrize(
    ("english", "japanese"),
    [("README.md", "README.ja.md"), *((f"docs/en/{page}", f"docs/ja/{page}") for page in PAGES)],
)


def test_both_languages_have_the_same_pages():
    japanese = sorted(path.relative_to(ROOT / "docs/ja") for path in ROOT.glob("docs/ja/**/*.md"))
    assert japanese == PAGES


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
