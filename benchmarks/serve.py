"""The service under load on loopback: requests a second, latencies, memory, and what goes wrong.

``load`` asks for scores of single rows and of tables over connections that stay open. Each answer
is compared with the energies of the library, to the bit. ``faults`` does the same with two
processes, while one after the other is killed (``kill -9``) and the model is replaced by another:
each answer must be that of the model whose version it names, for all of its rows. Connections that
a killed process held are lost, and counted. ``drift`` says, without HTTP, what it takes to watch
rows for drift beside what it takes to answer with their scores.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm import DAGMMDetector
from dagmm.serve.answers import ANSWERS, Call
from dagmm.serve.drift import DriftWatch
from dagmm.serve.limits import Deadline, Limits
from dagmm.serve.model import ModelHolder

N_ROWS, N_COLUMNS = 2000, 8
#: Rows of a request.
SIZES = (1, 100)


def table(seed: int) -> pa.Table:
    """Rows of columns that hang together, and a text."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(N_ROWS, 3))
    mixing = np.random.default_rng(0).normal(size=(3, N_COLUMNS))
    values = hidden @ mixing + 0.1 * rng.normal(size=(N_ROWS, N_COLUMNS))
    columns = {f"sensor {i}": values[:, i] for i in range(N_COLUMNS)}
    return pa.table({**columns, "mode": np.where(hidden[:, 0] > 0.0, "run", "idle")})


@dataclass
class Seen:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[bytes, int, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    rows: int = 0
    lock: Lock = field(default_factory=Lock)


class Server:
    """``dagmm serve`` in a process of its own."""

    def __init__(self, model: Path, workers: int, options: list[str]) -> None:
        command = [sys.executable, "-m", "dagmm", "serve", str(model), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--workers", str(workers), *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.log: list[str] = []
        first = self.process.stderr.readline()
        found = re.search(r"http://([\d.]+):(\d+)/", first)
        assert found is not None, first + self.process.stderr.read()
        self.host, self.port = found[1], int(found[2])
        Thread(target=lambda: self.log.extend(self.process.stderr or ()), daemon=True).start()
        self.ask("GET", "/v2/health/ready")

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return the answer to one request."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        connection.request(method, path, body)
        answer = connection.getresponse().read()
        connection.close()
        return answer

    def processes(self) -> list[int]:
        """Return the processes that answer: this one, or its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        found = [
            int(child)
            for child in children.split()
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        return found or [self.process.pid]

    def memory(self) -> float:
        """Megabytes that all processes have in memory."""
        return sum(map(_resident, self.processes()))

    def stop(self) -> int:
        """End it as a service manager does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def _resident(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def client(
    server: Server,
    requests: list[tuple[bytes, int, int]],
    seen: Seen,
    stop: Event,
    seed: int,
) -> None:
    """Ask one request after the other, and look at each answer."""
    rng = random.Random(seed)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    while not stop.is_set():
        body, start, n_rows = rng.choice(requests)
        began = time.perf_counter()
        try:
            connection.request("POST", "/v2/models/model/infer", body)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            with seen.lock:
                seen.statuses[f"lost: {type(error).__name__}"] += 1
            continue
        took = time.perf_counter() - began
        with seen.lock:
            seen.statuses[str(response.status)] += 1
            seen.seconds.append(took)
            seen.rows += n_rows
            if response.status == 200:
                # Judged when all versions are known: a model answers before its energies are.
                seen.answers.append((answer, start, n_rows))
            else:
                seen.wrong.append(answer[:200].decode())
    connection.close()


def _difference(
    answer: dict[str, Any], energies: dict[str, np.ndarray], start: int, n_rows: int
) -> str:
    """Say what is wrong with an answer; nothing if it is that of the model that it names."""
    version = answer["model_version"]
    if version not in energies:
        return f"unknown version {version}"
    got = answer["outputs"][0]["data"]
    expected = energies[version][start : start + n_rows].tolist()
    return "" if got == expected else f"version {version}: {got[:3]} for {expected[:3]}"


def requests_of(rows: pa.Table, sizes: tuple[int, ...]) -> list[tuple[bytes, int, int]]:
    """Return requests of the Open Inference Protocol, and which rows they hold."""
    found = []
    for size in sizes:
        for start in range(0, min(50 * size, N_ROWS), size):
            part = rows.slice(start, size)
            inputs = [
                {
                    "name": name,
                    "shape": [part.num_rows],
                    "datatype": "BYTES" if name == "mode" else "FP64",
                    "data": part[name].to_pylist(),
                }
                for name in part.column_names
            ]
            found.append((json.dumps({"inputs": inputs}).encode(), start, part.num_rows))
    return found


def version_in(model: Path) -> str:
    """Return what the service calls the version of a saved model."""
    return hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()[:12]


def under_load(
    server: Server,
    energies: dict[str, np.ndarray],
    rows: pa.Table,
    sizes: tuple[int, ...],
    n_clients: int,
    seconds: float,
    meanwhile: Any = None,
) -> dict[str, Any]:
    """Ask for some time, and return figures."""
    seen, stop = Seen(), Event()
    requests = requests_of(rows, sizes)
    threads = [
        Thread(target=client, args=(server, requests, seen, stop, seed))
        for seed in range(n_clients)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    memory = []
    while time.perf_counter() - began < seconds:
        if meanwhile is not None:
            meanwhile()
        time.sleep(min(5.0, seconds / 20))
        memory.append(round(server.memory(), 1))
    stop.set()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    differences = (_difference(json.loads(one), energies, *place) for one, *place in seen.answers)
    seen.wrong += filter(None, differences)
    quantiles = statistics.quantiles(seen.seconds, n=100)
    return {
        "rows of a request": list(sizes),
        "clients": n_clients,
        "seconds": round(took, 1),
        "requests a second": round(len(seen.seconds) / took, 1),
        "rows a second": round(seen.rows / took),
        "median ms": round(1e3 * quantiles[49], 2),
        "99th percentile ms": round(1e3 * quantiles[98], 2),
        "answers": dict(seen.statuses),
        "wrong": len(seen.wrong),
        "such as": seen.wrong[:3],
        "memory MB, from first to last": memory[:: max(1, len(memory) // 12)],
    }


def load(model: Path, detector: DAGMMDetector, arguments: argparse.Namespace) -> dict[str, Any]:
    """Single rows, then tables."""
    rows = table(1)
    server = Server(model, arguments.workers, [])
    energies = {version_in(model): detector.energy(rows)}
    figures = {
        str(size): under_load(
            server, energies, rows, (size,), arguments.clients, arguments.seconds
        )
        for size in SIZES
    }
    code = server.stop()
    return {**figures, "exit code": code, "log": server.log[-5:]}


def faults(
    model: Path, detectors: list[DAGMMDetector], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Kill one process after the other, and replace the model, under load."""
    rows = table(1)
    server = Server(model, max(2, arguments.workers), [])
    energies = {version_in(model): detectors[0].energy(rows)}
    done = Counter[str]()

    def disturb() -> None:
        if done["replaced"] <= done["killed"]:
            done["replaced"] += 1
            detector = detectors[done["replaced"] % len(detectors)]
            detector.save(model)
            energies[version_in(model)] = detector.energy(rows)
        else:
            os.kill(random.choice(server.processes()), signal.SIGKILL)
            done["killed"] += 1

    figures = under_load(
        server, energies, rows, SIZES, arguments.clients, arguments.seconds, disturb
    )
    code = server.stop()
    return {**figures, **done, "exit code": code}


def drift(model: Path) -> dict[str, Any]:
    """Answer and watch in this thread; seconds are those of the processor."""
    served, limits, found = ModelHolder(str(model), "model", 100).served, Limits(), {}
    for size in SIZES:
        watch, requests = DriftWatch(), requests_of(table(1), (size,))
        seconds = np.zeros((1000, 2))
        for i in range(len(seconds)):
            body, _, _ = requests[i % len(requests)]
            began = time.thread_time()
            answer = ANSWERS["infer"](Call(body, {}, {}, served, limits, Deadline(60.0)))
            answered = time.thread_time()
            assert answer.tally is not None
            watch.scored(served, answer.tally.energy)
            seconds[i] = answered - began, time.thread_time() - answered
        answering, watching = 1e3 * seconds.mean(axis=0)
        found[str(size)] = {
            "answering ms": round(answering, 3),
            "watching ms": round(watching, 4),
            "share": round(watching / answering, 4),
            "longest watching ms": round(1e3 * seconds[1:, 1].max(), 2),
        }
    return found


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("load", "faults", "drift"))
    parser.add_argument("--seconds", type=float, default=60.0, help="of each part")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    detectors = [DAGMMDetector(random_state=seed).fit(table(0)) for seed in (0, 1)]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        detectors[0].save(model)
        if arguments.what == "drift":
            result = drift(model)
        elif arguments.what == "load":
            result = load(model, detectors[0], arguments)
        else:
            result = faults(model, detectors, arguments)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
