"""An installation that only scores: without JAX, which a fit asks for by name."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from dagmm import DAGMMDetector
from dagmm._core.lazy_imports import OF_TRAINING
from small_fits import normal

ROOT = Path(__file__).parents[2]
#: What only those two bring with them.
BROUGHT = {"absl-py", "jaxlib", "ml-dtypes", "opt-einsum"}
_WITHOUT = f"""
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        is_absent = name.partition(".")[0] in {(*OF_TRAINING, "jaxlib")}
        return None if is_absent else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""
_PYTHON = """
import numpy as np
import dagmm
x = np.load("x.npy")
model = dagmm.DAGMMDetector.load("model")
assert (model.energy(x) == np.load("energy.npy")).all()
model.explain(x[:2])
report = dagmm.make_report(model, x, compare=True)
assert "a comparison with other methods needs JAX" in report._repr_html_()
fleet = dagmm.DAGMMFleet(per="x0")
for fit in (dagmm.DAGMM().fit, model.fit, model.set_params(warm_start=True).fit, fleet.fit):
    try:
        fit(x)
    except dagmm.DAGMMError as error:
        print(error)
try:
    dagmm.compare
except ImportError as error:
    print(error)
"""
_COMMAND = "from dagmm.cli import main\nmain()\n"
NEEDS = "needs JAX, and this installation is one that only scores: pip install jax optax."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, x = tmp_path_factory.mktemp("score"), normal(300)
    detector = DAGMMDetector(n_members=2, random_state=0, config={"cycles": 1}).fit(x)
    detector.save(folder / "model")
    np.save(folder / "x.npy", x)
    np.save(folder / "energy.npy", detector.energy(x))
    np.savetxt(folder / "x.csv", x, delimiter=",", header="x0,x1,x2", comments="")
    return folder


def without_jax(folder, code, *arguments):
    command = [sys.executable, "-c", _WITHOUT + code, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, timeout=120
    )


def test_it_scores_explains_and_reports_and_says_what_a_fit_needs(folder):
    done = without_jax(folder, _PYTHON)
    assert done.returncode == 0, done.stderr
    *fits, compare = done.stdout.splitlines()
    assert fits == [f"fit {NEEDS}"] * 4
    assert compare == f"dagmm.evaluation.compare {NEEDS}"


def test_its_command_scores_and_says_what_others_need(folder):
    threshold = ("threshold", "model", "--energy", "3.0")
    score = ("score", "model", "x.csv", "-o", "scored.csv")
    for command in (score, threshold, ("update", "model", "x.csv")):
        done = without_jax(folder, _COMMAND, *command)
        assert done.returncode == 0, done.stderr
    for what, *command in (("fit", "fit", "-o", "new"), ("dagmm compare", "compare")):
        done = without_jax(folder, _COMMAND, *command, "x.csv")
        assert done.returncode == 1
        assert done.stderr == f"dagmm: {what} {NEEDS}\n"


def test_what_it_installs_is_locked_as_everything_is_but_for_jax():
    def pins(file):
        text = (ROOT / "requirements" / file).read_text()
        return set(re.findall(r"^([\w.-]+==[\w.]+(?: ;[^\\]+?)?) \\$", text, re.MULTILINE))

    whole, scoring, serving = pins("run.txt"), pins("score.txt"), pins("serve.txt")
    names, served = ({pin.partition("==")[0] for pin in some} for some in (scoring, serving))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^\w-]", one)[0] for one in project["dependencies"]}
    assert scoring < whole
    assert needed - names == set(OF_TRAINING)
    assert (names | served).isdisjoint({*OF_TRAINING, *BROUGHT})
    assert scoring < serving < pins("test.txt")
