"""Speed of scoring with the default detector, beside scikit-learn's detectors of the same rows.

Rows a second, one row by itself, and a new process that loads a model and scores a CSV file, of
tables of several widths. ``products`` is the floor: the matrix products of the networks alone.
"""

import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import joblib
import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.svm import OneClassSVM

from common import ProgressLine
from dagmm import DAGMMDetector
from dagmm._core.parallel import single_threaded_blas

WIDTHS = (6, 41, 118)
TRAINING_ROWS, CSV_ROWS, ONE_BY_ONE = 8000, 1000, 100
#: Of the rows that are scored the peers get this share: some are a hundred times as slow.
SHARE_OF_PEERS = 0.1
#: Rows of a product.
BLOCK = 512

Scorer: TypeAlias = Callable[[np.ndarray], Any]

_SCORE = """
import sys
from dagmm.cli import main
sys.argv = ["dagmm", "score", sys.argv[1], sys.argv[2], "-o", sys.argv[3], "--force", "--quiet"]
try:
    main()
except SystemExit as end:
    assert not end.code
"""
_SCORE_OF_PEER = """
import pickle, sys
import numpy as np
with open(sys.argv[1], "rb") as file:
    model = pickle.load(file)
x = np.loadtxt(sys.argv[2], delimiter=",", skiprows=1)
np.savetxt(sys.argv[3], model.score_samples(x))
"""
#: Not ru_maxrss, which on Linux begins at the peak of the process that started this one.
_PEAK = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) * 1024 / 1e6)
import os; sys.stdout.flush(); os._exit(0)
"""


def table(n_rows: int, width: int, seed: int) -> np.ndarray:
    """Rows in three clusters of columns that hang together, every fourth of which is skewed."""
    of_table, rng = np.random.default_rng(width), np.random.default_rng(seed)
    n_factors = max(3, width // 3)
    mixing = of_table.normal(size=(n_factors, width))
    factors = rng.normal(size=(n_rows, n_factors))
    factors += 3.0 * np.eye(3, n_factors)[rng.integers(0, 3, n_rows)]
    x = factors @ mixing + 0.3 * rng.normal(size=(n_rows, width))
    x[:, ::4] = np.exp(0.2 * x[:, ::4])
    return np.asarray(x)


def products(detector: DAGMMDetector) -> Scorer:
    """Return the products of all layers' weights with rows, in float32 on all cores."""
    rng, networks = np.random.default_rng(0), []
    for network in detector.model_.networks:
        there = (network.architecture.n_features, *network.architecture.comp_hiddens)
        sizes = (*there, *there[-2::-1])
        networks.append([rng.normal(size=(o, i)).astype(np.float32) for i, o in pairwise(sizes)])

    def part(block: np.ndarray) -> None:
        for weights in networks:
            x = block
            for weight in weights:
                x = weight @ x

    def score(rows: np.ndarray) -> None:
        x = rows.astype(np.float32)
        blocks = [np.ascontiguousarray(x[i : i + BLOCK].T) for i in range(0, len(x), BLOCK)]
        with single_threaded_blas(), ThreadPoolExecutor(joblib.cpu_count()) as pool:
            list(pool.map(part, blocks))

    return score


def peers(x: np.ndarray) -> dict[str, Any]:
    """Fit scikit-learn's detectors, with as few changes to their defaults as scoring needs."""
    return {
        "IsolationForest": IsolationForest(random_state=0).fit(x),
        "GaussianMixture": GaussianMixture(5, reg_covar=1e-3, random_state=0).fit(x),
        "NearestNeighbors": NearestNeighbors(n_neighbors=5).fit(x),
        "LocalOutlierFactor": LocalOutlierFactor(novelty=True).fit(x),
        "OneClassSVM": OneClassSVM(nu=0.1).fit(x),
    }


def scorers(detector: DAGMMDetector, others: dict[str, Any]) -> dict[str, Scorer]:
    """Return what scores rows, by name."""
    found: dict[str, Scorer] = {"dagmm": detector.energy, "products": products(detector)}
    for name, model in others.items():
        found[name] = getattr(model, "score_samples", None) or model.kneighbors
    return found


def measure(n_rows: int, repeats: int) -> dict[str, dict[str, dict[str, float]]]:
    """Measure all contenders on tables of all widths; each repeat runs all of them in turn."""
    results = {}
    for width in WIDTHS:
        training, rows = table(TRAINING_ROWS, width, 0), table(n_rows, width, 1)
        deviation = training.std(axis=0)
        detector = DAGMMDetector(random_state=0).fit(training / deviation)
        others, scaled = peers(training / deviation), rows / deviation
        contenders = scorers(detector, others)
        contenders["dagmm, a stream"] = detector.stream().update
        progress = ProgressLine(repeats * len(contenders))
        times: dict[str, tuple[list[float], list[float]]] = {n: ([], []) for n in contenders}
        for _ in range(repeats):
            for name, score in contenders.items():
                own = name.startswith(("dagmm", "products"))
                part = scaled if own else scaled[: max(1, int(SHARE_OF_PEERS * n_rows))]
                many, one = times[name]
                many.append(_seconds(score, part) / len(part))
                one.append(_one_by_one(score, scaled[:ONE_BY_ONE]))
                progress.step(f"{width} columns, {name}: {1.0 / many[-1]:,.0f} rows/s")
        results[str(width)] = {
            name: {
                "rows_per_s": 1.0 / statistics.median(many),
                "one_row_ms": 1e3 * statistics.median(one),
            }
            for name, (many, one) in times.items()
        }
        of_process = new_process(detector, others, scaled[:CSV_ROWS], repeats)
        for name, found in of_process.items():
            results[str(width)].setdefault(name, {}).update(found)
    return results


def new_process(
    detector: DAGMMDetector, others: dict[str, Any], rows: np.ndarray, repeats: int
) -> dict[str, dict[str, float]]:
    """Seconds and peak MB of processes that load a model, and score a CSV file into another."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        names = ",".join(f"x{i}" for i in range(rows.shape[1]))
        np.savetxt(where / "rows.csv", rows, delimiter=",", header=names, comments="")
        detector.save(where / "dagmm")
        codes = {"dagmm": _SCORE}
        for name, model in others.items():
            if hasattr(model, "score_samples"):
                (where / name).write_bytes(pickle.dumps(model))
                codes[name] = _SCORE_OF_PEER
        found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in codes}
        for _ in range(repeats):
            for name, code in codes.items():
                start = time.perf_counter()
                command = [sys.executable, "-c", code + _PEAK, where / name, where / "rows.csv"]
                done = subprocess.run(
                    [*command, where / "out.csv"], check=True, capture_output=True, text=True
                )
                found[name][0].append(time.perf_counter() - start)
                found[name][1].append(float(done.stdout.split()[-1]))
    return {
        name: {"process_s": statistics.median(s), "process_mb": statistics.median(mb)}
        for name, (s, mb) in found.items()
    }


def print_scoring(results: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print a table for each width."""
    columns = {
        "rows_per_s": ("rows/s", ",.0f"),
        "one_row_ms": ("one row ms", ".2f"),
        "process_s": ("process s", ".2f"),
        "process_mb": ("process MB", ".0f"),
    }
    for width, found in results.items():
        print(
            f"{width + ' columns':<22}" + "".join(f"{title:>12}" for title, _ in columns.values())
        )
        for name, values in found.items():
            cells = [
                f"{values[key]:>12{form}}" if key in values else f"{'':>12}"
                for key, (_, form) in columns.items()
            ]
            print(f"{name:<22}" + "".join(cells).rstrip())
        print()


def _seconds(score: Scorer, rows: np.ndarray) -> float:
    start = time.perf_counter()
    score(rows)
    return time.perf_counter() - start


def _one_by_one(score: Scorer, rows: np.ndarray) -> float:
    """Return the median seconds of a row, in a loop."""
    return statistics.median(_seconds(score, rows[i : i + 1]) for i in range(len(rows)))
