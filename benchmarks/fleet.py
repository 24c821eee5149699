"""Fleets: what a fit of many assets takes, and how well it finds faults, beside fits alone.

    python benchmarks/fleet.py --assets 1000 --separate 20

Each simulated asset has eight sensors that two hidden drivers move, with a level, a gain, noise
and relations of its own; ``--own`` says how far its relations lie from those of the fleet (their
deviation, relative to the fleet's). Half of the rows scored have a fault: an offset of a few
deviations of the noise, a sensor that shows the value of another moment, or a response that has
fallen by a quarter. Times are CPU seconds of all processes, as the machine may be shared.
"""

import argparse
import json
import resource
import time
import warnings

import numpy as np
import pyarrow as pa
from joblib.externals.loky import get_reusable_executor
from sklearn.metrics import roc_auc_score

from dagmm import DAGMMDetector, DAGMMFleet

SENSORS, SCORED = 8, 400


def simulated(n_assets: int, n_rows: int, own: float, seed: int) -> tuple[np.ndarray, ...]:
    """Training rows, rows to score and which of these have a fault, asset by asset."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(SENSORS, 5))
    found = [_asset(rng, common, n_rows, own) for _ in range(n_assets)]
    train, test, faulty = (np.array(part) for part in zip(*found, strict=True))
    return train, test, faulty


def _asset(rng, common, n_rows, own):
    relations = common + own * rng.normal(size=common.shape)
    level, gain = 5.0 * rng.normal(size=SENSORS), np.exp(0.3 * rng.normal(size=SENSORS))
    noise = 0.08 * np.exp(0.3 * rng.normal(size=SENSORS))

    def rows(n, relations):
        a, b = 2.0 * rng.beta(2, 2, n) - 1.0, rng.uniform(-1, 1, n)
        moved = np.stack([a, b, 2.0 * a * b, a**2, 0.5 * np.sin(4.0 * b)], 1) @ relations.T
        return level + gain * (moved + noise * rng.normal(size=(n, SENSORS)))

    train, test = rows(n_rows, relations), rows(SCORED, relations)
    faulty = np.arange(SCORED) % 2 == 1
    for kind, row in enumerate(np.flatnonzero(faulty)):
        sensor = rng.integers(SENSORS)
        if kind % 3 == 0:
            step = rng.choice([-1, 1]) * rng.uniform(2.5, 6)
            test[row, sensor] += gain[sensor] * noise[sensor] * step
        elif kind % 3 == 1:
            test[row, sensor] = train[rng.integers(n_rows), sensor]
        else:
            worn = relations.copy()
            worn[sensor] *= 0.75
            test[row] = rows(1, worn)[0]
    return train, test, faulty


def table_of(rows: np.ndarray) -> pa.Table:
    """One table of all assets, in no order."""
    n_assets, n_rows, _ = rows.shape
    names = np.repeat([f"asset{i:04d}" for i in range(n_assets)], n_rows)
    columns = {f"s{j}": rows[..., j].ravel() for j in range(SENSORS)}
    table = pa.table({"asset": names, **columns})
    return table.take(pa.array(np.random.default_rng(0).permutation(len(names))))


def ordered(rows: np.ndarray, i: int) -> pa.Table:
    """Return the rows of one asset, in their order."""
    columns = {f"s{j}": rows[i, :, j] for j in range(SENSORS)}
    return pa.table({"asset": [f"asset{i:04d}"] * len(rows[i]), **columns})


def cpu_seconds() -> float:
    """Of this process and of those that have ended."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))


def timed(function):
    """Return what a function does, CPU seconds and seconds, once its processes have ended."""
    began, at = cpu_seconds(), time.perf_counter()
    result = function()
    seconds = time.perf_counter() - at
    get_reusable_executor().shutdown(wait=True)
    return result, cpu_seconds() - began, seconds


def main() -> None:
    """Fit, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=40)
    parser.add_argument("--separate", type=int, default=8, help="assets that are fitted alone too")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--own", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    warnings.simplefilter("ignore")
    train, test, faulty = simulated(said.assets, said.rows, said.own, said.seed)
    table = table_of(train)
    DAGMMFleet("asset").fit(table_of(train[:4]))  # programs are compiled and kept on disk

    few = max(4, said.assets // 4)
    _, cpu_of_few, _ = timed(lambda: DAGMMFleet("asset").fit(table_of(train[:few])))
    fleet, cpu, seconds = timed(lambda: DAGMMFleet("asset").fit(table))
    each = (cpu - cpu_of_few) / (said.assets - few)
    # Those that are fitted alone may be any, as assets are drawn alike.
    chosen = range(min(said.separate, said.assets))
    alone, cpu_alone, _ = timed(
        lambda: [DAGMMDetector().fit(ordered(train, i).drop_columns(["asset"])) for i in chosen]
    )

    def auroc(energy_of) -> np.ndarray:
        return np.array([roc_auc_score(faulty[i], energy_of(i)) for i in chosen])

    of_fleet = auroc(lambda i: fleet.energy(ordered(test, i)))
    of_alone = auroc(lambda i: alone[i].energy(ordered(test, i)))
    of_all = auroc(lambda i: fleet.fleet_.of_all.energy(ordered(test, i)))
    normal = [fleet.predict(ordered(test, i))[~faulty[i]] < 0 for i in chosen]
    normal_alone = [alone[i].predict(ordered(test, i))[~faulty[i]] < 0 for i in chosen]

    def best(function) -> float:
        return min(timed(function)[1] for _ in range(3))

    by_fleet, by_one = (
        best(lambda: fleet.energy(table)),
        best(lambda: fleet.fleet_.of_all.energy(table)),
    )
    gap = of_fleet - of_alone
    per_alone = cpu_alone / len(chosen)
    result = {
        "assets": said.assets,
        "rows": said.rows,
        "own": said.own,
        "fleet_cpu_seconds": round(cpu, 1),
        "fleet_seconds": round(seconds, 1),
        "cpu_seconds_of_another_asset": round(each, 3),
        "cpu_seconds_of_a_fit_alone": round(per_alone, 3),
        "times_as_fast_each": round(per_alone / each, 1),
        "cpu_seconds_of_1000_assets": round(cpu + (1000 - said.assets) * each),
        "auroc_fleet": round(float(of_fleet.mean()), 4),
        "auroc_alone": round(float(of_alone.mean()), 4),
        "auroc_model_of_all": round(float(of_all.mean()), 4),
        "fleet_minus_alone": round(float(gap.mean()), 4),
        "standard_error": round(float(gap.std(ddof=1) / np.sqrt(len(gap))), 4),
        "false_alarms_fleet": round(float(np.mean(normal)), 4),
        "false_alarms_alone": round(float(np.mean(normal_alone)), 4),
        "scoring_rate_of_one_model": round(by_one / by_fleet, 2),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
