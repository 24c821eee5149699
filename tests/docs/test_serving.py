"""What the page on serving shows is run: curl and a client against the service, a container."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.csv as arrow_csv
import pytest

from dagmm import load_model
from documents import ROOT, code_blocks
from service import features, fit, serving, settings_for

PAGE = ROOT / "docs" / "en" / "guides" / "serving.md"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a model and a table."""
    home = tmp_path_factory.mktemp("serving")
    fit(home, "model", 0)
    arrow_csv.write_csv(features().slice(0, 4), home / "rows.csv")
    return home


def block_with(text: str, language: str) -> str:
    (found,) = [block for block in code_blocks(PAGE, language) if text in block]
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_gets_answers(home: Path) -> None:
    block = block_with("curl localhost:8000/score -d '[", "sh")
    calls = ["curl -sS --fail" + call for call in re.split(r"^curl", block, flags=re.M)[1:]]
    assert len(calls) == 7
    answers: list[Any] = []
    with serving(settings_for(home / "model", name="model")) as service:
        for call in calls:
            command = call.replace("localhost:8000", f"127.0.0.1:{service.port}")
            answers.append(subprocess.check_output(["sh", "-c", command], cwd=home, text=True))
    energy = load_model(home / "model").model.energy(features().slice(0, 4)).tolist()
    assert json.loads(answers[0])[0]["part"] == "p1"
    assert len(json.loads(answers[1])) == 1
    assert [float(line.split(",")[0]) for line in answers[2].splitlines()[1:]] == energy
    assert [row["energy"] for row in json.loads(answers[3])] == energy
    assert "top_feature_2" in answers[4]
    assert len(answers[5].splitlines()) == 5
    outputs = json.loads(answers[6])["outputs"]
    assert [one["shape"] for one in outputs] == [[2]] * 3
    assert outputs[0]["data"][0] == pytest.approx(json.loads(answers[0])[0]["energy"], abs=1e-9)


def test_a_published_client_of_the_protocol_gets_answers(home: Path) -> None:
    pytest.importorskip("tritonclient", reason='needs pip install "tritonclient[http]"')
    with serving(settings_for(home / "model", name="model")) as service:
        code = block_with("tritonclient", "python").replace("8000", str(service.port))
        out = subprocess.check_output([sys.executable, "-c", code], text=True)
        row = {"temp": 0.5, "torque": -0.4, "tool": "mill"}
        energy = service.post("/score", row).json[0]["energy"]
    assert float(out.strip("[]\n")) == pytest.approx(energy, abs=1e-6)


def test_the_container_is_built_of_what_is_there() -> None:
    text = (ROOT / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for sources in re.findall(r"^COPY (.+) \S+$", text, re.M):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored
    assert "\nUSER 10001\n" in text
    locked = (ROOT / "requirements" / "serve.txt").read_text()
    for package in ("starlette", "uvicorn", "hatchling", "numpy"):
        assert re.search(rf"^{package}==", locked, re.M)


def _docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _docker_runs(), reason="Docker does not run here")
def test_a_container_serves_a_model(home: Path) -> None:
    build = ["docker", "build", "-q", str(ROOT)]
    image = subprocess.check_output(build, text=True).strip()
    run = [
        "docker",
        "run",
        "-d",
        "--rm",
        "-p",
        "127.0.0.1:0:8000",
        "-v",
        f"{home}/model:/model:ro",
    ]
    container = subprocess.check_output(
        [*run, "--read-only", "--tmpfs", "/tmp", image], text=True
    ).strip()
    try:
        mapped = subprocess.check_output(["docker", "port", container, "8000"], text=True)
        address = f"http://{mapped.strip()}/v2/health/ready"
        end = time.monotonic() + 60.0
        while subprocess.run(["curl", "-sf", address], check=False).returncode:
            assert time.monotonic() < end
            time.sleep(0.5)
    finally:
        subprocess.run(["docker", "stop", container], check=True)
