"""``import dagmm`` loads nothing heavy; each import is tried in a process of its own."""

import subprocess
import sys

import numpy as np
import pytest

from dagmm import DAGMMDetector
from small_fits import normal

HEAVY = (
    "jax",
    "jaxlib",
    "jinja2",
    "joblib",
    "matplotlib",
    "narwhals",
    "numpy",
    "onnx",
    "onnxruntime",
    "optax",
    "pandas",
    "polars",
    "pyarrow",
    "python_calamine",
    "rich",
    "safetensors",
    "scipy",
    "sklearn",
    "starlette",
    "typer",
    "uvicorn",
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


#: What only a fit and convolutional networks need.
OF_FITS = {"jax", "jaxlib", "optax"}
_SCORING = """
import sys
import numpy as np
import dagmm
from dagmm import DAGMMDetector, load_model
from dagmm.inference import Stream
x = np.load(sys.argv[2])
model = load_model(sys.argv[1]).model
model.energy(x), model.deviation(x)
if model.windows is None:
    model.latent(x), model.membership(x), model.reconstruct(x)
stream = Stream(model)
for i in range(3):
    stream.update(x[i : i + 1])
stream.score(x[3:], explain=2), stream.save("stream"), Stream(model, "stream")
detector = DAGMMDetector.load(sys.argv[1])
detector.set_threshold(energy=1.0, k_of_n=(2, 3), smoothing=0.5)
detector.predict(x), detector.explain(x[:5]), detector.alarm(x), detector.events(x)
dagmm.make_report(detector, x, compare=False)
if model.windows is None:
    detector.export_onnx("model.onnx")
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("windows", [{}, {"time": "x0", "window": 5}])
def test_a_saved_model_needs_nothing_of_a_fit(windows, tmp_path):
    def rows(n, seed):
        x = normal(n, 4, seed)
        x[:, 0] = np.arange(n) if windows else x[:, 0]
        return x

    detector = DAGMMDetector(n_members=2, **windows).fit(rows(300, 0))
    detector.save(tmp_path / "model")
    np.save(tmp_path / "x.npy", rows(40, 1) + np.eye(40, 4, 1) * 20.0)
    command = [sys.executable, "-W", "error", "-c", _SCORING, tmp_path / "model", "x.npy"]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) & OF_FITS == set()


def test_a_command_that_scores_needs_nothing_of_a_fit(tmp_path):
    x = normal(300)
    DAGMMDetector(n_members=2).fit(x).save(tmp_path / "model")
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="x0,x1,x2", comments="")
    code = (
        "import sys\nfrom dagmm.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print(*sorted(sys.modules))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "score", "model", "x.csv", "-o", "scored.csv"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "scored.csv").exists()
    loaded = set(result.stdout.splitlines()[-1].split())
    unneeded = {"joblib", "pandas", "scipy.linalg", "scipy.special", "scipy.stats", "sklearn"}
    assert loaded & (OF_FITS | unneeded) == set()


_SERVING = """
import json, sys
from dagmm.serve.answers import ANSWERS, Call
from dagmm.serve.app import application
from dagmm.serve.limits import Deadline, Limits
from dagmm.serve.service import Service
from dagmm.serve.settings import Settings
service = Service(Settings(sys.argv[1], "model", Limits()))
rows = [{"x0": 0.0, "x1": 9.0, "x2": None}] * 3
def answer(name, body, **query):
    body, served = json.dumps(body).encode(), service.holder.served
    return ANSWERS[name](Call(body, {}, query, served, Limits(), Deadline(30)))
answer("score", rows, explain="2"), answer("explain", rows, all="1"), answer("invocations", rows)
inputs = [{"name": f"x{i}", "shape": [1], "datatype": "FP64", "data": [0.5]} for i in range(3)]
answer("infer", {"inputs": inputs})
application(service.settings)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_a_service_needs_nothing_of_a_fit(tmp_path):
    DAGMMDetector(n_members=2).fit(normal(300)).save(tmp_path / "model")
    command = [sys.executable, "-W", "error", "-c", _SERVING, tmp_path / "model"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) & OF_FITS == set()
