"""The service as the command starts it: several processes, signals, tokens, no JAX."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from command import run
from dagmm import load_model
from service import Service, features


class Command:
    """``dagmm serve`` on any port that is free."""

    def __init__(self, model: Path, *options: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dagmm", "serve", str(model), "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        assert self.process.stderr is not None
        self.first = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.first)
        assert found is not None, self.first + self.process.stderr.read()
        self.service = Service(int(found[1]))

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *_: Any) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def wait_for_rows(self, n_rows: int) -> None:
        """Wait until the service says that it has answered this many rows in all processes."""
        end = time.monotonic() + 60.0
        counted = None
        while counted is None or int(counted[1]) != n_rows:
            assert time.monotonic() < end, counted
            metrics = self.service.get("/metrics").body.decode()
            counted = re.search(r"^dagmm_rows_total (\d+)$", metrics, re.M)

    def workers(self) -> set[int]:
        """Processes that answer."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return {
            int(child)
            for child in children
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        }


def test_one_process_answers_without_jax_and_ends_in_order(models):
    with Command(models[0]) as command:
        assert command.first.startswith(f"note: serving '{models[0]}' as 'first' at http://127.0")
        rows = features().slice(0, 3)
        found = command.service.post("/score?explain=1", rows.to_pylist()).json
        energy = load_model(models[0]).model.energy(rows).tolist()
        assert [row["energy"] for row in found] == energy
        assert command.service.post("/explain?all=1", rows.to_pylist()).status == 200
        if sys.platform == "linux":
            loaded = Path(f"/proc/{command.process.pid}/maps").read_text()
            assert "pyarrow" in loaded
            assert "jaxlib" not in loaded
        for _ in range(2):
            reply = command.service.post("/score", "temp,torque,tool\n1,1,旋盤\n".encode("cp932"))
            assert reply.status == 200
        command.process.send_signal(signal.SIGTERM)
        assert command.process.wait(30) == 0
        assert command.process.stderr is not None
        (doubt,) = command.process.stderr.read().splitlines()  # each but once
        assert " WARNING the request is not UTF-8 and is read as CP932; say " in doubt


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_process_is_replaced_and_its_counts_stay(models):
    rows = features().slice(0, 5).to_pylist()
    with Command(models[0], "--workers", "2") as command:
        energies = [row["energy"] for row in command.service.post("/score", rows).json]
        time.sleep(3.0)  # counts are left once a second
        before = command.workers()
        assert len(before) == 2
        for process in before:
            os.kill(process, signal.SIGKILL)
        answered = 0
        end = time.monotonic() + 60.0
        while answered < 5:
            assert time.monotonic() < end
            try:
                reply = command.service.post("/score", rows)
            except (OSError, http.client.HTTPException):
                continue  # what a killed process had taken is lost, not answered wrongly
            assert reply.status == 200
            assert [row["energy"] for row in reply.json] == energies
            answered += 1
        assert not command.workers() & before
        command.wait_for_rows(5 + 5 * 5)  # a process hears of the other's within a second
        for _ in range(2):  # as a shell does that tells the whole group
            command.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        assert command.process.wait(60) == 0
        assert command.process.stderr is not None
        assert "Traceback" not in command.process.stderr.read()


def test_a_request_that_has_come_is_answered_before_the_end(models):
    with Command(models[0]) as command:
        connection = http.client.HTTPConnection("127.0.0.1", command.service.port, timeout=30)
        connection.putrequest("POST", "/score")
        body = b"temp,torque,tool\n" + b"0.1,-0.1,mill\n" * 100
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:30])
        time.sleep(0.3)
        command.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.send(body[30:])
        reply = connection.getresponse()
        assert reply.status == 200
        assert len(reply.read().splitlines()) == 101
        connection.close()
        assert command.process.wait(30) == 0


def test_the_token_comes_from_a_file_or_the_environment(models, tmp_path):
    token = "3f1b0c9d8e7a6b5c4d3e"
    (tmp_path / "token").write_text(f"{token}\n")
    with Command(models[0], "--token-file", str(tmp_path / "token")) as command:
        assert command.service.get("/v2").status == 401
        assert command.service.get("/v2", Authorization=f"Bearer {token}").status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--token-file", "{short}"), "must hold a token of at least 16 ASCII characters without"),
        (("--name", "a/b"), "--name must be a name without a slash, got 'a/b'."),
        (("--host", "192.0.2.1"), "--host 192.0.2.1 --port 0 cannot be listened on: "),
        (("--max-columns", "2"), "the model has 3 columns, and requests may have no more than 2"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_served(models, tmp_path, options, message):
    (tmp_path / "short").write_text("0123456789")
    given = [option.format(short=tmp_path / "short") for option in options]
    result = run("serve", str(models[0]), "--port", "0", *given)
    assert result.exit_code == 1
    assert message in result.stderr


def test_no_model_is_no_service(tmp_path):
    result = run("serve", str(tmp_path / "nothing"))
    assert result.exit_code == 1
    assert result.stderr == f"dagmm: restore: '{tmp_path / 'nothing'}' does not exist.\n"


def test_without_the_extra_it_is_said_what_to_install(models, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run("serve", str(models[0]), "--port", "0")
    assert result.exit_code == 1
    assert result.stderr == (
        "dagmm: serve needs the 'serve' extra: pip install \"dagmm[serve]\".\n"
    )
