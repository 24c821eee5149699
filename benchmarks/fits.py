"""Fits of several methods to the same tables: run, kept in a file, and compared in pairs.

Seeds of a table are averaged before anything is said of several tables, whose number is what a
standard error goes by.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from common import ProgressLine, read_json, run_jobs, write_json
from splits import Protocol, paths_of, protocol_of

#: A fit's measures, AUROC and average precision among them.
Fit = dict[str, float]
#: Fits one method to one table: takes method, path, protocol and seed.
OneFit = Callable[[str, Path, Protocol, int], Fit]

#: Most training rows of a table in each group; the first is of fewer than 300.
SIZES = {"under 300": 299.0, "to 1,000": 1000.0, "to 5,000": 5000.0, "above": np.inf}
#: So many standard errors from 0 a difference is marked.
STARRED = 2.0


@dataclass(frozen=True)
class Fits:
    """What was measured, by method, table and seed."""

    by_method: dict[str, dict[str, dict[str, Fit]]]
    names: list[str]
    n_seeds: int

    def values(self, method: str, measure: str) -> np.ndarray:
        """Return a measure of a method, of shape (n_tables, n_seeds)."""
        tables = (self.by_method[method][name] for name in self.names)
        return np.array([[of[str(i)][measure] for i in range(self.n_seeds)] for of in tables])

    def means(self, method: str, measure: str) -> np.ndarray:
        """Return means over seeds, one for each table."""
        return self.values(method, measure).mean(axis=1)

    def spread(self, method: str, measure: str) -> np.ndarray:
        """Return standard deviations over seeds, one for each table; 0 for a single seed."""
        values = self.values(method, measure)
        return values.std(axis=1, ddof=1) if self.n_seeds > 1 else np.zeros(len(values))


def run_fits(one_fit: OneFit, methods: list[str], arguments: argparse.Namespace) -> Fits:
    """Fit all methods to the tables that a command line names, but for fits kept earlier."""
    protocol, paths, out = protocol_of(arguments), paths_of(arguments), arguments.out
    said = asdict(protocol)
    results = read_json(out, {"protocol": said, "fits": {}})
    if results.get("protocol") != said:
        raise SystemExit(f"{out} holds results of {results.get('protocol')}, not of {said}")
    fits = results["fits"]
    jobs = [
        (method, path, protocol, seed)
        for seed in range(arguments.seeds)
        for path in paths
        for method in methods
        if str(seed) not in fits.get(method, {}).get(path.stem, {})
    ]
    progress = ProgressLine(len(jobs))
    for (method, path, _, seed), fit in run_jobs(one_fit, jobs, arguments.processes):
        fits.setdefault(method, {}).setdefault(path.stem, {})[str(seed)] = fit
        write_json(out, results)
        progress.step(f"{path.stem} {method} seed {seed}: AUROC {fit['auroc']:.3f}")
    return Fits(fits, [path.stem for path in paths], arguments.seeds)


def regret(auroc: np.ndarray) -> np.ndarray:
    """Best method of each table less each method; of shape (n_methods, n_tables) as they are."""
    return auroc.max(axis=0) - auroc


@dataclass(frozen=True)
class Difference:
    """A mean difference of pairs with its standard error, which a single pair does not have."""

    mean: float
    error: float

    def __str__(self) -> str:
        error = "" if np.isnan(self.error) else f"±{100 * self.error:.2f}"
        return f"{100 * self.mean:+.2f}{error}{'*' if self.is_clear else ''}"

    @property
    def is_clear(self) -> bool:
        """Whether it is further from 0 than twice its standard error."""
        return abs(self.mean) > STARRED * self.error


def difference(one: np.ndarray, other: np.ndarray) -> Difference:
    """Mean of the first less the second over tables, of which there is at least one."""
    pairs = one - other
    error = pairs.std(ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else np.nan
    return Difference(float(pairs.mean()), float(error))


def by_size(n_rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what a group of tables is called and which tables are in it, if any are."""
    group = np.searchsorted(list(SIZES.values()), n_rows)
    for i, name in enumerate(SIZES):
        if (group == i).any():
            yield name, group == i


def print_differences(fits: Fits, pairs: dict[str, tuple[str, str]]) -> None:
    """Print the first of each pair less the second, over all tables and by training rows."""
    measures = {"auroc": "AUROC", "ap": "AP"}
    n_rows = fits.means(next(iter(pairs.values()))[0], "n_rows")
    groups: list[tuple[str, np.ndarray]] = [("all", np.ones(len(n_rows), bool)), *by_size(n_rows)]
    print("points ± standard error over tables; * beyond twice that; by rows of training (tables)")
    heads = [f"{name} ({chosen.sum()})" for name, chosen in groups]
    for measure, title in measures.items():
        print(f"{title:<26}" + "".join(f"{head:>18}" for head in heads))
        for name, (one, other) in pairs.items():
            a, b = fits.means(one, measure), fits.means(other, measure)
            cells = (str(difference(a[chosen], b[chosen])) for _, chosen in groups)
            print(f"{name:<26}" + "".join(f"{cell:>18}" for cell in cells))
