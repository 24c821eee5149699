"""Images with one class normal (MNIST and sets like it).

``DATA`` is a folder with IDX files of images and of labels: every ``*images*`` file and the
``*labels*`` file that belongs to it. For each class: train on a random half of its images, test
on its other half and the images of all other classes; AUROC, mean over the classes.

``DAGMMDetector()`` sees the images; ``dense`` is the same detector with its dense network, on
images flattened to rows of a table. Isolation Forest sees the flattened pixels; One-Class SVM and
KNN (distance to the fifth neighbour) see codes of PCA that keep 90 % of the variance. All of them
see the same splits. Of the detectors it is said as well how many of the test images lie above the
default's threshold, which is to be 1 % of the normal ones.

With ``--out`` finished fits are kept and not repeated.

    python benchmarks/mnist.py --data DATA --out mnist.json
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from common import ProgressLine, environment, mean_and_spread, read_json, run_jobs, write_json
from dagmm import DAGMMDetector, datasets
from dagmm.evaluation.baselines.classical import isolation_forest, knn, one_class_svm

#: Share of the variance that the codes of PCA keep.
KEPT = 0.9
Score = Callable[[np.ndarray], np.ndarray]


class Fitted(NamedTuple):
    """A method that knows the normal images."""

    score: Score
    threshold: float | None = None


@cache
def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a set once for each process: images (n, height, width), labels (n,)."""
    files = sorted(folder.glob("*images*"))
    if not files:
        raise SystemExit(f"no file *images* in {folder}")
    images = np.concatenate([datasets.idx(file) for file in files])
    names = [
        file.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
        for file in files
    ]
    labels = np.concatenate([datasets.idx(folder / name) for name in names])
    if len(images) != len(labels):
        raise SystemExit(f"{folder} has {len(images)} images and {len(labels)} labels")
    return images, labels


def split(labels: np.ndarray, normal: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the images to train on and of those to test on."""
    rng = np.random.default_rng([seed, normal])
    of_class = rng.permutation(np.flatnonzero(labels == normal))
    half = len(of_class) // 2
    return of_class[:half], np.concatenate([of_class[half:], np.flatnonzero(labels != normal)])


def convolutional(images: np.ndarray, seed: int) -> Fitted:
    """Fit the detector to images."""
    detector = DAGMMDetector(random_state=seed).fit(images)
    return Fitted(detector.energy, detector.threshold_["energy"])


def dense(images: np.ndarray, seed: int) -> Fitted:
    """Fit the detector to images flattened to rows of a table."""
    detector = DAGMMDetector(random_state=seed).fit(_flat(images))
    return Fitted(lambda others: detector.energy(_flat(others)), detector.threshold_["energy"])


def on_pixels(fit: Callable[..., Score]) -> Callable[..., Fitted]:
    """Fit a classical method to flattened pixels."""

    def fit_pixels(images: np.ndarray, seed: int) -> Fitted:
        score = fit(_flat(images), seed)
        return Fitted(lambda others: score(_flat(others)))

    return fit_pixels


def on_codes(fit: Callable[..., Score]) -> Callable[..., Fitted]:
    """Fit a classical method to codes of PCA."""

    def fit_codes(images: np.ndarray, seed: int) -> Fitted:
        pca = PCA(KEPT, svd_solver="full").fit(_flat(images))
        score = fit(pca.transform(_flat(images)), seed)
        return Fitted(lambda others: score(pca.transform(_flat(others))))

    return fit_codes


METHODS: dict[str, Callable[[np.ndarray, int], Fitted]] = {
    "DAGMMDetector": convolutional,
    "dense": dense,
    "Isolation Forest": on_pixels(isolation_forest),
    "OCSVM on PCA": on_codes(one_class_svm),
    "KNN on PCA": on_codes(knn),
}


def one_fit(method: str, folder: Path, normal: int, seed: int) -> dict[str, float]:
    """Fit and score one method on one split."""
    images, labels = load(folder)
    train, test = split(labels, normal, seed)
    start = time.perf_counter()
    with warnings.catch_warnings():  # what the table's encoder says of columns is no news here
        warnings.simplefilter("ignore")
        score, threshold = METHODS[method](images[train], seed)
        fitted = time.perf_counter()
        strangeness = score(images[test])
    is_normal = labels[test] == normal
    measures = {
        "auroc": float(roc_auc_score(~is_normal, strangeness)),
        "fit_s": fitted - start,
        "score_s": time.perf_counter() - fitted,
    }
    if threshold is not None:
        above = strangeness > threshold
        measures["false_alarms"] = float(above[is_normal].mean())
        measures["found"] = float(above[~is_normal].mean())
    return measures


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float64)


def _key(method: str, normal: int, seed: int) -> str:
    return f"{method}/{normal}/{seed}"


def print_table(fits: dict[str, Any], methods: list[str], classes: list[int], seeds: int) -> None:
    """Print AUROC of every class and method, then the means."""
    print("AUROC in %, mean over seeds")
    print(f"{'normal':<8}" + "".join(f"{method:>18}" for method in methods))

    def mean(method: str, measure: str, some: list[int]) -> float:
        values = [fits[_key(method, c, seed)][measure] for c in some for seed in range(seeds)]
        return mean_and_spread(values)[0]

    for one in classes:
        cells = [mean(method, "auroc", [one]) for method in methods]
        print(f"{one:<8}" + "".join(f"{100 * cell:>18.2f}" for cell in cells))
    for name, measure, scale in (("mean", "auroc", 100), ("fit s", "fit_s", 1)):
        cells = [scale * mean(method, measure, classes) for method in methods]
        print(f"{name:<8}" + "".join(f"{cell:>18.2f}" for cell in cells))
    for method in methods:
        if "false_alarms" in fits[_key(method, classes[0], 0)]:
            alarms, found = (mean(method, one, classes) for one in ("false_alarms", "found"))
            print(
                f"{method}: {100 * alarms:.1f} % of new normal images above the threshold, "
                f"{100 * found:.1f} % of the others"
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of IDX files")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ...")
    parser.add_argument("--methods", help="names of methods, separated by commas")
    parser.add_argument("--classes", help="normal classes, separated by commas; all by default")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    return parser.parse_args()


def main() -> None:
    """Run what is not in the results yet and print the table."""
    arguments = _arguments()
    methods = list(METHODS) if arguments.methods is None else arguments.methods.split(",")
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise SystemExit(f"no method {unknown[0]!r}; there are {', '.join(METHODS)}")
    classes = [int(one) for one in np.unique(load(arguments.data)[1])]
    if arguments.classes is not None:
        classes = [int(one) for one in arguments.classes.split(",")]
    results = read_json(arguments.out, {"environment": environment(), "fits": {}})
    fits = results["fits"]
    jobs = [
        (method, arguments.data, normal, seed)
        for seed in range(arguments.seeds)
        for normal in classes
        for method in methods
        if _key(method, normal, seed) not in fits
    ]
    progress = ProgressLine(len(jobs))
    for (method, _, normal, seed), fit in run_jobs(one_fit, jobs, arguments.processes):
        fits[_key(method, normal, seed)] = fit
        write_json(arguments.out, results)
        progress.step(f"{method} on {normal}, seed {seed}: AUROC {fit['auroc']:.4f}")
    print_table(fits, methods, classes, arguments.seeds)


if __name__ == "__main__":
    main()
