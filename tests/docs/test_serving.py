"""What the page on serving shows is run: curl against the service, MQTT over a real broker."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.csv as arrow_csv
import pytest

from dagmm import load_model
from documents import ROOT, code_blocks
from service import features, fit, serving, settings_for

PAGE = ROOT / "docs" / "en" / "guides" / "serving.md"
BROKER = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


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


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Run a broker on any port that is free, and return the port."""
    if BROKER is None:
        pytest.skip("needs mosquitto, Debian's package of this name")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    (tmp_path / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [BROKER, "-c", tmp_path / "broker.conf"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


class Listener:
    """Hears what is published, and publishes rows."""

    def __init__(self, port: int) -> None:
        from paho.mqtt import client as mqtt

        self.heard: list[tuple[str, Any]] = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe("plant/#", qos=1)
        self.client.on_message = lambda _, __, message: self.heard.append(
            (message.topic.rpartition("/")[2], message.payload.decode())
        )
        end = time.monotonic() + 20.0
        while True:  # until the broker listens
            try:
                self.client.connect("127.0.0.1", port)
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)
        self.client.loop_start()

    def on(self, topic: str) -> list[str]:
        return [text for heard, text in self.heard if heard == topic]

    def publish(self, row: Any) -> None:
        text = row if isinstance(row, str) else json.dumps(row)
        self.client.publish("plant/pump/rows", text, qos=1).wait_for_publish(20)

    def wait_for(self, topic: str, n: int, meanwhile: Any = None) -> list[str]:
        end = time.monotonic() + 60.0
        while len(self.on(topic)) < n:
            assert time.monotonic() < end, self.heard
            if meanwhile is not None:
                meanwhile()
            time.sleep(0.2)
        return self.on(topic)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_alarms_are_published_over_a_broker(home: Path, broker: int) -> None:
    listener = Listener(broker)
    code = block_with("paho.mqtt", "python").replace("1883", str(broker))
    process = subprocess.Popen([sys.executable, "-c", code], cwd=home)
    try:
        # What is no row tells that it listens.
        listener.wait_for("errors", 1, lambda: listener.publish("no row"))
        model = load_model(home / "model").model
        normal = features().slice(0, 20).to_pylist()
        strange = {"temp": 90.0, "torque": 0.0, "tool": "mill"}
        for row in [*normal, strange]:
            listener.publish(row)
        assert listener.on("errors")[0].startswith("Expecting value")
        expected = int((model.energy(features().slice(0, 20)) > model.threshold).sum()) + 1
        alarms = [json.loads(text) for text in listener.wait_for("alarms", expected)]
        assert len(alarms) == expected
        assert alarms[-1].items() >= strange.items()
        assert alarms[-1]["energy"] > model.threshold
    finally:
        process.terminate()
        process.wait(20)
        listener.close()


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="needs mosquitto-clients")
def test_rows_go_through_the_command_between_two_clients_of_the_broker(
    home: Path, broker: int
) -> None:
    listener = Listener(broker)
    line = block_with("mosquitto_sub", "sh").strip()
    line = re.sub(r"(mosquitto_\w+)", rf"\1 -h 127.0.0.1 -p {broker}", line)
    line = line.replace("dagmm score", f"{sys.executable} -m dagmm score")
    process = subprocess.Popen(["sh", "-c", f"{line} & wait"], cwd=home, start_new_session=True)
    try:
        row = features().slice(3, 1).to_pylist()[0]
        scores = listener.wait_for("scores", 3, lambda: listener.publish(row))
        assert scores[0] == "energy,is_anomaly"
        energy = load_model(home / "model").model.energy(features().slice(3, 1))[0]
        assert {float(one.split(",")[0]) for one in scores[1:]} == {energy}
    finally:
        listener.close()
        # Ends all three: each waits for the one before it.
        subprocess.run(["kill", "--", f"-{process.pid}"], check=True)
        process.wait(20)


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
