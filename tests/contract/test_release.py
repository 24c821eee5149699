"""Contents of wheel and sdist, and files that say the same thing in several places."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest
import yaml

import dagmm
from documents import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
PYTHONS = [
    name.removeprefix("Programming Language :: Python :: ")
    for name in PROJECT["classifiers"]
    if re.search(r"Python :: 3\.\d+$", name)
]


def read(path):
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


@pytest.fixture(scope="module")
def tracked():
    """What the repository holds."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a checkout and git")
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with a wheel and an sdist of this folder."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("needs hatchling")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


def test_the_sdist_is_what_the_repository_holds(built, tracked):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert path.name == f"dagmm-{dagmm.__version__}.tar.gz"
    assert names == tracked | {"PKG-INFO"}


def test_the_wheel_is_the_package_and_nothing_else(built, tracked):
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    package = {name.removeprefix("src/") for name in tracked if name.startswith("src/")}
    info = f"dagmm-{dagmm.__version__}.dist-info"
    files = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    assert path.name == f"dagmm-{dagmm.__version__}-py3-none-any.whl"
    assert names == package | {f"{info}/{name}" for name in files}
    assert {"dagmm/py.typed", "dagmm/serve/page.html", "dagmm/report/texts/ja.toml"} <= names


def test_each_python_that_is_promised_is_tried():
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    jobs = read(".github/workflows/test.yml")["jobs"]
    for name in ("whole", "windows"):
        assert jobs[name]["strategy"]["matrix"]["python"] == PYTHONS
    assert jobs["oldest"]["steps"][1]["with"]["python-version"] == PYTHONS[0]
    pages = list(ROOT.glob("docs/**/compatibility*.md"))
    assert len(pages) == 2
    for page in pages:
        assert re.findall(r"^\| (3\.\d+)\.\d+ \|", page.read_text("utf-8"), re.M) == PYTHONS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_what_it_names_and_no_more(path):
    workflow = read(path)
    # YAML 1.1 reads the key `on` as true.
    assert set(workflow) == {"name", True, "permissions", "concurrency", "defaults", "jobs"}
    assert workflow["permissions"] == {"contents": "read"}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for job in workflow["jobs"].values():
        for step in job.get("steps", []):
            if "uses" in step:
                assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])
            for target in re.findall(r"make ([\w.-]+)", step.get("run", "")):
                assert re.search(rf"^{target}:", makefile, re.M)
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()
    # A pin is readable by the version beside it.
    for line in path.read_text("utf-8").splitlines():
        if "@" in line and "uses:" in line:
            assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)


def test_only_a_tag_is_published_and_only_by_the_job_that_publishes():
    jobs = read(".github/workflows/release.yml")["jobs"]
    publish = jobs.pop("publish")
    assert publish["permissions"] == {"id-token": "write"}
    assert set(publish["needs"]) == set(jobs) == {"test", "build"}
    assert "github.event_name == 'push' && github.ref_type == 'tag'" in publish["if"]
    assert all("permissions" not in job for job in jobs.values())


def test_a_report_of_a_bug_asks_for_versions():
    fields = {field["id"]: field for field in read(".github/ISSUE_TEMPLATE/bug.yml")["body"][1:]}
    assert fields["versions"]["attributes"]["label"] == "dagmm --version"
    assert all(field["validations"]["required"] for field in fields.values())


def test_the_citation_is_of_this_version_and_of_the_paper():
    citation = read("CITATION.cff")
    assert citation["version"] == dagmm.__version__
    assert citation["license"] == PROJECT["license"]
    (paper,) = citation["references"]
    assert paper["url"] in (ROOT / "README.md").read_text("utf-8")
