"""Sensors in time: SKAB, the Skoltech Anomaly Benchmark.

``DATA`` is a folder of SKAB's CSV files, in folders or not; files without an anomaly are left
out. Per file: fit on the first 400 rows, score the rest causally, so that no later row is used,
with a threshold from the training rows alone. One setting for all files. F1, false-alarm rate
(FAR) and missed-alarm rate (MAR) are those of all points of all files together.

``DAGMMDetector(time="datetime", window=10)`` sees windows; without a window it and the other
methods see rows by themselves, the others scaled by the training rows. The detector's thresholds
are its defaults; those of the others are what 1 % of the training rows exceed (Hotelling's T2 and
Q one each).

With ``--out`` finished fits are kept and not repeated.

    python benchmarks/skab.py --data DATA --out skab.json
"""

import argparse
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.preprocessing import StandardScaler

from common import ProgressLine, environment, read_json, run_jobs, write_json
from dagmm import datasets
from dagmm.evaluation.baselines.registry import METHODS

TRAIN_ROWS = 400
#: Share of the training rows above the threshold of the other methods.
ABOVE = 0.01
WINDOWS, ROWS, T2_Q = "dagmm_windows", "dagmm_rows", "t2_q"
TITLES = {WINDOWS: "DAGMMDetector, windows", ROWS: "DAGMMDetector, rows", T2_Q: "T2 + Q (PCA)"}
PEERS = ("mahalanobis", "isolation_forest", "knn", "autoencoder")


@cache
def load(data: Path) -> dict[str, tuple[pa.Table, np.ndarray]]:
    """Return the files that hold anomalies, by name; read once for each process."""
    return {name: file for name, file in datasets.skab(data).items() if file.is_anomaly.any()}


def alarms_of(
    method: str, train: pa.Table, test: pa.Table, seed: int, window: int | str
) -> np.ndarray:
    """Fit a method and return which test rows it calls anomalies."""
    if method in (WINDOWS, ROWS):
        from dagmm import DAGMMDetector

        windows = {"window": window} if method == WINDOWS else {}
        detector = DAGMMDetector(time="datetime", random_state=seed, **windows)
        detector.fit(train)
        if not windows:
            return detector.predict(test) == -1
        # The test rows follow the training rows: their first windows reach back into them.
        stream = detector.stream()
        stream.update(train)
        return stream.update(test) > detector.threshold_["energy"]
    x, x_test = (
        np.stack([table[name].to_numpy() for name in train.column_names if name != "datetime"], 1)
        for table in (train, test)
    )
    scaler = StandardScaler().fit(x)
    x, x_test = scaler.transform(x), scaler.transform(x_test)
    if method == T2_Q:
        parts = t2_and_q(x)
        limits = [np.quantile(part, 1.0 - ABOVE) for part in parts(x)]
        return np.any([a > b for a, b in zip(parts(x_test), limits, strict=True)], axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strangeness = METHODS[method].fit(x, seed)
    return strangeness(x_test) > np.quantile(strangeness(x), 1.0 - ABOVE)


def t2_and_q(x: np.ndarray) -> Any:
    """Hotelling's T2 within the principal components of 90 % of the variance, Q beyond them."""
    variance, axes = np.linalg.eigh(np.cov(x.T))
    variance, axes = variance[::-1], axes[:, ::-1]
    n = 1 + int(np.searchsorted(np.cumsum(variance) / variance.sum(), 0.9))
    kept = axes[:, :n]

    def parts(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        code = rows @ kept
        return (code**2 / variance[:n]).sum(axis=1), ((rows - code @ kept.T) ** 2).sum(axis=1)

    return parts


def one_fit(method: str, name: str, data: Path, seed: int, window: int | str) -> dict[str, float]:
    """Fit and score one method on one file; points by label and alarm."""
    table, is_anomaly = load(data)[name]
    start = time.perf_counter()
    alarm = alarms_of(method, table[:TRAIN_ROWS], table[TRAIN_ROWS:], seed, window)
    label = is_anomaly[TRAIN_ROWS:]
    is_before = np.arange(len(label)) < np.flatnonzero(label)[0]
    return {
        "true_alarms": int((alarm & label).sum()),
        "false_alarms": int((alarm & ~label).sum()),
        "false_before": int((alarm & is_before).sum()),
        "normal_before": int(is_before.sum()),
        "missed": int((~alarm & label).sum()),
        "quiet": int((~alarm & ~label).sum()),
        "seconds": time.perf_counter() - start,
    }


def measures_of(counts: list[dict[str, float]]) -> dict[str, float]:
    """F1, false-alarm and missed-alarm rates of all points together, false alarms by place."""
    hit, false, missed, quiet, before, normal_before = (
        sum(count[name] for count in counts)
        for name in (
            *("true_alarms", "false_alarms", "missed", "quiet"),
            *("false_before", "normal_before"),
        )
    )
    return {
        "f1": 2 * hit / max(1, 2 * hit + false + missed),
        "far": false / max(1, false + quiet),
        "far_before": before / max(1, normal_before),
        "far_later": (false - before) / max(1, false + quiet - normal_before),
        "mar": missed / max(1, hit + missed),
    }


def print_table(results: dict[str, Any], methods: list[str], names: list[str]) -> None:
    """Print the measures of each method: mean and deviation over the seeds."""
    print(f"{len(names)} files; F1, false-alarm and missed-alarm rate of all points together")
    print("before, later: false-alarm rate before the first row of a file's anomaly, and after it")
    heads = ("FAR %", "before", "later", "MAR %")
    print(f"{'method':<26}{'F1':>15}" + "".join(f"{h:>9}" for h in heads) + f"{'s a file':>10}")
    for method in methods:
        fits = results["counts"][method]
        seeds = sorted({seed for name in names for seed in fits[name]})
        runs = [measures_of([fits[name][seed] for name in names]) for seed in seeds]
        f1 = np.array([run["f1"] for run in runs])
        rates = (
            100 * np.mean([run[part] for run in runs])
            for part in ("far", "far_before", "far_later", "mar")
        )
        seconds = np.mean([fits[name][seed]["seconds"] for name in names for seed in seeds])
        title = TITLES.get(method) or METHODS[method].title
        print(
            f"{title:<26}{f1.mean():>7.3f} ± {f1.std():.3f}"
            + "".join(f"{rate:>9.1f}" for rate in rates)
            + f"{seconds:>10.1f}"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    methods = (WINDOWS, ROWS, T2_Q, *PEERS)
    parser.add_argument("--data", type=Path, required=True, help="folder of SKAB's CSV files")
    parser.add_argument("--only", help="names of files, separated by commas")
    parser.add_argument("--methods", default=",".join(methods), help="some of %(default)s")
    parser.add_argument("--window", default="10", help="rows or duration; %(default)s by default")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ...")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.methods.split(",") if name not in methods]
    if unknown:
        parser.error(f"unknown method {unknown[0]!r}; known are {', '.join(methods)}")
    return arguments


def main() -> None:
    """Run what is not in the results yet and print the table."""
    arguments = _arguments()
    files, methods = load(arguments.data), arguments.methods.split(",")
    names = list(files) if arguments.only is None else arguments.only.split(",")
    missing = [name for name in names if name not in files]
    if missing or not names:
        raise SystemExit(f"no file {missing[0] if missing else '*.csv'} with anomalies there")
    window = int(arguments.window) if arguments.window.isdecimal() else arguments.window
    empty = {"environment": environment(), "window": window, "counts": {}}
    results = read_json(arguments.out, empty)
    if results["window"] != window:
        raise SystemExit(f"{arguments.out} holds results of window {results['window']}")
    jobs = [
        (method, name, arguments.data, seed, window)
        for seed in range(arguments.seeds)
        for method in methods
        for name in names
        if str(seed) not in results["counts"].get(method, {}).get(name, {})
    ]
    progress = ProgressLine(len(jobs))
    for (method, name, _, seed, _), counts in run_jobs(one_fit, jobs, arguments.processes):
        results["counts"].setdefault(method, {}).setdefault(name, {})[str(seed)] = counts
        write_json(arguments.out, results)
        progress.step(f"{method} {name} seed {seed}: F1 {measures_of([counts])['f1']:.3f}")
    print_table(results, methods, names)
    results["measures"] = {
        method: [
            measures_of([results["counts"][method][name][str(seed)] for name in names])
            for seed in range(arguments.seeds)
        ]
        for method in methods
    }
    write_json(arguments.out, results)


if __name__ == "__main__":
    main()
