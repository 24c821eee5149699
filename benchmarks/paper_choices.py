"""What the DAGMM paper leaves open, tried in every combination: its F1 depends on it.

The paper (Zong et al., ICLR 2018, section 4) gives networks and training, but neither how columns
are scaled nor which rows make the mixture that scores, and its readers have counted in other ways.
So four choices, each as the paper's words suggest it first:

- *scaling* of the columns, by the training rows: to 0..1, or to mean 0 and deviation 1;
- *training rows*: the normal ones of a random half of all rows, or half of the normal rows, so
  that all anomalies are tested;
- *mixture*: gamma and z of the training rows, of the rows to be scored, or of both;
- *called anomalies*: so many of the test rows, by the set's ratio, as have the highest energies,
  or those above the same quantile of the energies of training and test rows together.

One fit serves all choices but the first two. Settings and sets are those of ``paper.py``. With
``--out`` finished fits are kept and not repeated.

    python benchmarks/paper_choices.py --data DATA --sets thyroid,arrhythmia --runs 3
"""

import argparse
from itertools import product
from pathlib import Path
from typing import Any

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
from dagmm import DAGMM
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.moments import Moments
from paper_published import TABLE_2
from paper_sets import SETS, SHARED, f1_of, load, split

SCALINGS = ("minmax", "standard")
TRAINED = ("half of all", "half of the normal")
MIXTURES = ("training rows", "scored rows", "both")
CALLED = ("test rows", "both together")


def half_of_normal(
    anomaly: np.ndarray, anomalies_per_normal: float | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the training rows, half of the normal ones, and of all others."""
    rng = np.random.default_rng(seed)
    normal, strange = (rng.permutation(np.flatnonzero(kind)) for kind in (~anomaly, anomaly))
    if anomalies_per_normal is not None:
        strange = strange[: round(anomalies_per_normal * len(normal))]
    half = len(normal) // 2
    return normal[:half], np.concatenate([normal[half:], strange])


def called_together(
    energy: np.ndarray, of_training: np.ndarray, anomaly: np.ndarray, ratio: float
) -> float:
    """F1 of the rows above a quantile of the energies of training and test rows together."""
    is_called = energy > np.quantile(np.concatenate([of_training, energy]), 1.0 - ratio)
    return float(2 * (is_called & anomaly).sum() / (is_called.sum() + anomaly.sum()))


def one_fit(name: str, scaling: str, trained: str, seed: int, data: Path) -> dict[str, float]:
    """F1 by mixture and by what is called an anomaly, of one fit."""
    one = SETS[name]
    table, anomaly = load(name, data, True)
    divide = split if trained == TRAINED[0] else half_of_normal
    rows = divide(anomaly, one.anomalies_per_normal, seed)
    train, test = (take(table, part) for part in rows)
    settings = SHARED | one.settings | {"normalize": scaling}
    model = DAGMM(**settings, random_seed=seed).fit(train).model_
    z, z_test = (model.latent(part).T.astype(np.float64) for part in (train, test))
    gamma, gamma_test = (model.membership(part).T for part in (train, test))
    moments, of_test = Moments.of(z, gamma), Moments.of(z_test, gamma_test)
    found = {}
    for mixture, chosen in zip(MIXTURES, (moments, of_test, moments.merge(of_test)), strict=True):
        density = GaussianMixture.from_moments(chosen)
        energy, of_training = density.energy(z_test), density.energy(z)
        wanted = anomaly[rows[1]]
        found[f"{mixture}, {CALLED[0]}"] = f1_of(energy, wanted, one.ratio)["f1"]
        found[f"{mixture}, {CALLED[1]}"] = called_together(energy, of_training, wanted, one.ratio)
    return found


def print_grid(results: dict[str, Any], names: list[str]) -> None:
    """Print mean F1 of every combination, its spread where there are several runs."""
    head = "".join(f"{name:>18}" for name in names)
    print(f"{'scaling':10}{'trained on':20}{'mixture of':15}{'called among':15}{head}")
    for scaling, trained, mixture, called in product(SCALINGS, TRAINED, MIXTURES, CALLED):
        cells = ""
        for name in names:
            runs = results["fits"].get(f"{name}, {scaling}, {trained}", {}).values()
            if runs:
                f1, spread = mean_and_spread(run[f"{mixture}, {called}"] for run in runs)
                cells += f"{f1:>10.3f}" + (f" ± {spread:.3f}" if len(runs) > 1 else " " * 8)
            else:
                cells += " " * 18
        print(f"{scaling:10}{trained:20}{mixture:15}{called:15}{cells}")
    published = "".join(f"{TABLE_2['dagmm'][name][2]:>10.3f}{'':8}" for name in names)
    print(f"{'paper':60}{published}")


def main() -> None:
    """Fit what is not in the results yet and print the grid."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the data")
    parser.add_argument("--sets", default=",".join(SETS), help=f"some of {','.join(SETS)}")
    parser.add_argument("--runs", type=int, default=1, help="runs, with seeds 0, 1, ...")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    names = arguments.sets.split(",")
    if unknown := [name for name in names if name not in SETS]:
        parser.error(f"unknown set {unknown[0]!r}; known are {', '.join(SETS)}")
    results = read_json(arguments.out, {"environment": environment(), "fits": {}})
    jobs = [
        (name, scaling, trained, seed, arguments.data)
        for seed, name, scaling, trained in product(
            range(arguments.runs), names, SCALINGS, TRAINED
        )
        if str(seed) not in results["fits"].get(f"{name}, {scaling}, {trained}", {})
    ]
    progress = ProgressLine(len(jobs))
    for (name, scaling, trained, seed, _), found in run_jobs(one_fit, jobs, arguments.processes):
        key = f"{name}, {scaling}, {trained}"
        results["fits"].setdefault(key, {})[str(seed)] = found
        write_json(arguments.out, results)
        progress.step(f"{key}, run {seed}")
    print_grid(results, names)


if __name__ == "__main__":
    main()
