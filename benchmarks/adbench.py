"""Detection on the sets of ADBench (Han et al., NeurIPS 2022), without a leak.

``DATA`` is a folder of ``*.npz`` files with arrays ``X`` and ``y`` (1 = anomaly). At most 50,000
rows of each are drawn by the seed. ``semi``: train on a random half of the normal rows, test on
their other half and all anomalies. ``unsup``: train on a bootstrap of all rows, test on all rows.

The published tables resample every set under 1,000 rows up to 1,000 before splitting, so that
test rows sit in the training set. Here no row is repeated before the split; ``--peers`` runs
scikit-learn's detectors on the same splits instead. ``DAGMMDetector()`` sees raw rows; the peers
see rows scaled by the training rows.

A seed draws the rows and is the method's as well. With ``--same-rows`` all seeds share the rows of
seed 0, so that what varies is the method alone.

With ``--out`` finished fits are kept and not repeated. Seconds are meaningful with
``--processes 1`` on an idle machine.

    python benchmarks/adbench.py --data DATA --peers --out adbench-semi.json
"""

import argparse
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from common import (
    ProgressLine,
    mean_and_spread,
    read_json,
    run_jobs,
    write_json,
)
from dagmm import datasets
from peers import PEERS, fit_peer

DETECTOR = "DAGMMDetector"
MAX_ROWS = 50_000
MEASURES = ("auroc", "ap", "fit_s", "score_s")


@cache
def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a set once for each process."""
    return datasets.adbench(path)


def split(
    x: np.ndarray, anomaly: np.ndarray, setting: str, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training rows, test rows and the test rows' labels."""
    rng = np.random.default_rng(seed)
    if len(x) > MAX_ROWS:
        drawn = rng.choice(len(x), MAX_ROWS, replace=False)
        x, anomaly = x[drawn], anomaly[drawn]
    if setting == "unsup":
        return x[rng.integers(len(x), size=len(x))], x, anomaly
    normal = rng.permutation(np.flatnonzero(~anomaly))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(anomaly)])
    return x[normal[:half]], x[test], anomaly[test]


def one_fit(method: str, path: Path, setting: str, seed: int, same_rows: bool) -> dict[str, float]:
    """Fit and score one method on one split."""
    x, x_test, anomaly = split(*load(path), setting, 0 if same_rows else seed)
    start = time.perf_counter()
    if method == DETECTOR:
        from dagmm import DAGMMDetector

        score = DAGMMDetector(random_state=seed).fit(x).energy
    else:
        with warnings.catch_warnings():  # repeated rows and iteration limits are part of the peer
            warnings.simplefilter("ignore")
            score = fit_peer(method, x, seed)
    fitted = time.perf_counter()
    strangeness = score(x_test)
    scored = time.perf_counter()
    return {
        "auroc": float(roc_auc_score(anomaly, strangeness)),
        "ap": float(average_precision_score(anomaly, strangeness)),
        "fit_s": fitted - start,
        "score_s": scored - fitted,
    }


def values_of(results: dict[str, Any], measure: str, method: str, name: str) -> list[Any]:
    """Return one value for each seed, None where it is still to be measured."""
    return results[measure].setdefault(method, {}).setdefault(name, [])


def store(results: dict[str, Any], job: tuple[Any, ...], fit: dict[str, float]) -> None:
    """Put the measures of one fit in their places."""
    method, path, _, seed, _ = job
    for measure in MEASURES:
        values = values_of(results, measure, method, path.stem)
        values.extend([None] * (seed + 1 - len(values)))
        values[seed] = fit[measure]


def is_done(results: dict[str, Any], job: tuple[Any, ...]) -> bool:
    """Whether a fit was measured earlier."""
    method, path, _, seed, _ = job
    values = values_of(results, "score_s", method, path.stem)
    return len(values) > seed and values[seed] is not None


def print_tables(results: dict[str, Any], methods: list[str], names: list[str]) -> None:
    """Print AUROC of every set and method, then the means over sets and seeds."""
    auroc = results["auroc"]
    print(f"setting {results['setting']}; AUROC in %, mean over seeds; ± deviation over seeds")
    print(f"{'set':<22}" + "".join(f"{method[:11]:>13}" for method in methods))
    for name in names:
        cells = [mean_and_spread(auroc[method][name]) for method in methods]
        print(f"{name:<22}" + "".join(f"{100 * m:>7.1f} ±{100 * s:>4.1f}" for m, s in cells))
    print(f"\n{'method':<16}{'AUROC':>8}{'AP':>8}{'spread':>8}{'fit s':>9}{'score s':>9}")
    for method in methods:
        means = {
            measure: mean_and_spread(
                mean_and_spread(results[measure][method][name])[0] for name in names
            )[0]
            for measure in MEASURES
        }
        spread = mean_and_spread(mean_and_spread(auroc[method][name])[1] for name in names)[0]
        print(
            f"{method:<16}{100 * means['auroc']:>8.2f}{100 * means['ap']:>8.2f}"
            f"{100 * spread:>8.2f}{means['fit_s']:>9.2f}{means['score_s']:>9.2f}"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--setting", choices=("semi", "unsup"), default="semi")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0, 1, ...")
    parser.add_argument("--same-rows", action="store_true", help="all seeds share rows of seed 0")
    parser.add_argument("--peers", action="store_true", help="run scikit-learn's detectors too")
    parser.add_argument("--methods", help="names, separated by commas, instead of --peers")
    parser.add_argument("--only", help="names of sets, without .npz, separated by commas")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=2, help="fits at once")
    return parser.parse_args()


def _methods(arguments: argparse.Namespace) -> list[str]:
    known = [DETECTOR, *PEERS]
    if arguments.methods is None:
        return known if arguments.peers else known[:1]
    wanted: list[str] = arguments.methods.split(",")
    unknown = [method for method in wanted if method not in known]
    if unknown:
        raise SystemExit(f"no method {unknown[0]!r}; known are {', '.join(known)}")
    return wanted


def _paths(data: Path, only: str | None) -> list[Path]:
    paths = {path.stem: path for path in sorted(data.glob("*.npz"))}
    wanted = list(paths) if only is None else only.split(",")
    missing = [name for name in wanted if name not in paths]
    if missing or not wanted:
        raise SystemExit(f"no file {missing[0] if missing else '*'}.npz in {data}")
    return [paths[name] for name in wanted]


def main() -> None:
    """Run what is not in the results yet and print the tables."""
    arguments = _arguments()
    paths = _paths(arguments.data, arguments.only)
    methods = _methods(arguments)
    said = {"setting": arguments.setting, "same_rows": arguments.same_rows}
    results = read_json(arguments.out, said | {measure: {} for measure in MEASURES})
    held = {"setting": results["setting"], "same_rows": results.get("same_rows", False)}
    if held != said:
        raise SystemExit(f"{arguments.out} holds results of {held}, not of {said}")
    jobs = [
        (method, path, arguments.setting, seed, arguments.same_rows)
        for path in paths
        for method in methods
        for seed in range(arguments.seeds)
    ]
    jobs = [job for job in jobs if not is_done(results, job)]
    progress = ProgressLine(len(jobs))
    for job, fit in run_jobs(one_fit, jobs, arguments.processes):
        store(results, job, fit)
        write_json(arguments.out, results)
        progress.step(f"{job[1].stem} {job[0]} seed {job[3]}: AUROC {fit['auroc']:.3f}")
    print_tables(results, methods, [path.stem for path in paths])


if __name__ == "__main__":
    main()
