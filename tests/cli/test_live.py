"""``dagmm score`` on rows that come while it runs."""

import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv
import pytest

import dagmm
from command import failure, sensors, shell
from service import features, fit, serving, settings_for
from small_fits import tiny_window_config

SECONDS = 60.0


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return fit(tmp_path_factory.mktemp("live"), "model", 0)


class Lines:
    """Lines of a pipe as they come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._found: queue.Queue[bytes] = queue.Queue()
        thread = threading.Thread(target=lambda: [self._found.put(x) for x in process.stdout])
        thread.start()

    def next(self) -> str:
        return self._found.get(timeout=SECONDS).decode().rstrip("\n")

    def is_empty(self) -> bool:
        time.sleep(0.2)
        return self._found.empty()


def ended(process, code=0):
    try:
        assert process.wait(SECONDS) == code
        return process.stderr.read().decode()
    finally:
        process.stderr.close(), process.stdout.close()


@pytest.mark.parametrize("form", ["csv", "json"])
def test_each_row_of_a_pipe_is_written_as_it_comes(model, form):
    rows = features().slice(0, 4).to_pylist()
    energy = dagmm.load_model(model).model.energy(features().slice(0, 4))
    texts = [f"{row['temp']!r},{row['torque']!r},{row['tool']}\n" for row in rows]
    texts[0] = "temp,torque,tool\n" + texts[0]
    if form == "json":
        # As sensors write it: {"temp": 1.5, ...}, a row in a line.
        texts = [f"{row}\n".replace("'", '"') for row in rows]
    process = shell("score", str(model), "-", "-o", "-", "--quiet", stdin=subprocess.PIPE)
    lines = Lines(process)
    for i, text in enumerate(texts):
        process.stdin.write(text.encode())
        process.stdin.flush()
        if i == 0:
            assert lines.next() == "energy,is_anomaly"
        assert float(lines.next().partition(",")[0]) == energy[i]
    assert lines.is_empty()
    process.stdin.close()
    ended(process)


def test_a_file_is_followed(model, tmp_path):
    log = tmp_path / "log.csv"
    table = sensors().select(["part", "temp", "torque", "tool"])
    energy = dagmm.load_model(model).model.energy(features())
    arrow_csv.write_csv(table.slice(0, 2), log)
    process = shell("score", str(model), str(log), "-o", "-", "--follow", "--quiet")
    lines = Lines(process)
    assert lines.next() == "part,energy,is_anomaly"
    found = [lines.next() for _ in range(2)]
    log.rename(tmp_path / "log.csv.1")
    arrow_csv.write_csv(table.slice(2, 1), log)
    found.append(lines.next())
    with log.open("ab") as file:
        arrow_csv.write_csv(table.slice(3, 2), file, arrow_csv.WriteOptions(include_header=False))
    found += [lines.next() for _ in range(2)]
    cells = [line.split(",") for line in found]
    assert [part for part, *_ in cells] == [f"p{i:03d}" for i in range(5)]
    np.testing.assert_array_equal([float(one[1]) for one in cells], energy[:5])
    os.kill(process.pid, signal.SIGTERM)
    ended(process, 128 + signal.SIGTERM)


def test_windows_go_on_from_piece_to_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
    rng = np.random.default_rng(0)
    x = np.hstack([np.arange(200.0)[:, None], rng.normal(size=(200, 2))])
    detector = dagmm.DAGMMDetector(n_members=1, time="x0", window=4).fit(x)
    detector.save(tmp_path / "model")
    process = shell(
        *("score", str(tmp_path / "model"), "-", "-o", "-", "--quiet"), stdin=subprocess.PIPE
    )
    lines = Lines(process)
    found = []
    for start, stop in ((0, 3), (3, 4), (4, 9)):
        text = "x0,x1,x2\n" if start == 0 else ""
        text += "".join(f"{a!r},{b!r},{c!r}\n" for a, b, c in x[start:stop].tolist())
        process.stdin.write(text.encode())
        process.stdin.flush()
        if start == 0:
            names = lines.next().split(",")
        found += [lines.next().split(",") for _ in range(start, stop)]
    process.stdin.close()
    ended(process)
    energies = [float(row[names.index("energy")]) for row in found]
    np.testing.assert_array_equal(energies, detector.energy(x)[:9])
    # A request is a table of its own, in which windows are made of the rows before.
    with serving(settings_for(tmp_path / "model")) as service:
        rows = [dict(zip(("x0", "x1", "x2"), row, strict=True)) for row in x[:9].tolist()]
        answered = service.post("/score", rows).json
        assert [row["energy"] for row in answered] == energies
        assert service.get("/status").json["window"] == 4


def test_what_cannot_be_followed_is_refused(model, tmp_path):
    (tmp_path / "t.csv").write_text("temp,torque,tool\n1,2,mill\n")
    table = str(tmp_path / "t.csv")
    follow = ("score", str(model), "--follow", "-o")
    one = "dagmm: --follow needs one file; standard input is read as it comes without.\n"
    assert failure(*follow, "-", "-") == one
    assert failure(*follow, "-", table, table) == one
    assert failure(*follow, "out.csv", table) == (
        "dagmm: --follow never ends, and 'out.csv' is written whole or not at all; write to "
        "standard output: -o - >> FILE.\n"
    )
    assert failure(*follow, "-", f"{table}.none") == (
        f"dagmm: '{table}.none' cannot be followed: No such file or directory.\n"
    )
