"""The table of the DAGMM paper: F1 on KDDCUP, KDDCUP-Rev, Thyroid and Arrhythmia.

Zong et al. (ICLR 2018), section 4. Each run draws a random half of the rows for training, of
which only those of the normal class are used; the rows of the other half with the highest
energies, as many as the anomaly ratio says, are called anomalies. In KDDCUP ``normal.`` is the
anomaly class, being the minority; KDDCUP-Rev has all normal rows, and attacks drawn to a quarter
of their number.

``DATA`` holds ``kddcup99/kddcup.data_10_percent.gz``, ``adbench/38_thyroid.npz`` and
``odds/arrhythmia.mat``. With ``--out`` finished runs are kept and not repeated.

    python benchmarks/paper.py --data DATA --runs 20 --out paper.json
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from common import (
    KDDCUP_FILE,
    ProgressLine,
    environment,
    mean_and_spread,
    read_json,
    run_jobs,
    take,
    write_json,
)
from dagmm.datasets import adbench, kddcup99, odds

MODELS = ("dagmm", "detector")


@dataclass(frozen=True)
class Set:
    """A data set of the paper: how it is read, how DAGMM is set there, what the paper has.

    Parameters
    ----------
    load : callable
        Takes the data folder and the model, returns the table and True for anomalies.
    ratio : float
        Share of the test rows that are called anomalies.
    paper : tuple of float
        F1, precision and recall of the paper's table 2.
    settings : dict
        Arguments of ``DAGMM``; those that are the same for all sets are in ``SHARED``.
    anomalies_per_normal : float, optional
        Anomalies are drawn to this share of the normal rows; all are used by default.
    """

    load: Callable[[Path, str], tuple[Any, np.ndarray]]
    ratio: float
    paper: tuple[float, float, float]
    settings: dict[str, Any]
    anomalies_per_normal: float | None = None


def _kddcup(data: Path, model: str) -> tuple[Any, np.ndarray]:
    table, attack = kddcup99(data / KDDCUP_FILE, flags_as_text=model == "dagmm")
    return table, ~attack


def _kddcup_rev(data: Path, model: str) -> tuple[Any, np.ndarray]:
    table, attack = kddcup99(data / KDDCUP_FILE, flags_as_text=model == "dagmm")
    return table, attack


def _thyroid(data: Path, model: str) -> tuple[Any, np.ndarray]:
    return adbench(data / "adbench/38_thyroid.npz")


def _arrhythmia(data: Path, model: str) -> tuple[Any, np.ndarray]:
    return odds(data / "odds/arrhythmia.mat")


_KDDCUP_NETWORK = {
    "comp_hiddens": [60, 30, 10, 1],
    "est_hiddens": [10, 4],
    "minibatch_size": 1024,
}

SETS = {
    "kddcup": Set(_kddcup, 0.20, (0.9369, 0.9297, 0.9442), {**_KDDCUP_NETWORK, "epoch_size": 200}),
    "kddcup-rev": Set(
        _kddcup_rev,
        0.20,
        (0.9380, 0.9370, 0.9390),
        {**_KDDCUP_NETWORK, "epoch_size": 400},
        anomalies_per_normal=0.25,
    ),
    "thyroid": Set(
        _thyroid,
        0.025,
        (0.4782, 0.4766, 0.4834),
        {
            "comp_hiddens": [12, 4, 1],
            "est_hiddens": [10, 2],
            "minibatch_size": 1024,
            "epoch_size": 20_000,
        },
    ),
    "arrhythmia": Set(
        _arrhythmia,
        0.15,
        (0.4983, 0.4909, 0.5078),
        {
            "comp_hiddens": [10, 2],
            "est_hiddens": [10, 2],
            "minibatch_size": 128,
            "epoch_size": 10_000,
        },
    ),
}

#: Settings of the paper that hold for every set, and the scaling, which it does not give.
SHARED = {
    "comp_activation": "tanh",
    "est_activation": "tanh",
    "est_dropout_ratio": 0.5,
    "learning_rate": 1e-4,
    "lambda1": 0.1,
    "lambda2": 0.005,
    "normalize": "minmax",
}


@cache
def load(name: str, data: Path, model: str) -> tuple[Any, np.ndarray]:
    """Read a data set once for each process."""
    return SETS[name].load(data, model)


def split(
    anomaly: np.ndarray, anomalies_per_normal: float | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the training rows, all normal, and of the test rows."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(anomaly))
    if anomalies_per_normal is not None:
        n_drawn = round(anomalies_per_normal * (~anomaly).sum())
        drawn = rng.choice(np.flatnonzero(anomaly), n_drawn, replace=False)
        rows = np.concatenate([np.flatnonzero(~anomaly), drawn])
    rows = rng.permutation(rows)
    half = len(rows) // 2
    train, test = rows[:half], rows[half:]
    return train[~anomaly[train]], test


def f1_of(energy: np.ndarray, anomaly: np.ndarray, ratio: float) -> dict[str, float]:
    """F1, precision and recall where the highest energies are called anomalies."""
    n_called = round(ratio * len(energy))
    called = np.argsort(-energy, kind="stable")[:n_called]
    hits = int(anomaly[called].sum())
    precision, recall = hits / n_called, hits / int(anomaly.sum())
    f1 = 2 * hits / (n_called + int(anomaly.sum()))
    return {"f1": f1, "precision": precision, "recall": recall}


def one_run(
    name: str, seed: int, data: Path, model: str, changes: dict[str, Any]
) -> dict[str, Any]:
    """Fit and score one split."""
    from dagmm import DAGMM, DAGMMDetector

    one = SETS[name]
    table, anomaly = load(name, data, model)
    train, test = split(anomaly, one.anomalies_per_normal, seed)
    start = time.perf_counter()
    if model == "dagmm":
        estimator = DAGMM(**(SHARED | one.settings | changes), random_seed=seed)
        energy = estimator.fit(take(table, train)).predict(take(table, test))
    else:
        detector = DAGMMDetector(random_state=seed).fit(take(table, train))
        energy = detector.energy(take(table, test))
    seconds = time.perf_counter() - start
    return f1_of(energy, anomaly[test], one.ratio) | {"seconds": seconds}


def print_table(results: dict[str, Any], names: list[str]) -> None:
    """Print means over the runs beside the figures of the paper."""
    print(f"model {results['model']}; F1 is mean ± standard deviation over the runs")
    print(
        f"{'set':<12}{'runs':>5}{'F1':>18}{'precision':>11}{'recall':>8}{'s/run':>8}{'paper':>8}"
    )
    for name in names:
        runs = list(results["runs"].get(name, {}).values())
        if not runs:
            continue
        f1, spread = mean_and_spread(run["f1"] for run in runs)
        precision, recall, seconds = (
            mean_and_spread(run[key] for run in runs)[0]
            for key in ("precision", "recall", "seconds")
        )
        print(
            f"{name:<12}{len(runs):>5}{f1:>10.4f} ± {spread:.4f}{precision:>10.4f}"
            f"{recall:>8.4f}{seconds:>8.1f}{SETS[name].paper[0]:>8.3f}"
        )


def _changes(texts: list[str]) -> dict[str, Any]:
    """Read ``name=value`` settings of DAGMM; a value that is no number stays a text."""
    changes: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            changes[name] = int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            changes[name] = value
    return changes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the data")
    parser.add_argument("--sets", default=",".join(SETS), help="some of %(default)s")
    parser.add_argument("--model", choices=MODELS, default="dagmm")
    parser.add_argument("--runs", type=int, default=20, help="runs, with seeds 0, 1, ...")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; runs resume")
    parser.add_argument(
        "--processes", type=int, help="runs at once; by default 2 for dagmm, 1 for the detector"
    )
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting of DAGMM, such as normalize=standard",
    )
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sets.split(",") if name not in SETS]
    if unknown:
        parser.error(f"unknown set {unknown[0]!r}; known are {', '.join(SETS)}")
    return arguments


def main() -> None:
    """Run what is not in the results yet and print the table."""
    arguments = _arguments()
    names, changes = arguments.sets.split(","), _changes(arguments.changes)
    head = {"model": arguments.model, "changes": changes}
    results = read_json(arguments.out, {**head, "environment": environment(), "runs": {}})
    if {key: results.get(key) for key in head} != head:
        raise SystemExit(f"{arguments.out} holds runs of another model or other settings")
    jobs = [
        (name, seed, arguments.data, arguments.model, changes)
        for name in names
        for seed in range(arguments.runs)
        if str(seed) not in results["runs"].get(name, {})
    ]
    progress = ProgressLine(len(jobs))
    processes = arguments.processes or (2 if arguments.model == "dagmm" else 1)
    for (name, seed, *_), run in run_jobs(one_run, jobs, processes):
        results["runs"].setdefault(name, {})[str(seed)] = run
        write_json(arguments.out, results)
        progress.step(f"{name} run {seed}: F1 {run['f1']:.4f} in {run['seconds']:.0f} s")
    print_table(results, names)


if __name__ == "__main__":
    main()
