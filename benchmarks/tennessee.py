"""A chemical plant in time: the Tennessee Eastman process, a row in three minutes.

``DATA`` is a folder with ``d00`` (500 normal rows), ``d00_te`` (960 other normal rows) and some of
``d01_te`` to ``d21_te`` (960 rows each; the fault begins after 160), ``.dat`` or ``.dat.gz``. All
methods are fitted to ``d00`` alone, scaled by it, and score the other files, each by itself, with
no later row used. Their own thresholds are of the training rows alone: the detector's default, and
for the others what 1 % of the training rows exceed.

- False alarms: rows of ``d00_te`` above a method's own threshold, and the runs of such rows, as
  operators count alarms.
- Found: rows 161 to 960 of a fault's file above a threshold: the own one, and the 99 % quantile
  of the scores of ``d00_te``, which 10 of its 960 rows exceed (1 % false alarms).
- AUROC: rows 161 to 960 of a fault's file against all rows of ``d00_te``.
- Delay: minutes from the first faulty row to the first of three alarms in a row, at 1 % false
  alarms; none where there are never three. The median over the faults counts such a fault with
  the length of its run; *noticed* are the others.
- Cause: for faults whose cause the literature names, the place of the first of its columns in the
  detector's explanation, the median of the rows found at 1 % false alarms. Columns that add as
  much as it stand before it, so that one that adds nothing comes last. The same in what leads the
  first event that reaches into the fault, at 1 % false alarms.

PCA is T2 and Q, as many components as parallel analysis says, DPCA the same with two lags, CVA
canonical variate analysis with so many lags (``monitoring.py``). With ``--out`` finished fits are
kept and not repeated.

    python benchmarks/tennessee.py --data DATA --faults --out tennessee.json
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from sklearn.metrics import roc_auc_score

import monitoring
from common import ProgressLine, environment, mean_and_spread, read_json, run_jobs, write_json
from dagmm import InputError, datasets
from dagmm.evaluation.baselines import classical
from dagmm.evaluation.baselines.method import Fit

TRAIN, NORMAL = "d00", "d00_te"
#: Share of normal rows above a threshold.
ABOVE = 0.01
MINUTES_A_ROW, ALARMS_IN_A_ROW = 3, 3
ROWS, WINDOWS = "dagmm_rows", "dagmm_windows"
PEERS: dict[str, tuple[str, Fit]] = {
    "pca": ("PCA, T2 + Q", monitoring.pca),
    "dpca": ("DPCA, 2 lags", monitoring.with_lags(monitoring.pca, 2)),
    "mahalanobis": ("Mahalanobis (MT)", classical.mahalanobis),
    "mahalanobis_2": (
        "Mahalanobis (MT), 2 lags",
        monitoring.with_lags(classical.mahalanobis, 2),
    ),
    "cva_2": ("CVA, 2 lags", monitoring.cva(2)),
    "cva_3": ("CVA, 3 lags", monitoring.cva(3)),
    "gmm": ("Gaussian mixture", monitoring.gaussian_mixture),
    "gmm_2": ("Gaussian mixture, 2 lags", monitoring.with_lags(monitoring.gaussian_mixture, 2)),
    "knn": ("k-nearest neighbours", classical.knn),
    "isolation_forest": ("Isolation Forest", classical.isolation_forest),
}
#: Columns in which faults begin or are compensated (Downs and Vogel, 1993; Chiang, Russell and
#: Braatz, 2001): feeds of A and C; reactor temperature, its cooling water and the valve of it;
#: condenser cooling water; feed of A; pressure loss of the C header; the reactor's valve sticks.
CAUSES = {
    "d01_te": ("XMEAS(1)", "XMEAS(4)"),
    "d04_te": ("XMEAS(9)", "XMV(10)"),
    "d05_te": ("XMV(11)", "XMEAS(22)"),
    "d06_te": ("XMEAS(1)", "XMV(3)"),
    "d07_te": ("XMEAS(4)", "XMV(4)"),
    "d11_te": ("XMEAS(9)", "XMV(10)"),
    "d14_te": ("XMEAS(9)", "XMEAS(21)", "XMV(10)"),
}


class Fitted(NamedTuple):
    """What scores the rows of a table in the order of time, its threshold, and the detector."""

    score: Callable[[pa.Table], np.ndarray]
    limit: float
    detector: Any = None


@cache
def load(data: Path) -> dict[str, tuple[pa.Table, np.ndarray]]:
    """Return the files that are used, by name; read once for each process."""
    runs = datasets.tennessee_eastman(data)
    faults = {name for name in runs if name.endswith("_te")} - {NORMAL}
    if not faults or not {TRAIN, NORMAL} <= set(runs):
        raise InputError(
            f"{data} holds {', '.join(runs)}; expected a folder of files of the Tennessee Eastman "
            "process: d00, d00_te and at least one of d01_te to d21_te, .dat or .dat.gz."
        )
    return {name: run for name, run in runs.items() if name in {TRAIN, NORMAL, *faults}}


def faults_of(data: Path) -> list[str]:
    """Return the names of the files with a fault."""
    return [name for name in load(data) if name not in (TRAIN, NORMAL)]


def title_of(method: str) -> str:
    """Return how tables call a method."""
    if method in PEERS:
        return PEERS[method][0]
    kind, _, window = method.partition(" ")
    return "DAGMMDetector, rows" if kind == ROWS else f"DAGMMDetector, windows of {window}"


def fit_peer(method: str, train: pa.Table, seed: int) -> Fitted:
    """Fit a method of the field to scaled rows."""
    x = _values(train)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale == 0.0] = 1.0
    strangeness = PEERS[method][1]((x - mean) / scale, seed)

    def score(table: pa.Table) -> np.ndarray:
        return strangeness((_values(table) - mean) / scale)

    return Fitted(score, float(np.quantile(score(train), 1.0 - ABOVE)))


def _values(table: pa.Table) -> np.ndarray:
    return np.stack([table[name].to_numpy() for name in table.column_names if name != "minute"], 1)


def fit_detector(method: str, train: pa.Table, seed: int) -> Fitted:
    """Fit the detector to rows or to windows."""
    from dagmm import DAGMMDetector

    window = method.partition(" ")[2]
    given = {"window": int(window) if window.isdecimal() else window} if window else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector = DAGMMDetector(time="minute", random_state=seed, **given).fit(train)

    def score(table: pa.Table) -> np.ndarray:
        # No file follows the training rows or another file: each has a stream of its own.
        return detector.stream().update(table)

    return Fitted(score, detector.threshold_["energy"], detector)


def one_fit(method: str, data: Path, seed: int) -> dict[str, Any]:
    """Fit one method and measure it on all files."""
    runs, start = load(data), time.perf_counter()
    fitted = (fit_peer if method in PEERS else fit_detector)(method, runs[TRAIN][0], seed)
    seconds = time.perf_counter() - start
    normal = fitted.score(runs[NORMAL][0])
    return {
        "false_alarms": float((normal > fitted.limit).mean()),
        "events": n_events(normal > fitted.limit),
        "faults": {
            name: measures_of(fitted, normal, *runs[name], CAUSES.get(name))
            for name in faults_of(data)
        },
        "seconds": seconds,
    }


def measures_of(
    fitted: Fitted,
    normal: np.ndarray,
    table: pa.Table,
    is_faulty: np.ndarray,
    cause: tuple[str, ...] | None,
) -> dict[str, float | None]:
    """Measure one fault against the scores of normal rows."""
    scores = fitted.score(table)
    exact = scores > np.quantile(normal, 1.0 - ABOVE)
    faulty = scores[is_faulty]
    labels = np.repeat([0, 1], [len(normal), len(faulty)])
    measures = {
        "found": float((faulty > fitted.limit).mean()),
        "found_exact": float(exact[is_faulty].mean()),
        "auroc": float(roc_auc_score(labels, np.concatenate([normal, faulty]))),
        "delay": delay_of(exact[is_faulty]),
        "minutes": float(MINUTES_A_ROW * len(faulty)),
    }
    if cause is not None and fitted.detector is not None:
        measures["cause"] = place_of_cause(fitted.detector, table, exact & is_faulty, cause)
        fitted.detector.set_threshold(energy=float(np.quantile(normal, 1.0 - ABOVE)))
        measures["began"] = place_in_event(fitted.detector, table, is_faulty, cause)
    return measures


def n_events(alarm: np.ndarray) -> int:
    """Count the runs of alarms."""
    return int((alarm & ~np.concatenate([[False], alarm[:-1]])).sum())


def delay_of(alarm: np.ndarray) -> float | None:
    """Return the minutes to the first of several alarms in a row; None without any."""
    together = np.convolve(alarm, np.ones(ALARMS_IN_A_ROW), "valid")
    starts = np.flatnonzero(together > ALARMS_IN_A_ROW - 0.5)
    return float(MINUTES_A_ROW * starts[0]) if len(starts) else None


def place_of_cause(
    detector: Any, table: pa.Table, found: np.ndarray, cause: tuple[str, ...]
) -> float | None:
    """Return the place of the first column of the cause, median of some rows; None of no rows."""
    if not found.any():
        return None
    # Of the whole table, as windows reach back.
    explanation = detector.explain(table)
    added = explanation.contribution[found]
    is_cause = np.isin(explanation.columns, cause)
    most = added[:, is_cause].max(axis=1, keepdims=True)
    return float(np.median(1 + (added[:, ~is_cause] >= most).sum(axis=1)))


def place_in_event(
    detector: Any, table: pa.Table, is_faulty: np.ndarray, cause: tuple[str, ...]
) -> float | None:
    """Return the place of the first column of the cause in the first event of the fault."""
    n_columns = len(detector.model_.encoder.columns)
    for event in detector.events(table, explain=n_columns).events:
        if is_faulty[event.last_row]:
            ranked = sorted(event.movers, key=lambda one: -one.share)
            places = [i for i, one in enumerate(ranked, 1) if one.column in cause]
            return float(min(places, default=n_columns))
    return None


def summary_of(fit: dict[str, Any]) -> dict[str, float]:
    """Means over the faults of one fit; of delays the median."""
    faults = list(fit["faults"].values())
    noticed = [fault["delay"] is not None for fault in faults]
    delays = [
        fault["delay"] if fault["delay"] is not None else fault["minutes"] for fault in faults
    ]
    return {
        "false_alarms": 100.0 * fit["false_alarms"],
        "events": fit["events"],
        **{
            name: 100.0 * float(np.mean([fault[name] for fault in faults]))
            for name in ("found", "found_exact", "auroc")
        },
        "delay": float(np.median(delays)),
        "noticed": sum(noticed),
        "seconds": fit["seconds"],
    }


#: Measures of the first table: name, heading, digits.
_COLUMNS = (
    ("false_alarms", "false %", 1),
    ("events", "events", 0),
    ("found", "found %", 1),
    ("found_exact", "at 1 %", 1),
    ("auroc", "AUROC", 1),
    ("delay", "delay", 0),
    ("noticed", "noticed", 0),
    ("seconds", "s", 1),
)
#: Measures of the tables by fault: name, title, what it is multiplied with, digits.
_BY_FAULT = (
    ("found_exact", "rows found at 1 % false alarms, %", 100.0, 1),
    ("auroc", "AUROC, %", 100.0, 1),
    ("delay", "minutes to the first of three alarms in a row, at 1 % false alarms", 1.0, 0),
    ("cause", "place of the cause in the explanation", 1.0, 1),
    ("began", "place of the cause in the first event", 1.0, 1),
)


def print_table(fits: dict[str, list[dict[str, Any]]], n_faults: int) -> None:
    """Print means over the faults of each method: mean over seeds, and their deviation."""
    n_seeds = max(len(runs) for runs in fits.values())
    width = 9 if n_seeds == 1 else 15
    print(f"{n_faults} faults; means, of delays the median (minutes); seeds: {n_seeds}")
    print(f"{'method':<29}" + "".join(f"{heading:>{width}}" for _, heading, _ in _COLUMNS))
    for method, runs in fits.items():
        summaries = [summary_of(run) for run in runs]
        cells = (_cell([s[name] for s in summaries], digits) for name, _, digits in _COLUMNS)
        print(f"{title_of(method):<29}" + "".join(f"{cell:>{width}}" for cell in cells))


def _cell(values: list[float], digits: int) -> str:
    mean, spread = mean_and_spread(values)
    return f"{mean:.{digits}f}" + (f" ± {spread:.{digits}f}" if len(values) > 1 else "")


def print_faults(fits: dict[str, list[dict[str, Any]]], names: list[str]) -> None:
    """Print each measure by method and fault, means over the seeds that have one."""
    for measure, title, factor, digits in _BY_FAULT:
        print(f"\n{title}")
        print(f"{'method':<29}" + "".join(f"{name[1:3]:>7}" for name in names))
        for method, runs in fits.items():
            cells = []
            for name in names:
                values = [run["faults"][name].get(measure) for run in runs]
                known = [factor * value for value in values if value is not None]
                cells.append(f"{np.mean(known):.{digits}f}" if known else "-")
            if set(cells) != {"-"}:
                print(f"{title_of(method):<29}" + "".join(f"{cell:>7}" for cell in cells))


def _with_windows(methods: Iterable[str], windows: Iterable[str]) -> list[str]:
    """Return the methods, one for each window."""
    return [
        key
        for method in methods
        for key in ([f"{method} {w}" for w in windows] if method == WINDOWS else [method])
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    methods = (ROWS, WINDOWS, *PEERS)
    parser.add_argument("--data", type=Path, required=True, help="folder of .dat files")
    parser.add_argument("--methods", default=",".join(methods), help="some of %(default)s")
    parser.add_argument(
        "--window", default="10", help="rows, or several separated by commas; %(default)s"
    )
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ...")
    parser.add_argument("--faults", action="store_true", help="print tables by fault too")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.methods.split(",") if name not in methods]
    if unknown:
        parser.error(f"unknown method {unknown[0]!r}; known are {', '.join(methods)}")
    return arguments


def main() -> None:
    """Run what is not in the results yet and print the tables."""
    arguments = _arguments()
    try:
        names = faults_of(arguments.data)
    except InputError as error:
        raise SystemExit(str(error)) from None
    methods = _with_windows(arguments.methods.split(","), arguments.window.split(","))
    empty = {"environment": environment(), "faults": names, "fits": {}}
    results = read_json(arguments.out, empty)
    if results["faults"] != names:
        raise SystemExit(f"{arguments.out} holds results of {', '.join(results['faults'])}")
    jobs = [
        (method, arguments.data, seed)
        for seed in range(arguments.seeds)
        for method in methods
        if str(seed) not in results["fits"].get(method, {})
    ]
    progress = ProgressLine(len(jobs))
    for (method, _, seed), fit in run_jobs(one_fit, jobs, arguments.processes):
        results["fits"].setdefault(method, {})[str(seed)] = fit
        write_json(arguments.out, results)
        progress.step(f"{method} seed {seed}: AUROC {summary_of(fit)['auroc']:.1f}")
    seeds = [str(seed) for seed in range(arguments.seeds)]
    fits = {method: [results["fits"][method][seed] for seed in seeds] for method in methods}
    print_table(fits, len(names))
    if arguments.faults:
        print_faults(fits, names)
    results["measures"] = {m: [summary_of(fit) for fit in runs] for m, runs in fits.items()}
    write_json(arguments.out, results)


if __name__ == "__main__":
    main()
