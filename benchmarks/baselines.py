"""Other methods on the four sets of the DAGMM paper, by the paper's protocol.

Splits, reading and F1 are those of ``paper_sets.py``; the methods are the library's own
(``dagmm.evaluation.baselines``), with the parameters that ``dagmm compare`` runs them with, on the
rows encoded by the training rows. DAGMM is ``DAGMMDetector()`` on the raw table. The paper's
variants have the network and training of ``DAGMMDetector()``, not those of the paper.

Nearest neighbours and LOF take time with the product of training and test rows: they learn from
at most 20,000 rows, drawn at random by the seed. All other methods learn from all training rows;
all score all test rows. With ``--out`` finished runs are kept and not repeated.

    python benchmarks/baselines.py --data DATA --runs 3 --out baselines.json
"""

import argparse
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from common import (
    ProgressLine,
    environment,
    mean_and_spread,
    read_json,
    run_jobs,
    take,
    write_json,
)
from dagmm.data.convert import as_rows
from dagmm.evaluation.compare import KNOWN, timed
from dagmm.preprocessing.sampling import encode_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.presets.tables import SCALING
from paper_sets import SETS, f1_of, load, split

#: Methods that learn from at most ``MAX_ROWS`` rows.
COSTLY = ("knn", "lof")
MAX_ROWS = 20_000


@lru_cache(maxsize=1)  # the large sets take a gigabyte
def encoded(name: str, data: Path, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows of one split, encoded by the training rows."""
    table, anomaly = load(name, data, False)
    parts = [as_rows(take(table, rows)) for rows in _split(name, anomaly, seed)]
    encoder = fit_table_encoder(parts[0], SCALING)
    train, test = (encode_rows(part, encoder)[: part.n_rows] for part in parts)
    return train.astype(np.float64), test.astype(np.float64)


def one_run(name: str, seed: int, data: Path, method_name: str) -> dict[str, Any]:
    """Fit and score one method on one split."""
    method = KNOWN[method_name]
    table, anomaly = load(name, data, False)
    rows = _split(name, anomaly, seed)
    if method.sees_table:
        train, test = (take(table, part) for part in rows)
    else:
        train, test = encoded(name, data, seed)
    if method_name in COSTLY and len(train) > MAX_ROWS:
        train = train[np.random.default_rng(seed).choice(len(train), MAX_ROWS, replace=False)]
    strangeness, (fit_s, score_s) = timed(method, train, test, seed)
    labels = anomaly[rows[1]]
    figures = f1_of(strangeness, labels, SETS[name].ratio)
    figures["auroc"] = float(roc_auc_score(labels, strangeness))
    return figures | {"fit_s": fit_s, "score_s": score_s, "train_rows": len(train)}


def print_table(results: dict[str, Any], names: list[str], methods: list[str]) -> None:
    """Print F1 of every method and set, mean and deviation over the runs, and fit seconds."""
    print("F1, mean ± standard deviation over the runs; s: mean seconds of a fit")
    print(f"{'method':<22}" + "".join(f"{name:>16}{'s':>7}" for name in names))
    for method in methods:
        cells = ""
        for name in names:
            runs = list(results["runs"].get(name, {}).get(method, {}).values())
            f1, spread = mean_and_spread(run["f1"] for run in runs) if runs else (np.nan, 0.0)
            fit = mean_and_spread(run["fit_s"] for run in runs)[0] if runs else np.nan
            cells += f"{f1:>8.3f} ± {spread:.3f}{fit:>7.1f}"
        print(f"{KNOWN[method].title:<22}{cells}")


def _split(name: str, anomaly: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return split(anomaly, SETS[name].anomalies_per_normal, seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the data")
    parser.add_argument("--sets", default=",".join(SETS), help="some of %(default)s")
    parser.add_argument("--methods", default=",".join(KNOWN), help="some of %(default)s")
    parser.add_argument("--runs", type=int, default=3, help="runs, with seeds 0, 1, ...")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; runs resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    for kind, given, known in (
        ("set", arguments.sets, SETS),
        ("method", arguments.methods, KNOWN),
    ):
        unknown = [name for name in given.split(",") if name not in known]
        if unknown:
            parser.error(f"unknown {kind} {unknown[0]!r}; known are {', '.join(known)}")
    return arguments


def main() -> None:
    """Run what is not in the results yet and print the table."""
    arguments = _arguments()
    names, methods = arguments.sets.split(","), arguments.methods.split(",")
    results = read_json(arguments.out, {"environment": environment(), "runs": {}})
    jobs = [
        (name, seed, arguments.data, method)
        for name in names
        for seed in range(arguments.runs)
        for method in methods
        if str(seed) not in results["runs"].get(name, {}).get(method, {})
    ]
    progress = ProgressLine(len(jobs))
    for (name, seed, _, method), run in run_jobs(one_run, jobs, arguments.processes):
        results["runs"].setdefault(name, {}).setdefault(method, {})[str(seed)] = run
        write_json(arguments.out, results)
        progress.step(f"{name} {method} run {seed}: F1 {run['f1']:.4f} in {run['fit_s']:.1f} s")
    print_table(results, names, methods)


if __name__ == "__main__":
    main()
