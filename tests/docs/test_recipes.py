"""Recipes run against real servers: a broker of MQTT, a server of OPC UA, Redis."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagmm import load_model
from dagmm.inference import Stream
from documents import ROOT, code_blocks
from service import features, fit

PAGE = ROOT / "docs" / "en" / "guides" / "recipes.md"
STRANGE = {"temp": 90.0, "torque": 0.0, "tool": "mill"}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit(tmp_path_factory.mktemp("recipes"), "model", 0)


@pytest.fixture
def home(fitted: Path, tmp_path: Path) -> Path:
    """Return a directory with a model, and no state of a stream yet."""
    shutil.copytree(fitted, tmp_path / "model")
    return tmp_path


def block_with(text: str, language: str) -> str:
    (found,) = [block for block in code_blocks(PAGE, language) if text in block]
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


@contextmanager
def running(*command: Any, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that goes on until it is killed: it has no chance to tidy up."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


def rows_kept(home: Path) -> int:
    """Rows that the stream had seen when its state was last written."""
    return Stream(load_model(home / "model").model, home / "pump.stream").drift.n_rows


def normal_rows(n_rows: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = features().slice(0, n_rows).to_pylist()
    return found


def expected_alarms(home: Path, n_rows: int) -> int:
    model = load_model(home / "model").model
    return int((model.energy(features().slice(0, n_rows)) > model.threshold).sum()) + 1


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Run a broker on any port that is free, and return the port."""
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if mosquitto is None:
        pytest.skip("needs mosquitto, Debian's package of this name")
    port = free_port()
    (tmp_path / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(mosquitto, "-c", tmp_path / "broker.conf", **quiet):
        yield port


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


def test_alarms_are_published_over_a_broker_and_the_state_outlives_a_kill(
    home: Path, broker: int
) -> None:
    listener = Listener(broker)
    code = block_with("paho.mqtt", "python").replace("1883", str(broker))
    try:
        for n_before in (0, 21):
            with running(sys.executable, "-c", code, cwd=home):
                # What is no row tells that it listens.
                n_errors = len(listener.on("errors"))
                listener.wait_for("errors", n_errors + 1, lambda: listener.publish("[1]"))
                n_alarms = len(listener.on("alarms"))
                for row in [*normal_rows(20), STRANGE]:
                    listener.publish(row)
                expected = n_alarms + expected_alarms(home, 20)
                alarms = [json.loads(text) for text in listener.wait_for("alarms", expected)]
            assert len(alarms) == expected
            assert rows_kept(home) == n_before + 21
        assert "cannot convert" in listener.on("errors")[0]
        assert alarms[-1].items() >= STRANGE.items()
        assert alarms[-1]["energy"] > load_model(home / "model").model.threshold
        assert (alarms[-1]["reasons"][0], 0.0 < alarms[-1]["p_value"] < 0.1) == ("temp", True)
    finally:
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


class Plant:
    """A server of OPC UA whose nodes are the columns of a model and what a program answers."""

    def __init__(self, server: Any, nodes: dict[str, Any]) -> None:
        self.server, self.nodes = server, nodes

    @classmethod
    async def started(cls, port: int) -> "Plant":
        from asyncua import Server, ua

        server, nodes = Server(), {}
        await server.init()
        server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
        space = await server.register_namespace("urn:plant")
        begin = {"temp": 0.1, "torque": -0.1, "tool": "mill"}
        for name, value in (begin | {"energy": 0.0, "alarm": False, "reasons": ""}).items():
            place = ua.NodeId(f"pump.{name}", space)
            nodes[name] = await server.nodes.objects.add_variable(place, name, value)
            await nodes[name].set_writable()
        await server.start()
        return cls(server, nodes)

    async def stop(self) -> None:
        await self.server.stop()

    async def answer_is(self, condition: Callable[[float, bool, str], bool]) -> None:
        """Wait for an answer."""
        end = time.monotonic() + 60.0
        names = ("energy", "alarm", "reasons")
        while not condition(*[await self.nodes[name].read_value() for name in names]):
            assert time.monotonic() < end
            await asyncio.sleep(0.1)


def test_rows_are_read_of_opc_ua_and_answers_written_there(home: Path) -> None:
    from asyncua import ua

    port, model = free_port(), load_model(home / "model").model
    code = block_with("asyncua", "python").replace("4840", str(port)).replace("(1.0)", "(0.05)")

    def energy_of(**row: Any) -> float:
        table = features().slice(0, 1).to_pandas().assign(**row)
        return float(model.energy(table)[0])

    async def plant() -> None:
        there = await Plant.started(port)
        quiet = {"stderr": subprocess.DEVNULL}
        with running(sys.executable, "-c", code, cwd=home, **quiet) as process:
            usual = energy_of(temp=0.1, torque=-0.1, tool="mill")
            await there.answer_is(lambda energy, alarm, _: energy == usual and not alarm)
            await there.nodes["temp"].write_value(90.0)
            far = energy_of(temp=90.0, torque=-0.1, tool="mill")
            await there.answer_is(
                lambda energy, alarm, reasons: (
                    energy == far and alarm and reasons.startswith("temp")
                )
            )
            bad = ua.DataValue(
                ua.Variant(90.0), StatusCode=ua.StatusCode(ua.StatusCodes.BadSensorFailure)
            )
            await there.server.write_attribute_value(there.nodes["temp"].nodeid, bad)
            hole = energy_of(temp=np.nan, torque=-0.1, tool="mill")
            await there.answer_is(lambda energy, *_: energy == hole)
            # A program whose server is gone ends, so that it is started again.
            await there.stop()
            assert await asyncio.to_thread(process.wait, 60) != 0
        n_before, there = rows_kept(home), await Plant.started(port)
        with running(sys.executable, "-c", code, cwd=home, **quiet):
            await there.answer_is(lambda energy, *_: energy == usual)
        assert rows_kept(home) > n_before
        await there.stop()

    asyncio.run(plant())


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    """Run Redis on any port that is free, and return the port."""
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server, Debian's package of this name")
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path)
    with running("redis-server", *options, stdout=subprocess.DEVNULL):
        yield port


def test_rows_of_a_stream_of_redis_are_answered_once_each(home: Path, redis_port: int) -> None:
    import redis

    server = redis.Redis(port=redis_port, protocol=2, decode_responses=True)
    code = block_with("import redis", "python").replace("6379", str(redis_port))

    def is_there() -> bool:
        try:
            return bool(server.ping())
        except redis.ConnectionError:
            return False

    wait_for(is_there)
    add, show = block_with("redis-cli", "sh").splitlines()
    subprocess.run(
        ["sh", "-c", add.replace("redis-cli", f"redis-cli -p {redis_port}")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for row in [*normal_rows(20), STRANGE]:
        server.xadd("pump:rows", {"row": json.dumps(row)})
    server.xadd("pump:rows", {"row": "[1]"})
    server.xadd("pump:rows", {"line": "1"})

    def is_answered(n_rows: int) -> bool:
        groups = server.xinfo_groups("pump:rows")
        return bool(groups) and (groups[0]["entries-read"], groups[0]["pending"]) == (n_rows, 0)

    with running(sys.executable, "-c", code, cwd=home):
        wait_for(lambda: is_answered(24))
    assert rows_kept(home) == 22
    errors = [fields for _, fields in server.xrange("pump:errors")]
    assert [one["error"][:14] for one in errors] == ["cannot convert", "'row'"]
    # What was delivered to a program that is gone is answered by the next one.
    server.xadd("pump:rows", {"row": json.dumps(STRANGE)})
    server.xreadgroup("dagmm", "watch", {"pump:rows": ">"})
    server.xadd("pump:rows", {"row": json.dumps(STRANGE)})
    with running(sys.executable, "-c", code, cwd=home):
        wait_for(lambda: is_answered(26))
    assert rows_kept(home) == 24
    printed = subprocess.check_output(
        ["sh", "-c", show.replace("redis-cli", f"redis-cli -p {redis_port}")], text=True
    )
    alarms = [json.loads(fields["alarm"]) for _, fields in server.xrange("pump:alarms")]
    assert len(alarms) == expected_alarms(home, 20) + 2
    assert alarms[-1].items() >= STRANGE.items()
    assert alarms[-1]["reasons"][0] == "temp"
    assert printed.count("energy") == len(alarms)
