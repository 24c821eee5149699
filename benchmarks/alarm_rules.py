"""What alarm logic gains at equal false alarms, and what a regime costs that was never seen.

Rules: the detector, rows by themselves and windows of automatic length, is fitted to normal rows
of the Tennessee Eastman process (``d00``) or of the simulated plant, and scores other normal rows
and rows with faults. Each rule has the lowest threshold that makes no more than so many events
of the other normal rows: 2 of the 960 of ``d00_te``, one a day of the process; 5 of 8,000 of the
plant, one in 27 hours. Found are faulty rows in alarm; the delay is the median, over faults, of
rows from the first faulty one to the first alarm, or to the end of the fault; *in alarm* is the
share of the normal rows. CUSUM adds up what energies exceed a quantile of the training energies
by, and falls to 0 at least; it is here alone, not in the library.

Regimes: windows of 10 rows, fitted to all training rows of the simulated plant and to those
without full load, score normal rows of other days, of which so many are above the default
threshold.

    python benchmarks/alarm_rules.py --data DATA --out alarm-rules.json
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from common import ProgressLine, read_json, run_jobs, write_json
from dagmm import DAGMMDetector, datasets
from dagmm.inference.calibration.alarm_rule import AlarmRule, signals_of
from dagmm.inference.calibration.dependence import n_events

Signal = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _of_rule(rule: AlarmRule) -> Signal:
    def signal(energy: np.ndarray, train: np.ndarray) -> np.ndarray:
        # Rows before the first count as usual ones.
        start = np.full(rule.n - 1, np.median(train))
        centred = AlarmRule(rule.k, rule.n, smoothing=rule.smoothing, centre=np.median(train))
        return signals_of(np.concatenate([start, energy]), centred)

    return signal


def _cusum(level: float) -> Signal:
    def signal(energy: np.ndarray, train: np.ndarray) -> np.ndarray:
        sums, total, allowed = np.empty(len(energy)), 0.0, float(np.quantile(train, level))
        for i, value in enumerate(energy.tolist()):
            total = max(0.0, total + value - allowed)
            sums[i] = total
        return sums

    return signal


RULES: dict[str, Signal] = {
    "each row": _of_rule(AlarmRule()),
    "2 of 3": _of_rule(AlarmRule(2, 3)),
    "3 of 5": _of_rule(AlarmRule(3, 5)),
    "5 of 10": _of_rule(AlarmRule(5, 10)),
    "EWMA 0.5": _of_rule(AlarmRule(smoothing=0.5)),
    "EWMA 0.2": _of_rule(AlarmRule(smoothing=0.2)),
    "EWMA 0.1": _of_rule(AlarmRule(smoothing=0.1)),
    "CUSUM, 75 %": _cusum(0.75),
    "CUSUM, 95 %": _cusum(0.95),
}
WINDOWS: dict[str, dict[str, Any]] = {"rows": {}, "windows": {"window": "auto"}}
#: Rows that are fitted to; at full load the pump turns faster than this.
REGIMES, FULL_LOAD = ("all rows", "no full load"), 2700.0


def fitted(table: Any, time: str, **arguments: Any) -> DAGMMDetector:
    """Fit a detector, whatever it warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return DAGMMDetector(time=time, random_state=0, **arguments).fit(table)


def lowest(signals: np.ndarray, allowed: int) -> float:
    """Return the lowest threshold above which there are no more events than allowed."""
    threshold = np.inf
    for candidate in np.unique(signals)[::-1]:
        if n_events(np.flatnonzero(signals > candidate)) > allowed:
            break
        threshold = float(candidate)
    return threshold


def tennessee(data: Path, name: str) -> dict[str, Any]:
    """Measure all rules on the process."""
    runs = datasets.tennessee_eastman(data)
    detector = fitted(runs["d00"][0], "minute", **WINDOWS[name])
    energies = {run: detector.stream().update(table) for run, (table, _) in runs.items()}
    faults = [
        (energies[run], is_faulty)
        for run, (_, is_faulty) in runs.items()
        if run.endswith("_te") and run != "d00_te"
    ]
    parts = [(energy, np.array([160]), np.array([len(energy)])) for energy, _ in faults]
    return measured(energies["d00"], energies["d00_te"], 2, parts)


def plant(name: str) -> dict[str, Any]:
    """Measure all rules on the simulated plant."""
    columns = ["time", *datasets.SENSORS]
    train, test = datasets.simulated_plant(n_test=6000)
    other, _ = datasets.simulated_plant(n_train=8000, n_test=1, seed=1)
    detector = fitted(train.select(columns), "time", **WINDOWS[name])
    known = detector.energy(train.select(columns)), detector.energy(other.select(columns))
    is_faulty = np.array([fault != "normal" for fault in test["fault"].to_pylist()])
    edges = np.diff(np.concatenate([[0], is_faulty, [0]]))
    spans = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return measured(*known, 5, [(detector.energy(test.select(columns)), *spans)])


def measured(
    train: np.ndarray,
    normal: np.ndarray,
    allowed: int,
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, Any]:
    """Measure each rule: energies of series, and where their faults begin and end."""
    found = {}
    for name, signal in RULES.items():
        signals = signal(normal, train)
        threshold = lowest(signals, allowed)
        shares, delays = [], []
        for energy, starts, stops in parts:
            alarm = signal(energy, train) > threshold
            for start, stop in zip(starts, stops, strict=True):
                own = alarm[start:stop]
                shares.append(float(own.mean()))
                delays.append(int(np.argmax(own)) if own.any() else len(own))
        found[name] = {
            "found": float(np.mean(shares)),
            "delay": float(np.median(delays)),
            "in_alarm": float((signals > threshold).mean()),
        }
    return found


def regimes(fitted_to: str) -> dict[str, float]:
    """Fit with or without full load, and count rows of other days above the threshold."""
    columns = ["time", *datasets.SENSORS]
    train, _ = datasets.simulated_plant(n_train=4000, n_test=1)
    other, _ = datasets.simulated_plant(n_train=10_080, n_test=1, seed=1)
    if fitted_to != "all rows":
        train = train.filter(pc.less(train["speed"], FULL_LOAD))
    detector = fitted(train.select(columns), "time", window="10 min")
    above = detector.energy(other.select(columns)) > detector.threshold_["energy"]
    is_full = np.asarray(other["speed"]) >= FULL_LOAD
    return {"full": float(above[is_full].mean()), "other": float(above[~is_full].mean())}


def one_job(kind: str, data: Path, what: str) -> dict[str, Any]:
    """Do one part of the work."""
    if kind == "regimes":
        return regimes(what)
    return tennessee(data, what) if kind == "Tennessee Eastman" else plant(what)


def main() -> None:
    """Run what is not in the results yet and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of tennessee-eastman")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    data = arguments.data / "tennessee-eastman"
    kinds = ("Tennessee Eastman", "plant")
    jobs = [(kind, data, name) for kind in kinds for name in WINDOWS]
    jobs += [("regimes", data, fitted_to) for fitted_to in REGIMES]
    results = read_json(arguments.out, {})
    left = [job for job in jobs if f"{job[0]} | {job[2]}" not in results]
    progress = ProgressLine(len(left))
    for (kind, _, what), found in run_jobs(one_job, left, arguments.processes):
        results[f"{kind} | {what}"] = found
        write_json(arguments.out, results)
        progress.step(f"{kind} {what}")
    for kind in kinds:
        for name in WINDOWS:
            print(f"\n{f'{kind}, {name}':<28}{'found %':>9}{'delay':>7}{'in alarm %':>12}")
            for rule, one in results[f"{kind} | {name}"].items():
                shares = f"{100 * one['found']:>9.1f}{one['delay']:>7.0f}"
                print(f"{rule:<28}{shares}{100 * one['in_alarm']:>12.1f}")
    print(f"\n{'plant, fitted to':<28}{'at full load above %':>21}{'else above %':>14}")
    for fitted_to in REGIMES:
        one = results[f"regimes | {fitted_to}"]
        print(f"{fitted_to:<28}{100 * one['full']:>21.1f}{100 * one['other']:>14.1f}")


if __name__ == "__main__":
    main()
