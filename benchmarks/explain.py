"""How often the faulty sensor of a simulated plant is named, and how long explanations take.

python benchmarks/explain.py --seeds 6 [--kdd DATA/kddcup99/kddcup.data_10_percent.gz]
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd

from dagmm import DAGMMDetector
from dagmm.data.arrays import MatrixRows
from dagmm.datasets import FAULTS, NORMAL, SENSORS, simulated_plant

WAYS = ("explain", "error", "error / usual", "z-score", "Mahalanobis")


def values_of(table):
    """Return the readings, (n_rows, n_sensors)."""
    return np.stack([table[name].to_numpy() for name in SENSORS], axis=1)


def reconstruction_error(model, features):
    """Squared error of each feature, mean over networks."""
    errors = []
    for network in model.networks:
        layers = network.architecture.unflatten(network.parameters)
        errors.append((features - np.asarray(layers.latent(features.T)[1]).T) ** 2)
    return np.mean(errors, axis=0)


def rankings(detector, usual, readings):
    """Return, for each way, how much each column of each row is blamed."""
    encode = detector.model_.encoder.encode
    train, rows = (encode(MatrixRows(v).chunk(0, len(v))) for v in (usual, readings))
    error, spread = (reconstruction_error(detector.model_, part) for part in (rows, train))
    precision = np.linalg.inv(np.cov(train.T))
    centred = rows - train.mean(axis=0)
    return {
        "explain": detector.explain(readings).contribution,
        "error": error,
        "error / usual": error / spread.mean(axis=0),
        "z-score": np.abs(readings - usual.mean(axis=0)) / usual.std(axis=0),
        # What a linear model expects of each column from all others.
        "Mahalanobis": np.abs(centred @ precision) / np.sqrt(np.diag(precision)),
    }


def one_plant(seed):
    """Return the kind of each detected row, and whether each way names its sensor."""
    train, test = simulated_plant(seed=seed)
    usual, readings = values_of(train), values_of(test)
    detector = DAGMMDetector(random_state=seed).fit(usual)
    kinds = np.array(test["fault"].to_pylist())
    detected = (kinds != NORMAL) & (detector.predict(readings) == -1)
    sensors = np.array(test["faulty_sensor"].to_pylist())[detected]
    scores = rankings(detector, usual, readings[detected])
    named = {way: np.array(SENSORS)[s.argmax(axis=1)] == sensors for way, s in scores.items()}
    return kinds[detected], pd.DataFrame(named)


def plants(n_seeds):
    """Print, for each seed and each kind of fault, how often each way is right."""
    print(f"\n| seed | detected rows | {' | '.join(WAYS)} |")
    print("|---" * (len(WAYS) + 2) + "|")
    kinds, named = [], []
    for seed in range(n_seeds):
        kind, right = one_plant(seed)
        kinds.append(kind)
        named.append(right)
        shares = " | ".join(f"{right[way].mean():.3f}" for way in WAYS)
        print(f"| {seed} | {len(right)} | {shares} |", flush=True)
    right, kind = pd.concat(named), np.concatenate(kinds)
    for fault in FAULTS:
        shares = " | ".join(f"{right[way][kind == fault].mean():.3f}" for way in WAYS)
        print(f"| {fault} | {(kind == fault).sum()} | {shares} |")


def kdd(path):
    """Print how long the explanation of many rows of a wide table takes."""
    table = pd.read_csv(path, header=None)
    table.columns = [f"x{i}" for i in range(42)]
    label = table.pop("x41")
    train = table[label == "normal."].sample(60_000, random_state=0)
    rows = table.sample(10_000, random_state=1)
    detector = DAGMMDetector().fit(train)
    times = []
    for part in (rows.head(64), rows, rows.head(1)):
        began = time.perf_counter()
        explanation = detector.explain(part)
        times.append(time.perf_counter() - began)
        gap = explanation.energy - explanation.reference_energy
        worst = np.abs(explanation.contribution.sum(axis=1) - gap).max()
        print(f"{len(part)} rows: {times[-1]:.2f} s, worst sum off by {worst:.1e}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--kdd", metavar="FILE", help="KDD Cup 1999, to time explanations")
    arguments = parser.parse_args()
    plants(arguments.seeds)
    if arguments.kdd:
        kdd(arguments.kdd)
    sys.exit(0)
