"""Detection on static tables: the default and its peers, with differences in pairs.

``DATA`` is a folder of ``*.npz`` files, with arrays ``X`` and ``y`` as ADBench's (Han et al.,
NeurIPS 2022), or split already as OvRBench's; ``splits.py`` says how they are split and
contaminated, and which half of the tables is which. The published tables of ADBench resample every
set under 1,000 rows up to 1,000 before splitting, so that test rows sit in the training set; here
no row is repeated before the split.

``DAGMMDetector()`` sees raw rows; the peers (``--peers``, ``peers.py``) see the same rows, scaled
by the training rows. Whatever fails on a table ends the run with its name. Regret is what the best
method of a table has more than this one, in AUROC. Differences are of the first method to each
other one, a table being one pair, whose seeds are averaged first.

With ``--out`` finished fits are kept and not repeated. Seconds are meaningful with
``--processes 1`` on an idle machine.

    python benchmarks/tables.py --data DATA --peers --out semi.json
    python benchmarks/tables.py --data OVRBENCH --half 0 --contaminate 0.05 --peers --out five.json
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from fits import Fit, Fits, print_differences, regret, run_fits
from peers import PEERS, Score, fit_peer
from splits import Protocol, Split, add_arguments

DETECTOR = "DAGMMDetector"


def one_fit(method: str, path: Path, protocol: Protocol, seed: int) -> Fit:
    """Fit and score one method on one split."""
    rows = protocol.split(path, seed)
    try:
        return _measured(method, rows, seed)
    except Exception as error:
        raise RuntimeError(f"{method} fails on {path.stem}, seed {seed}: {error}") from error


def _measured(method: str, rows: Split, seed: int) -> Fit:
    start = time.perf_counter()
    score = _fitted(method, rows.train, seed)
    fitted = time.perf_counter()
    strangeness = score(rows.test)
    scored = time.perf_counter()
    return {
        "auroc": float(roc_auc_score(rows.anomaly, strangeness)),
        "ap": float(average_precision_score(rows.anomaly, strangeness)),
        "fit_s": fitted - start,
        "score_s": scored - fitted,
        "n_rows": len(rows.train),
        "n_columns": rows.train.shape[1],
    }


def _fitted(method: str, x: np.ndarray, seed: int) -> Score:
    if method == DETECTOR:
        from dagmm import DAGMMDetector

        return DAGMMDetector(random_state=seed).fit(x).energy
    with warnings.catch_warnings():  # repeated rows and iteration limits are part of the peer
        warnings.simplefilter("ignore")
        return fit_peer(method, x, seed)


def print_tables(fits: Fits, methods: list[str]) -> None:
    """Print AUROC of every table and method."""
    means = np.array([fits.means(method, "auroc") for method in methods])
    spread = np.array([fits.spread(method, "auroc") for method in methods])
    print("AUROC in %, mean over seeds; ± deviation over seeds")
    print(f"{'table':<32}{'rows':>7}" + "".join(f"{method[:12]:>13}" for method in methods))
    n_rows = fits.means(methods[0], "n_rows")
    for i, name in enumerate(fits.names):
        pairs = zip(means[:, i], spread[:, i], strict=True)
        cells = (f"{100 * m:>7.1f} ±{100 * s:>4.1f}" for m, s in pairs)
        print(f"{name[:31]:<32}{n_rows[i]:>7.0f}" + "".join(cells))


def print_methods(fits: Fits, methods: list[str]) -> None:
    """Print each method's means over tables, and what is worst of it."""
    auroc = np.array([fits.means(method, "auroc") for method in methods])
    regrets = regret(auroc)
    heads = ("AUROC", "AP", "regret", "worst", "lowest", "spread", "fit s", "score s")
    print("regret: mean and worst; lowest: AUROC of the worst table; spread over seeds")
    print(f"{'method':<16}" + "".join(f"{head:>9}" for head in heads))
    for i, method in enumerate(methods):
        figures = (
            auroc[i].mean(),
            fits.means(method, "ap").mean(),
            regrets[i].mean(),
            regrets[i].max(),
            auroc[i].min(),
            fits.spread(method, "auroc").mean(),
        )
        seconds = (fits.means(method, measure).mean() for measure in ("fit_s", "score_s"))
        cells = [f"{100 * figure:>9.2f}" for figure in figures]
        print(f"{method:<16}" + "".join([*cells, *(f"{figure:>9.2f}" for figure in seconds)]))


def _methods(arguments: argparse.Namespace) -> list[str]:
    known = [DETECTOR, *PEERS]
    if arguments.methods is None:
        return known if arguments.peers else known[:1]
    wanted: list[str] = arguments.methods.split(",")
    unknown = [method for method in wanted if method not in known]
    if unknown:
        raise SystemExit(f"no method {unknown[0]!r}; known are {', '.join(known)}")
    return wanted


def main() -> None:
    """Run what is not in the results yet and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser, seeds=5)
    parser.add_argument("--peers", action="store_true", help="run the peers too")
    parser.add_argument("--methods", help="names, separated by commas, instead of --peers")
    arguments = parser.parse_args()
    methods = _methods(arguments)
    fits = run_fits(one_fit, methods, arguments)
    print_tables(fits, methods)
    print()
    print_methods(fits, methods)
    if len(methods) > 1:
        print(f"\n{methods[0]} less each other method")
        print_differences(fits, {method: (methods[0], method) for method in methods[1:]})


if __name__ == "__main__":
    main()
