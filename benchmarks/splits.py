"""Tables of detection split into training and test rows, and the choice of them on a command line.

A folder holds ``*.npz`` files of two kinds. Of arrays ``X`` and ``y`` (1 = anomaly) at most 50,000
rows are drawn by the seed; ``semi`` trains on a random half of the normal rows and tests on their
other half and all anomalies, ``unsup`` trains on a bootstrap of all rows and tests on all rows. No
row is repeated before the split. Arrays ``train`` (normal rows), ``test`` and ``test_labels`` are
split already, as OvRBench's are, and are for ``semi`` alone; of these a seed draws rows only with
the two options that follow.

``--max-rows`` draws so many training rows, at most. ``--contaminate`` then replaces this share of
the training rows by anomalies that are drawn from the test rows and leave them: clean and
contaminated training sets have the same number of rows. At most half of a table's test anomalies
are taken, so that the share is smaller where there are few. ``--half 0`` and ``1`` are every other
table by name: what one half suggests the other can confirm.

A seed draws the rows and is the method's as well. With ``--same-rows`` all seeds share the rows of
seed 0, so that what varies is the method alone.
"""

import argparse
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from dagmm import datasets

MAX_ROWS = 50_000
HALVES = ("0", "1", "all")


@dataclass(frozen=True)
class Split:
    """Training rows, test rows, and which of the test rows are anomalies."""

    train: np.ndarray
    test: np.ndarray
    anomaly: np.ndarray


@dataclass(frozen=True)
class Protocol:
    """How tables are split; results of different protocols are not to be mixed."""

    setting: str = "semi"
    same_rows: bool = False
    contaminate: float = 0.0
    max_rows: int | None = None

    def split(self, path: Path, seed: int) -> Split:
        """Split the table in a file."""
        seed = 0 if self.same_rows else seed
        found = load_split(path) if is_split(path) else split(*load(path), self.setting, seed)
        return contaminated(at_most(found, self.max_rows, seed), self.contaminate, seed)


def is_split(path: Path) -> bool:
    """Whether a file holds rows that are split already."""
    with np.load(path) as file:
        return "train" in file


@lru_cache(maxsize=4)
def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a table and which of its rows are anomalies."""
    return datasets.adbench(path)


@lru_cache(maxsize=4)
def load_split(path: Path) -> Split:
    """Read a table that is split already."""
    with np.load(path) as file:
        return Split(file["train"], file["test"], file["test_labels"].ravel() == 1)


def split(x: np.ndarray, anomaly: np.ndarray, setting: str, seed: int) -> Split:
    """Split a table as a setting asks."""
    rng = np.random.default_rng(seed)
    if len(x) > MAX_ROWS:
        drawn = rng.choice(len(x), MAX_ROWS, replace=False)
        x, anomaly = x[drawn], anomaly[drawn]
    if setting == "unsup":
        return Split(x[rng.integers(len(x), size=len(x))], x, anomaly)
    normal = rng.permutation(np.flatnonzero(~anomaly))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(anomaly)])
    return Split(x[normal[:half]], x[test], anomaly[test])


def at_most(whole: Split, max_rows: int | None, seed: int) -> Split:
    """Draw training rows, in the order they were in."""
    if max_rows is None or len(whole.train) <= max_rows:
        return whole
    drawn = np.random.default_rng([seed, 2]).choice(len(whole.train), max_rows, replace=False)
    return replace(whole, train=whole.train[np.sort(drawn)])


def contaminated(clean: Split, share: float, seed: int) -> Split:
    """Put test anomalies in the place of training rows.

    Those of a smaller share are among those of a larger one.
    """
    rng = np.random.default_rng([seed, 1])
    strange = rng.permutation(np.flatnonzero(clean.anomaly))
    places = rng.permutation(len(clean.train))
    n_moved = min(round(share * len(clean.train)), len(strange) // 2)
    moved = strange[:n_moved]
    train = clean.train.copy()
    train[places[:n_moved]] = clean.test[moved]
    return Split(train, np.delete(clean.test, moved, axis=0), np.delete(clean.anomaly, moved))


def add_arguments(parser: argparse.ArgumentParser, seeds: int) -> None:
    """Add the options that say which tables are split how, and where results are kept."""
    parser.add_argument("--data", type=Path, required=True, help="folder of .npz files")
    parser.add_argument("--setting", choices=("semi", "unsup"), default="semi")
    parser.add_argument("--contaminate", type=float, default=0.0, help="share of training rows")
    parser.add_argument("--max-rows", type=int, help="training rows, at most")
    parser.add_argument("--half", choices=HALVES, default="all", help="every other table")
    parser.add_argument("--only", help="names of tables, without .npz, separated by commas")
    parser.add_argument("--seeds", type=int, default=seeds, help="seeds 0, 1, ...")
    parser.add_argument("--same-rows", action="store_true", help="all seeds share rows of seed 0")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=2, help="fits at once")


def protocol_of(arguments: argparse.Namespace) -> Protocol:
    """Return the protocol that a command line asks for."""
    if not 0.0 <= arguments.contaminate < 1.0:
        raise SystemExit("--contaminate is a share of the training rows, from 0 to below 1")
    if arguments.contaminate and arguments.setting == "unsup":
        raise SystemExit("--contaminate needs --setting semi; unsup has anomalies of its own")
    if arguments.max_rows is not None and arguments.max_rows < 1:
        raise SystemExit("--max-rows is a number of rows, at least 1")
    names = ("setting", "same_rows", "contaminate", "max_rows")
    return Protocol(**{name: getattr(arguments, name) for name in names})


def paths_of(arguments: argparse.Namespace) -> list[Path]:
    """Return the files that a command line asks for."""
    found = half_of(sorted(arguments.data.glob("*.npz")), arguments.half)
    paths = {path.stem: path for path in found}
    wanted = list(paths) if arguments.only is None else arguments.only.split(",")
    missing = [name for name in wanted if name not in paths]
    if missing or not wanted:
        of = "" if arguments.half == "all" else f"half {arguments.half} of "
        raise SystemExit(f"no file {missing[0] if missing else '*'}.npz in {of}{arguments.data}")
    if arguments.setting == "unsup":
        fixed = [name for name in wanted if is_split(paths[name])]
        if fixed:
            raise SystemExit(f"{fixed[0]} is split already, which is for --setting semi alone")
    return [paths[name] for name in wanted]


def half_of(paths: list[Path], half: str) -> list[Path]:
    """Every other path from the first (0) or second (1) on, or all of them."""
    return paths if half == "all" else paths[int(half) :: 2]
