"""How many new normal rows lie above the default threshold, and how many anomalies.

``DAGMMDetector()`` is fitted to a random half of the normal rows of each set; its threshold is to
let one new row in a hundred through as an anomaly. Counted in the other half of the normal rows,
which it has not seen. ``DATA`` is a folder of ``*.npz`` files as tables.py takes it, or of tables
that are split already (``train``, ``test``, ``test_labels``), of which ``--rows`` draws so many
training rows and counts the others too. Beside what is found stands what the threshold would find
that exactly one of these new rows in a hundred exceeds, which nobody knows beforehand. With each
threshold comes a 95 % interval of that share: more than its upper end may have one fit in forty.

    python benchmarks/false_alarms.py --data DATA --seeds 3 --out false-alarms.json
    python benchmarks/false_alarms.py --data OVRBENCH --every 2 --rows 150 --seeds 1 --means
"""

import argparse
from pathlib import Path

import numpy as np

from common import ProgressLine, read_json, run_jobs, write_json
from dagmm import DAGMMDetector
from splits import is_split, load, load_split, split

#: Shares of new normal rows that p-values are asked about.
SHARES = (0.01, 0.1)


def rows_of(path: Path, seed: int, n_rows: int | None) -> tuple[np.ndarray, ...]:
    """Training rows, test rows and which of these are anomalies."""
    if not is_split(path):
        rows = split(*load(path), "semi", seed)
        return rows.train[:n_rows], rows.test, rows.anomaly
    rows = load_split(path)
    x = np.random.default_rng(seed).permutation(rows.train)
    x, others = x[:n_rows], x[len(x) if n_rows is None else n_rows :]
    anomaly = np.concatenate([rows.anomaly, np.zeros(len(others), bool)])
    return x, np.concatenate([rows.test, others]), anomaly


def one_fit(path: Path, seed: int, n_rows: int | None) -> dict[str, float]:
    """Shares of test rows beyond the threshold, and of the normal ones below some p-values."""
    x, x_test, anomaly = rows_of(path, seed, n_rows)
    detector = DAGMMDetector(random_state=seed).fit(x)
    energy, threshold = detector.energy(x_test), detector.threshold_
    called = energy > threshold["energy"]
    exact = energy > np.quantile(energy[~anomaly], 0.99)
    p_value = detector.p_value(x_test[~anomaly])
    return {
        "n_rows": len(x),
        "n_columns": x.shape[1],
        "false_alarms": float(called[~anomaly].mean()),
        "at_most": threshold["share_high"],
        "found": float(called[anomaly].mean()),
        "found_exact": float(exact[anomaly].mean()),
        **{f"p_{share:g}": float((p_value <= share).mean()) for share in SHARES},
    }


def print_table(results: dict[str, dict[str, float]], names: list[str], seeds: int) -> None:
    """Print means over seeds for each set."""
    asked = [f"p_{share:g}" for share in SHARES]
    print("new normal rows in %: above the threshold, and with a p-value of so much at most")
    head = f"{'set':<22}{'rows':>7}{'columns':>9}{'alarms':>9}{'at most':>9}"
    print(head + "".join(f"{name.replace('p_', 'p <= '):>11}" for name in asked) + f"{'found':>9}")
    for name in names:
        fits = [results[f"{name} {seed}"] for seed in range(seeds)]
        mean = {measure: float(np.mean([fit[measure] for fit in fits])) for measure in fits[0]}
        cells = "".join(f"{100 * mean[measure]:>11.1f}" for measure in asked)
        print(
            f"{name:<22}{mean['n_rows']:>7.0f}{mean['n_columns']:>9.0f}"
            f"{100 * mean['false_alarms']:>9.1f}{100 * mean['at_most']:>9.1f}{cells}"
            f"{100 * mean['found']:>9.1f}"
        )


def print_means(results: dict[str, dict[str, float]]) -> None:
    """Print means over all fits."""
    for measure in ("false_alarms", "found", "found_exact"):
        values = 100.0 * np.array([fit[measure] for fit in results.values()])
        error = values.std(ddof=1) / np.sqrt(len(values))
        print(f"{measure:<14}{values.mean():6.2f} +- {error:.2f} %, most {values.max():.1f} %")
    beyond = [fit["false_alarms"] > fit["at_most"] for fit in results.values()]
    print(f"more false alarms than the interval says: {sum(beyond)} of {len(beyond)} fits")


def main() -> None:
    """Run what is not in the results yet and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ...")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=2, help="fits at once")
    parser.add_argument("--rows", type=int, help="training rows, at most")
    parser.add_argument("--every", type=int, default=1, help="of the sets, in order, each n-th")
    parser.add_argument("--means", action="store_true", help="print means over sets alone")
    arguments = parser.parse_args()
    paths = sorted(arguments.data.glob("*.npz"))[:: arguments.every]
    if not paths:
        raise SystemExit(f"no file *.npz in {arguments.data}")
    jobs = [(path, seed, arguments.rows) for seed in range(arguments.seeds) for path in paths]
    results = read_json(arguments.out, {})
    left = [job for job in jobs if f"{job[0].stem} {job[1]}" not in results]
    progress = ProgressLine(len(left))
    for (path, seed, _), fit in run_jobs(one_fit, left, arguments.processes):
        results[f"{path.stem} {seed}"] = fit
        write_json(arguments.out, results)
        progress.step(f"{path.stem} seed {seed}: {100 * fit['false_alarms']:.1f} % alarms")
    if not arguments.means:
        print_table(results, [path.stem for path in paths], arguments.seeds)
    print_means(results)


if __name__ == "__main__":
    main()
