"""Detectors that the library does not compare itself with: by column, robust, and by kernels.

Each takes rows scaled to mean 0 and deviation 1 and a seed, as those in
``dagmm.evaluation.baselines.classical`` do, and scores other rows by the training rows alone.
ECOD and HBOS are written out here: PyOD's ECOD ranks test rows among each other, so that their
anomalies change what is usual.
"""

import numpy as np
from scipy.stats import skew
from sklearn.covariance import MinCovDet
from sklearn.decomposition import PCA
from sklearn.neighbors import KernelDensity

from dagmm.evaluation.baselines import classical
from dagmm.evaluation.baselines.method import Strangeness

#: The kernel density is of at most so many rows, drawn at random: each of them is compared with
#: each row that is scored.
KERNELS = 10_000
#: Directions with less than this share of the largest variance are not looked at.
LEAST_VARIANCE = 1e-8
#: So many random subsets of the columns have neighbours of their own.
SUBSETS = 6
#: Added to a distance, which is in deviations of a column, before its logarithm is taken: a
#: repeated row is near, not infinitely near.
LEAST_DISTANCE = 1e-2


def ecod(x: np.ndarray, seed: int) -> Strangeness:
    """ECOD (Li et al., 2022, arXiv:2201.00382): logarithms of tail probabilities, summed.

    A row counts itself beside the training rows, so that no tail is empty.
    """
    ordered, is_left = np.sort(x, axis=0), skew(x, axis=0) < 0.0

    def score(rows: np.ndarray) -> np.ndarray:
        pairs = list(zip(ordered.T, rows.T, strict=True))
        n_left = np.stack([np.searchsorted(a, b, "right") for a, b in pairs], axis=1)
        n_right = len(x) - np.stack([np.searchsorted(a, b, "left") for a, b in pairs], axis=1)
        left, right = (-np.log((1 + n) / (1 + len(x))) for n in (n_left, n_right))
        tails = (left, right, np.where(is_left, left, right))
        return np.max([tail.sum(axis=1) for tail in tails], axis=0)

    return score


def hbos(x: np.ndarray, seed: int) -> Strangeness:
    """HBOS (Goldstein and Dengel, 2012): histograms of the columns.

    Heights are relative to the highest. As many bins of one width as the root of the rows; half a
    row is in bins that are empty, and outside of them all.
    """
    n_bins = int(np.ceil(np.sqrt(len(x))))
    histograms = [np.histogram(column, n_bins) for column in x.T]

    def score(rows: np.ndarray) -> np.ndarray:
        total = np.zeros(len(rows))
        for column, (counts, edges) in zip(rows.T, histograms, strict=True):
            place = np.searchsorted(edges, column, "right")
            place[column == edges[-1]] = n_bins  # as of the training rows, the last bin is closed
            heights = np.maximum(np.pad(counts, 1), 0.5)
            total += np.log(counts.max() / heights[place])
        return total

    return score


def minimum_covariance_determinant(x: np.ndarray, seed: int) -> Strangeness:
    """Squared Mahalanobis distance by the half of the rows whose covariance is smallest.

    The slowest of these on wide tables: 9 s for 600 rows of 200 columns.
    """
    return MinCovDet(random_state=seed).fit(x).mahalanobis


def kernel_density(x: np.ndarray, seed: int) -> Strangeness:
    """Gaussian kernels on whitened rows, ``KERNELS`` at most, of the width of Scott's rule."""
    pca = PCA(svd_solver="full").fit(x)
    kept = pca.explained_variance_ > LEAST_VARIANCE * pca.explained_variance_[0]
    scale = np.sqrt(pca.explained_variance_[kept])
    if len(x) > KERNELS:
        x = x[np.random.default_rng(seed).choice(len(x), KERNELS, replace=False)]
    # One leaf: the sums over several lose digits far from all kernels.
    model = KernelDensity(bandwidth="scott", leaf_size=len(x))
    model.fit(pca.transform(x)[:, kept] / scale)
    return lambda rows: -model.score_samples(pca.transform(rows)[:, kept] / scale)


def bagged_knn(x: np.ndarray, seed: int) -> Strangeness:
    """Feature bagging (Lazarevic and Kumar, 2005) of distances to the fifth nearest training row.

    ``SUBSETS`` of half to all but one of the columns. The score is the mean of the logarithms of
    the distances, each divided by the root of its columns' number.
    """
    rng, n_columns = np.random.default_rng(seed), x.shape[1]
    sizes = rng.integers(max(1, n_columns // 2), max(2, n_columns), SUBSETS)
    subsets = [rng.choice(n_columns, size, replace=False) for size in sizes]
    models = [(subset, classical.knn(x[:, subset], seed)) for subset in subsets]

    def score(rows: np.ndarray) -> np.ndarray:
        distances = [knn(rows[:, subset]) / np.sqrt(len(subset)) for subset, knn in models]
        return np.mean(np.log(LEAST_DISTANCE + np.array(distances)), axis=0)

    return score
