"""The tables and the figure of the DAGMM paper (Zong et al., ICLR 2018), its figures beside.

Sets, splits and settings are in ``paper_sets.py``, the rows in ``paper_methods.py``, what was
published in ``paper_published.py``. Table 2 is precision, recall and F1 of all methods on KDDCUP,
KDDCUP-Rev, Thyroid and Arrhythmia; table 3 has 1 to 5 % of anomalies among the training rows of
KDDCUP; the figure shows the learnt space of KDDCUP.

``DATA`` holds ``kddcup99/kddcup.data_10_percent.gz``, ``adbench/38_thyroid.npz`` and
``odds/arrhythmia.mat``. With ``--out`` finished runs are kept and not repeated.

    python benchmarks/paper.py --data DATA --runs 20 --out paper.json         DAGMM alone
    python benchmarks/paper.py --data DATA --sets kddcup --runs 1             the KDDCup99 check
    python benchmarks/paper.py --data DATA --table 2 --runs 3 --out table-2.json
    python benchmarks/paper.py --data DATA --table 3 --runs 1 --out table-3.json
    python benchmarks/paper.py --data DATA --figure space.png
"""

import argparse
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common import (
    ProgressLine,
    environment,
    mean_and_spread,
    read_json,
    run_jobs,
    take,
    write_json,
)
from paper_methods import ROWS, TABLE_2_ROWS, TABLE_3_ROWS, encoded
from paper_published import TABLE_2
from paper_sets import SETS, SHARED, f1_of, load, split

#: Shares of anomalies among the training rows of table 3.
CONTAMINATIONS = (0.01, 0.02, 0.03, 0.04, 0.05)


class Column(NamedTuple):
    """A set, and the share of its training rows that are anomalies."""

    name: str
    contamination: float = 0.0

    @property
    def key(self) -> str:
        """What results are kept under."""
        return f"{self.name} {self.contamination:.0%}" if self.contamination else self.name


@lru_cache(maxsize=1)  # the large sets take half a gigabyte
def encoded_split(
    column: Column, seed: int, data: Path, normalize: str
) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows of one split, encoded by the training rows."""
    table, anomaly = load(column.name, data, True)
    rows = split(anomaly, SETS[column.name].anomalies_per_normal, seed, column.contamination)
    train, test = (take(table, part) for part in rows)
    return encoded(train, test, normalize)


def one_run(
    column: Column, seed: int, method: str, data: Path, changes: dict[str, Any]
) -> dict[str, Any]:
    """Fit and score one method on one split."""
    one, row = SETS[column.name], ROWS[method]
    settings = SHARED | one.settings | changes
    table, anomaly = load(column.name, data, row.flags_as_text)
    rows = split(anomaly, one.anomalies_per_normal, seed, column.contamination)
    if row.sees_table:
        train, test = (take(table, part) for part in rows)
    else:
        train, test = encoded_split(column, seed, data, settings["normalize"])
    start = time.perf_counter()
    strangeness = row.fit(train, seed, settings)(test)
    seconds = time.perf_counter() - start
    return f1_of(strangeness, anomaly[rows[1]], one.ratio) | {"seconds": seconds}


def print_tables(results: dict[str, Any], columns: list[Column], methods: list[str]) -> None:
    """Print means over the runs, of each set by itself, beside the figures of the paper."""
    print("F1 is mean ± standard deviation over the runs; pre-training that rows share counts for")
    print("the seconds of the first of them")
    for column in columns:
        print(f"\n{column.key}")
        head = f"{'':<17}{'runs':>4}{'F1':>16}{'precision':>11}{'recall':>8}{'s/run':>8}"
        print(head + f"   paper: {'F1':>6}{'precision':>11}{'recall':>8}")
        for method in methods:
            runs = list(results["runs"].get(column.key, {}).get(method, {}).values())
            if runs:
                print(_line(method, runs) + _published(column, method))


def _line(method: str, runs: list[dict[str, float]]) -> str:
    f1, spread = mean_and_spread(run["f1"] for run in runs)
    precision, recall, seconds = (
        mean_and_spread(run[key] for run in runs)[0] for key in ("precision", "recall", "seconds")
    )
    deviation = f" ± {spread:.3f}" if len(runs) > 1 else ""
    return (
        f"{ROWS[method].title:<17}{len(runs):>4}{f1:>8.3f}{deviation:<8}{precision:>11.3f}"
        f"{recall:>8.3f}{seconds:>8.1f}"
    )


def _published(column: Column, method: str) -> str:
    figures = None if column.contamination else TABLE_2.get(method, {}).get(column.name)
    if figures is None:
        return ""
    precision, recall, f1 = figures
    return f"{f1:>16.3f}{precision:>11.3f}{recall:>8.3f}"


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
    parser.add_argument("--table", type=int, choices=(2, 3), help="all rows of a table")
    parser.add_argument("--figure", type=Path, help="where to save the learnt space of KDDCUP")
    parser.add_argument(
        "--sets", help=f"some of {','.join(SETS)}; by default all, for table 3 kddcup"
    )
    parser.add_argument(
        "--model", help=f"some of {','.join(ROWS)}; by default the table's rows, or dagmm"
    )
    parser.add_argument("--runs", type=int, default=20, help="runs, with seeds 0, 1, ...")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; runs resume")
    parser.add_argument("--processes", type=int, default=1, help="runs at once")
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting of DAGMM and its variants, such as normalize=standard",
    )
    arguments = parser.parse_args()
    arguments.sets = arguments.sets or ("kddcup" if arguments.table == 3 else ",".join(SETS))
    rows = {None: ["dagmm"], 2: list(TABLE_2_ROWS), 3: list(TABLE_3_ROWS)}[arguments.table]
    arguments.model = arguments.model or ",".join(rows)
    for kind, given, known in (("set", arguments.sets, SETS), ("model", arguments.model, ROWS)):
        unknown = [name for name in given.split(",") if name not in known]
        if unknown:
            parser.error(f"unknown {kind} {unknown[0]!r}; known are {', '.join(known)}")
    return arguments


def main() -> None:
    """Run what is not in the results yet and print the tables, or draw the figure."""
    arguments = _arguments()
    methods, changes = arguments.model.split(","), _changes(arguments.changes)
    if arguments.figure is not None:
        from paper_space import draw_learnt_space

        draw_learnt_space(arguments.data, arguments.figure, changes)
        return
    shares = CONTAMINATIONS if arguments.table == 3 else (0.0,)
    columns = [Column(name, share) for name in arguments.sets.split(",") for share in shares]
    results = read_json(
        arguments.out, {"changes": changes, "environment": environment(), "runs": {}}
    )
    if results.get("changes") != changes:
        raise SystemExit(f"{arguments.out} holds runs with other settings")
    jobs = [
        (column, seed, method, arguments.data, changes)
        for seed in range(arguments.runs)
        for column in columns
        for method in methods
        if str(seed) not in results["runs"].get(column.key, {}).get(method, {})
    ]
    progress = ProgressLine(len(jobs))
    for (column, seed, method, *_), run in run_jobs(one_run, jobs, arguments.processes):
        of_column = results["runs"].setdefault(column.key, {})
        of_column.setdefault(method, {})[str(seed)] = run
        write_json(arguments.out, results)
        note = f"{column.key} {method} run {seed}"
        progress.step(f"{note}: F1 {run['f1']:.4f} in {run['seconds']:.0f} s")
    print_tables(results, columns, methods)


if __name__ == "__main__":
    main()
