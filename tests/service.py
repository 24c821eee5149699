"""A service on loopback, and a small model for it."""

import http.client
import io
import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest
import uvicorn

from command import run, sensors
from dagmm import load_model
from dagmm.inference.persistence.directory import save_model
from dagmm.serve.app import application
from dagmm.serve.formats import ARROW, CSV, JSON, JSON_LINES
from dagmm.serve.limits import Limits
from dagmm.serve.settings import Settings
from dagmm.serve.workers import listen
from small_fits import tiny_config

#: A line as the format's description has it: name, labels, value.
LINE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\.)*"(,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? \S+')
LIMITS = Limits(body_bytes=2**20, rows=1000, columns=50, seconds=20.0, threads=2, queue=16)


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        assert self.headers["content-type"] == "application/json"
        assert list(self.json) == ["error"]
        return str(self.json["error"])


class Service(NamedTuple):
    port: int

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send one request; what is no text goes as JSON."""
        if body is not None and not isinstance(body, str | bytes):
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, body: Any, content_type: str = "", **headers: str) -> Reply:
        named = {"Content-Type": content_type} if content_type else {}
        return self.ask("POST", path, body, named | headers)


def fit(folder: Path, name: str, seed: int) -> Path:
    """Fit a model to the sensors in no time, as the command does."""
    if not (folder / "t.csv").exists():
        arrow_csv.write_csv(sensors(), folder / "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        roles = ("--id", "part", "--label", "fault", "--members", "1", "--seed", str(seed))
        result = run("fit", str(folder / "t.csv"), "-o", str(folder / name), *roles)
    assert result.exit_code == 0, result.output
    return folder / name


def copied(model: Path, target: Path) -> Path:
    """Return a copy that a test may replace."""
    shutil.copytree(model, target)
    return target


def saved_over(source: Path, target: Path) -> None:
    """Save the model of one directory in another, as whoever has fitted a new one does."""
    saved = load_model(source)
    save_model(target, saved.model, saved.estimator, saved.arguments)


def values_of(metrics: str) -> dict[str, float]:
    """Read metrics: the value by name and labels."""
    lines = [line for line in metrics.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), lines
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def settings_for(model: Path, **other: Any) -> Settings:
    return Settings(**({"model": str(model), "name": "pump", "limits": LIMITS} | other))


@contextmanager
def serving(settings: Settings) -> Iterator[Service]:
    """Serve from a thread of this process."""
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(application(settings), log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield Service(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def features() -> pa.Table:
    """The columns that the model was fitted on."""
    return sensors().select(["temp", "torque", "tool"])


def as_csv(table):
    out = io.BytesIO()
    arrow_csv.write_csv(table, out)
    return out.getvalue()


def as_arrow(table, compression=None):
    out = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(out, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=50)
    return out.getvalue()


def as_lines(table):
    return "\n".join(json.dumps(row) for row in table.to_pylist())


BODIES = {
    CSV: as_csv,
    ARROW: as_arrow,
    JSON: lambda table: json.dumps(table.to_pylist()),
    JSON_LINES: as_lines,
}
