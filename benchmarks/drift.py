"""How often drift is called where there is none, and how soon where there is some.

First energies alone: streams of 2,000 rows that are exchangeable with so many known ones, 1,000
streams for each number, each with a known sample of its own. Then one model of the simulated plant
of ``dagmm.datasets`` that is calibrated anew for each of 1,000 streams, which is what the bound is
proven for. Then models as they are fitted, to rows in random order, as only then later rows are
exchangeable with them: streams of 500 normal rows without a fault; the faults ``drift`` and
``bias`` of the plant, 30 rows each, after 200 normal rows; a sensor whose offset creeps by one
standard deviation in 500 rows, after 200 and after 2,000 normal rows; and rows selected at a false
discovery rate of 0.1 among 475 normal and 25 faulty ones. Last the plant in the order of time,
where rows follow each other and the bound is not promised.

    python benchmarks/drift.py --out drift.json
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from common import ProgressLine, read_json, run_jobs, write_json
from dagmm import DAGMMDetector
from dagmm.datasets import SENSORS, simulated_plant
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.drift.monitor import DriftMonitor

ALPHAS = (0.01, 0.05)
KNOWN, NULL_ROWS = (20, 50, 200, 1000), 2000
POOL, TEST = 60_000, 30_000
STREAM, BEFORE, CREEP = 500, (200, 2000), 500
#: Rows that a model is calibrated with.
CALIBRATED = 200
#: Seeds that are asked for rows in the order of time too, which takes another fit.
IN_TIME = 2
FDR, SELECTED_FROM, STRANGE = 0.1, 500, 25


def monitor_of(known: np.ndarray, alpha: float) -> DriftMonitor:
    """Watch for drift from known energies."""
    sample = EmpiricalDistribution.of(known)
    nothing = np.zeros((8, 0), np.float32)
    return DriftMonitor(Calibration(nothing, sample, sample, "rows held out of the fit"), alpha)


def null_energies(kind: str, n_known: int, n_streams: int) -> dict[str, Any]:
    """Return the share of streams of energies that are called drift, at each bound."""
    rng = np.random.default_rng(n_known)
    p_values = []
    for _ in range(n_streams):
        energy = rng.standard_gamma(2.0, size=n_known + NULL_ROWS)
        energy = np.round(energy) if kind == "tied" else energy
        monitor = monitor_of(energy[:n_known], 0.01)
        monitor.update(energy[n_known:])
        p_values.append(monitor.p_value)
    return {
        "streams": n_streams,
        **{f"{alpha:g}": float(np.mean(np.array(p_values) <= alpha)) for alpha in ALPHAS},
    }


def called(detector: DAGMMDetector, energy: np.ndarray, alpha: float) -> int | None:
    """Return the number of the row at which drift is called."""
    monitor = DriftMonitor(detector.model_.calibration, alpha)
    monitor.update(energy)
    return monitor.row


def delays(
    detector: DAGMMDetector, streams: list[np.ndarray], start: int, alpha: float = 0.01
) -> dict[str, Any]:
    """Return the streams found after their fault begins, and the rows until then."""
    rows = [called(detector, detector.energy(stream), alpha) for stream in streams]
    late = [row - start for row in rows if row is not None and row >= start]
    return {
        "streams": len(streams),
        "early": sum(row is not None and row < start for row in rows),
        "delays": late,
    }


def one_model(n_rows: int, seed: int, n_streams: int) -> dict[str, Any]:
    """Ask one model of the plant all that is asked."""
    rng = np.random.default_rng(seed)
    train, test = simulated_plant(POOL, TEST, seed)
    rows = np.stack([train[name].to_numpy() for name in SENSORS], axis=1)
    faulty = np.stack([test[name].to_numpy() for name in SENSORS], axis=1)
    kinds = np.array(test["fault"].to_pylist())
    in_time = rows
    rows = rng.permutation(rows)
    detector = DAGMMDetector(random_state=seed).fit(rows[:n_rows])
    rest = rows[n_rows:]
    energy = detector.energy(rest)
    n_whole = min(n_streams, len(rest) // STREAM)
    null = [
        lowest_p_value(detector, energy[i * STREAM : (i + 1) * STREAM]) for i in range(n_whole)
    ]
    found: dict[str, Any] = {"null": null, "known": detector.threshold_["n_rows"]}
    for kind in ("drift", "bias"):
        starts = np.flatnonzero((kinds[1:] == kind) & (kinds[:-1] != kind)) + 1
        streams = [
            np.concatenate(
                [rest[rng.choice(len(rest), BEFORE[0], replace=False)], faulty[start : start + 30]]
            )
            for start in starts[:40]
        ]
        found[kind] = delays(detector, streams, BEFORE[0])
    deviation = rows.std(axis=0)
    for before in BEFORE:
        streams = []
        for column in range(len(SENSORS)):
            stream = rest[rng.choice(len(rest), before + 2 * CREEP, replace=False)].copy()
            creep = np.concatenate([np.linspace(0.0, 1.0, CREEP), np.ones(CREEP)])
            stream[before:, column] += creep * deviation[column]
            streams.append(stream)
        found[f"creep after {before}"] = delays(detector, streams, before)
    found["selected"] = [
        selected(detector, rest, faulty[kinds != "normal"], rng) for _ in range(40)
    ]
    if seed < IN_TIME:
        found["in time"] = in_order_of_time(in_time, n_rows, seed)
    return found


def calibrated(n_rows: int, n_streams: int) -> list[float]:
    """Return p-values of normal streams of one model, each calibrated with other rows."""
    rng = np.random.default_rng(0)
    train, _ = simulated_plant(POOL, 1, 0)
    rows = rng.permutation(np.stack([train[name].to_numpy() for name in SENSORS], axis=1))
    detector = DAGMMDetector(random_state=0).fit(rows[:n_rows])
    energy, found = detector.energy(rows[n_rows:]), []
    for _ in range(n_streams):
        drawn = rng.choice(energy, CALIBRATED + STREAM, replace=False)
        monitor = monitor_of(drawn[:CALIBRATED], 0.01)
        monitor.update(drawn[CALIBRATED:])
        found.append(monitor.p_value)
    return found


def lowest_p_value(detector: DAGMMDetector, energy: np.ndarray) -> float:
    """Return the p-value of one stream, at whatever row it is the lowest."""
    monitor = DriftMonitor(detector.model_.calibration, 0.01)
    monitor.update(energy)
    return monitor.p_value


def selected(
    detector: DAGMMDetector, normal: np.ndarray, strange: np.ndarray, rng: np.random.Generator
) -> tuple[int, int]:
    """Count the rows that are selected and normal, and all that are selected."""
    n_normal = SELECTED_FROM - STRANGE
    table = np.concatenate(
        [
            normal[rng.choice(len(normal), n_normal, replace=False)],
            strange[rng.choice(len(strange), STRANGE, replace=False)],
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = detector.select(table, fdr=FDR)
    return int(chosen[:n_normal].sum()), int(chosen.sum())


def in_order_of_time(rows: np.ndarray, n_rows: int, seed: int) -> dict[str, Any]:
    """Ask the plant as it comes: later normal rows, and whether the bound is doubted."""
    clock = np.arange(len(rows), dtype=float)[:, None]
    table = np.hstack([clock, rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector = DAGMMDetector(random_state=seed, time="x0").fit(table[:n_rows])
        energy = detector.energy(table[n_rows:])
        doubted = bool(detector.drift(table[n_rows : n_rows + 10]).warnings)
    n_whole = len(energy) // STREAM
    parts = [
        lowest_p_value(detector, energy[i * STREAM : (i + 1) * STREAM]) for i in range(n_whole)
    ]
    return {"null": parts, "doubted": doubted}


def show(results: dict[str, Any], models: dict[int, list[dict[str, Any]]]) -> None:
    """Print everything that was found."""
    print(f"streams of {NULL_ROWS} energies called drift, in %")
    print(f"{'known rows':<24}{'streams':>9}" + "".join(f"{f'alpha {a:g}':>13}" for a in ALPHAS))
    for name, one in results.items():
        if name.startswith("energies"):
            cells = "".join(f"{100 * one[f'{alpha:g}']:>13.1f}" for alpha in ALPHAS)
            print(f"{name.removeprefix('energies '):<24}{one['streams']:>9}{cells}")
    p_value = np.array(results["calibrated"])
    shares = ", ".join(f"{100 * (p_value <= a).mean():.1f} % at alpha {a:g}" for a in ALPHAS)
    print(
        f"a model of the plant, calibrated anew with {CALIBRATED} rows for each of "
        f"{len(p_value)} normal streams: {shares} called"
    )
    for n_rows, found in models.items():
        print(f"\n{len(found)} models of the plant fitted to {n_rows} rows in random order")
        p_values = [np.array(one["null"]) for one in found]
        for alpha in ALPHAS:
            rates = np.array([(p <= alpha).mean() for p in p_values])
            print(
                f"  alpha {alpha:g}: {100 * np.concatenate(p_values).__le__(alpha).mean():.2f} % "
                f"of {sum(map(len, p_values))} normal streams called; by model at most "
                f"{100 * rates.max():.1f} %"
            )
        for kind in ("drift", "bias", *(f"creep after {before}" for before in BEFORE)):
            late = np.array([row for one in found for row in one[kind]["delays"]])
            n = sum(one[kind]["streams"] for one in found)
            early = sum(one[kind]["early"] for one in found)
            quarters = np.percentile(late, [25, 50, 75]) if len(late) else [np.nan] * 3
            print(
                f"  {kind:<18} {len(late)} of {n} found, {early} too early; rows until then: "
                f"median {quarters[1]:.0f}, quarters {quarters[0]:.0f} to {quarters[2]:.0f}"
            )
        pairs = np.array([pair for one in found for pair in one["selected"]])
        share = (pairs[:, 0] / np.maximum(pairs[:, 1], 1)).mean()
        found_share = (pairs[:, 1] - pairs[:, 0]).mean() / STRANGE
        print(
            f"  selected at a rate of {FDR:g}: {100 * share:.1f} % of them normal on the mean, "
            f"{100 * found_share:.0f} % of the faulty rows found"
        )
        in_time = [one["in time"] for one in found if "in time" in one]
        late_null = np.concatenate([one["null"] for one in in_time])
        print(
            f"  in the order of time: {100 * (late_null <= 0.01).mean():.0f} % of "
            f"{len(late_null)} normal streams called at alpha 0.01; "
            f"{sum(one['doubted'] for one in in_time)} of {len(in_time)} models say that the "
            "bound does not hold"
        )


def main() -> None:
    """Run what is not in the results yet and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=1000, help="of energies, for each number")
    parser.add_argument("--models", type=int, default=5, help="seeds 0, 1, ...")
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 2000], help="training rows")
    parser.add_argument("--model-streams", type=int, default=100, help="normal streams of each")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    results = read_json(arguments.out, {})
    for kind in ("continuous", "tied"):
        for n_known in KNOWN:
            name = f"energies {kind} {n_known}"
            if name not in results:
                results[name] = null_energies(kind, n_known, arguments.streams)
                write_json(arguments.out, results)
    if "calibrated" not in results:
        results["calibrated"] = calibrated(arguments.rows[0], arguments.streams)
        write_json(arguments.out, results)
    jobs = [
        (n_rows, seed, arguments.model_streams)
        for seed in range(arguments.models)
        for n_rows in arguments.rows
    ]
    left = [job for job in jobs if f"model {job[0]} {job[1]}" not in results]
    progress = ProgressLine(len(left))
    for (n_rows, seed, _), found in run_jobs(one_model, left, arguments.processes):
        results[f"model {n_rows} {seed}"] = found
        write_json(arguments.out, results)
        progress.step(f"{n_rows} rows, seed {seed}")
    models = {
        n_rows: [
            results[f"model {n_rows} {seed}"]
            for seed in range(arguments.models)
            if f"model {n_rows} {seed}" in results
        ]
        for n_rows in arguments.rows
    }
    show(results, models)


if __name__ == "__main__":
    main()
