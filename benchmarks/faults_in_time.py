"""Faults of sensors in time: which kinds of them are found, on simulated plants.

Hidden causes wander, each at its own pace (AR(1), 0.85 to 0.985); sensors mix them, two fifths of
them bend (a sine), and each has noise of its own that wanders as well. Of each plant there are
training rows, normal rows for a threshold that 1 % of them exceed, and a run with faults of one
kind, 60 rows each: ``frozen`` (one sensor, three, or all of them repeat a value), ``bias`` (0.7
deviations), ``drift`` (to 1.5 deviations), ``noisy`` (half a deviation more) and ``late`` (the
sensor shows what was ten rows ago). Found are rows of the faults above the threshold; all scores
are causal. Peers are those of ``tennessee.py``, which see scaled rows.

With ``--out`` finished fits are kept and not repeated.

    python benchmarks/faults_in_time.py --plants 4 --out faults-in-time.json
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

import monitoring
from common import ProgressLine, read_json, run_jobs, write_json
from dagmm import DAGMMDetector
from dagmm.evaluation.baselines import classical
from dagmm.evaluation.baselines.method import Fit

#: Sensors and hidden causes of the plants, in turn.
SIZES = ((12, 3), (24, 5), (8, 2), (40, 6))
KINDS = ("frozen", "frozen three", "frozen all", "bias", "drift", "noisy", "late")
N_TEST, LENGTH, FIRST, APART = 4000, 60, 100, 80
ABOVE = 0.01
ROWS, WINDOWS = "rows", "windows"
PEERS: dict[str, tuple[str, Fit]] = {
    "mahalanobis": ("Mahalanobis distance (MT)", classical.mahalanobis),
    "mahalanobis_2": ("the same, 2 lags", monitoring.with_lags(classical.mahalanobis, 2)),
    "cva_3": ("CVA, 3 lags", monitoring.cva(3)),
    "gmm_2": ("Gaussian mixture, 2 lags", monitoring.with_lags(monitoring.gaussian_mixture, 2)),
    "dpca": ("DPCA (T2 + Q), 2 lags", monitoring.with_lags(monitoring.pca, 2)),
    "knn": ("k-nearest neighbours", classical.knn),
    "isolation_forest": ("Isolation Forest", classical.isolation_forest),
}

Score = Callable[[np.ndarray], np.ndarray]


def plant(number: int, n_rows: int) -> np.ndarray:
    """Return a run of a plant, shape (n_rows, n_sensors); the number tells which."""
    n_sensors, n_causes = SIZES[number % len(SIZES)]
    made, rng = np.random.default_rng([number, 0]), np.random.default_rng([number, 1])
    causes = wandering(made.uniform(0.85, 0.985, n_causes), n_rows, rng)
    x = causes @ made.normal(size=(n_causes, n_sensors)) / np.sqrt(n_causes)
    steepness, phase = made.uniform(0.5, 1.5, n_sensors), made.uniform(0.0, 6.0, n_sensors)
    x = np.where(made.random(n_sensors) < 0.4, np.sin(steepness * x + phase), x)
    noise = wandering(made.uniform(0.0, 0.9, n_sensors), n_rows, rng)
    return x + made.uniform(0.05, 0.3, n_sensors) * noise


def wandering(coefficient: np.ndarray, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """AR(1) series of variance 1, one a coefficient."""
    x = rng.normal(size=(n_rows, len(coefficient)))
    for i in range(1, n_rows):
        x[i] = coefficient * x[i - 1] + np.sqrt(1.0 - coefficient**2) * x[i]
    return x


def with_faults(x: np.ndarray, kind: str, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a run with faults of one kind, and which rows are faulty."""
    rng, x, is_faulty = np.random.default_rng([number, 2]), x.copy(), np.zeros(len(x), bool)
    for start in range(FIRST, len(x) - LENGTH, LENGTH + APART):
        rows = slice(start, start + LENGTH)
        n = {"frozen all": x.shape[1], "frozen three": 3}.get(kind, 1)
        sensors = rng.choice(x.shape[1], n, replace=False)
        sign, deviation = rng.choice([-1.0, 1.0]), x[:, sensors].std(axis=0)
        if kind.startswith("frozen"):
            x[rows, sensors] = x[start, sensors]
        elif kind == "bias":
            x[rows, sensors] += sign * 0.7 * deviation
        elif kind == "drift":
            x[rows, sensors] += sign * np.linspace(0.0, 1.5, LENGTH)[:, None] * deviation
        elif kind == "noisy":
            x[rows, sensors] += 0.5 * deviation * rng.normal(size=(LENGTH, n))
        else:
            x[rows, sensors] = x[start - 10 : start - 10 + LENGTH, sensors]
        is_faulty[rows] = True
    return x, is_faulty


def fit(method: str, x: np.ndarray) -> tuple[Score, float | None]:
    """Fit a method; return what scores a run, and its own threshold where it has one."""
    kind, _, window = method.partition(" ")
    if kind in (ROWS, WINDOWS):
        given = {"window": int(window)} if window else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            detector = DAGMMDetector(time="row", random_state=0, **given).fit(as_table(x))

        def score(rows: np.ndarray) -> np.ndarray:
            # Each run has a stream of its own, as none follows the training rows.
            return detector.stream().update(as_table(rows))

        return score, detector.threshold_["energy"]
    scaler = StandardScaler().fit(x)
    strangeness = PEERS[method][1](scaler.transform(x), 0)
    return lambda rows: strangeness(scaler.transform(rows)), None


def as_table(x: np.ndarray) -> pa.Table:
    """Return a run as a table whose clock counts its rows."""
    columns = {f"sensor {i}": values for i, values in enumerate(x.T)}
    return pa.table({"row": np.arange(len(x)), **columns})


def one_fit(method: str, number: int, n_rows: int) -> dict[str, float]:
    """Fit one method to one plant; rows found and AUROC of each kind, in percent."""
    x = plant(number, n_rows + 2 * N_TEST)
    score, limit = fit(method, x[:n_rows])
    normal = score(x[n_rows:-N_TEST])
    threshold = np.quantile(normal, 1.0 - ABOVE)
    measures = {} if limit is None else {"false_alarms": 100.0 * float((normal > limit).mean())}
    for kind in KINDS:
        run, is_faulty = with_faults(x[-N_TEST:], kind, number)
        faulty = score(run)[is_faulty]
        labels = np.repeat([0, 1], [len(normal), len(faulty)])
        measures[kind] = 100.0 * float((faulty > threshold).mean())
        auroc = roc_auc_score(labels, np.concatenate([normal, faulty]))
        measures[f"{kind} auroc"] = 100.0 * float(auroc)
    return measures


def title_of(method: str) -> str:
    """Return how the table calls a method."""
    kind, _, window = method.partition(" ")
    if method in PEERS:
        return PEERS[method][0]
    return "DAGMMDetector, rows" if kind == ROWS else f"DAGMMDetector, windows of {window}"


def print_table(fits: dict[str, list[dict[str, float]]]) -> None:
    """Print what each method finds of each kind, means over the plants, and its false alarms."""
    print(
        "rows found at 1 % false alarms, %; false: above its own threshold, promised 1, windows 5"
    )
    heads = (*KINDS, "mean", "AUROC", "false")
    print(f"{'':<29}" + "".join(f"{head:>14}" for head in heads))
    for method, runs in fits.items():
        found = [np.mean([run[kind] for run in runs]) for kind in KINDS]
        auroc = np.mean([run[f"{kind} auroc"] for run in runs for kind in KINDS])
        cells = [f"{value:.1f}" for value in (*found, np.mean(found), auroc)]
        own = [run["false_alarms"] for run in runs if "false_alarms" in run]
        cells.append(f"{np.mean(own):.1f}" if own else "")
        print(f"{title_of(method):<29}" + "".join(f"{cell:>14}" for cell in cells))


def main() -> None:
    """Run what is not in the results yet and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plants", type=int, default=4, help="plants 0, 1, ...")
    parser.add_argument("--rows", type=int, default=1500, help="training rows")
    parser.add_argument("--methods", help="some of the methods, separated by commas")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    every = (f"{WINDOWS} 10", f"{WINDOWS} 20", ROWS, *PEERS)
    methods = arguments.methods.split(",") if arguments.methods else every
    results = read_json(arguments.out, {})
    jobs = [(m, i, arguments.rows) for i in range(arguments.plants) for m in methods]
    left = [job for job in jobs if str(job) not in results]
    progress = ProgressLine(len(left))
    for job, found in run_jobs(one_fit, left, arguments.processes):
        results[str(job)] = found
        write_json(arguments.out, results)
        progress.step(f"{job[0]}, plant {job[1]}")
    print_table({m: [results[str(job)] for job in jobs if job[0] == m] for m in methods})


if __name__ == "__main__":
    main()
