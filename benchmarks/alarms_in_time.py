"""How many later normal rows lie above the default threshold where rows follow each other.

Three sources: the first 400 rows of each SKAB file and the normal ones among the rest, the
Tennessee Eastman process (500 normal rows, then the 960 of ``d00_te``), and the simulated plant of
``dagmm.datasets`` with several seeds. ``DATA`` is a folder that holds ``skab`` and
``tennessee-eastman``; what it lacks is left out. Rows by themselves are fitted without a clock and
with one, windows have 10 and 60 rows, and those that hold a faulty row are not counted. Beside the
share that lies above stand what the threshold promised, what its warning at the fit said it might
be at most, and how many fits have more than twice what was promised without a warning.

    python benchmarks/alarms_in_time.py --data DATA --out alarms-in-time.json
"""

import argparse
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from common import ProgressLine, read_json, run_jobs, write_json
from dagmm import DAGMMDetector, datasets

#: How rows are looked at: whether a clock is named, and the rows of a window.
SETTINGS: dict[str, tuple[bool, int | None]] = {
    "rows": (False, None),
    "rows, time": (True, None),
    "windows of 10": (True, 10),
    "windows of 60": (True, 60),
}
TRAIN_ROWS, PLANTS = 400, 5


class Series(NamedTuple):
    """A table in time, and which of the rows after the training rows are normal."""

    table: pa.Table
    n_train: int
    normal: np.ndarray


@cache
def series_of(data: Path) -> dict[str, Series]:
    """Return all series by source and name; read once for each process."""
    return dict([*_skab(data / "skab"), *_tennessee(data / "tennessee-eastman"), *_plants()])


def _skab(folder: Path) -> Iterator[tuple[str, Series]]:
    for name, (table, is_anomaly) in datasets.skab(folder).items() if folder.is_dir() else ():
        if is_anomaly.any():
            table = table.rename_columns(
                ["t" if n == "datetime" else n for n in table.column_names]
            )
            yield f"SKAB {name}", Series(table, TRAIN_ROWS, ~is_anomaly[TRAIN_ROWS:])


def _tennessee(folder: Path) -> Iterator[tuple[str, Series]]:
    if not folder.is_dir():
        return
    train, later = (np.loadtxt(folder / f"{name}.dat.gz") for name in ("d00", "d00_te"))
    x = np.concatenate([train.T, later])  # the first file lies transposed
    columns = {f"x{i}": column for i, column in enumerate(x.T)}
    # Two runs: a clock that stands apart, so that no window reaches from one into the other.
    clock = np.arange(len(x)) * 180.0 + np.where(np.arange(len(x)) < len(train.T), 0.0, 1e6)
    yield "Tennessee Eastman", Series(pa.table(columns | {"t": clock}), 500, np.ones(960, bool))


def _plants() -> Iterator[tuple[str, Series]]:
    for seed in range(PLANTS):
        train, test = datasets.simulated_plant(seed=seed)
        table = pa.concat_tables([train, test])
        normal = np.array([fault == "normal" for fault in test["fault"].to_pylist()])
        table = table.drop_columns(["fault", "faulty_sensor"])
        table = table.rename_columns(["t" if n == "time" else n for n in table.column_names])
        yield f"plant {seed}", Series(table, train.num_rows, normal)


def one_fit(data: Path, name: str, setting: str) -> dict[str, Any]:
    """Fit one series one way, and count."""
    table, n_train, normal = series_of(data)[name]
    with_time, window = SETTINGS[setting]
    table = table if with_time else table.drop_columns(["t"])
    arguments = {"time": "t", "window": window} if with_time else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector = DAGMMDetector(random_state=0, **arguments).fit(table[:n_train])
    stream = detector.stream()  # the first windows reach back into the training rows
    stream.update(table[:n_train])
    above = stream.update(table[n_train:]) > detector.threshold_["energy"]
    # A window that reaches back into a fault is not normal, though its last row is.
    since_fault = np.convolve(~normal, np.ones(window or 1, bool))[: len(normal)]
    normal = since_fault == 0
    known = detector.threshold_
    return {
        "promised": known["share"],
        "at_most": known["share_high"],
        "n_effective": known["n_effective"],
        "warned": bool(known["warnings"]),
        "above": float(above[normal].mean()),
    }


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Print means over the series of each source."""
    print("later normal rows in %")
    print(
        f"{'source':<20}{'seen as':<16}{'promised':>9}{'at most':>9}{'above':>9}{'unwarned':>10}"
    )
    for source in ("SKAB", "Tennessee", "plant"):
        for setting in SETTINGS:
            fits = [
                fit
                for key, fit in results.items()
                if key.startswith(source) and key.endswith(f"| {setting}")
            ]
            if not fits:
                continue
            mean = {name: 100 * np.mean([fit[name] for fit in fits]) for name in fits[0]}
            unwarned = sum(
                fit["above"] > 2 * fit["promised"] and not fit["warned"] for fit in fits
            )
            print(
                f"{source:<20}{setting:<16}{mean['promised']:>9.1f}{mean['at_most']:>9.1f}"
                f"{mean['above']:>9.1f}{f'{unwarned} of {len(fits)}':>10}"
            )


def main() -> None:
    """Run what is not in the results yet and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=2, help="fits at once")
    arguments = parser.parse_args()
    jobs = [(arguments.data, name, s) for name in series_of(arguments.data) for s in SETTINGS]
    results = read_json(arguments.out, {})
    left = [job for job in jobs if f"{job[1]} | {job[2]}" not in results]
    progress = ProgressLine(len(left))
    for (_, name, setting), fit in run_jobs(one_fit, left, arguments.processes):
        results[f"{name} | {setting}"] = fit
        write_json(arguments.out, results)
        progress.step(f"{name}, {setting}: {100 * fit['above']:.1f} % above")
    print_table(results)


if __name__ == "__main__":
    main()
