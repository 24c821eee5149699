"""The library's classical baselines as peers on raw rows: scaled, fitted, one call for both."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from dagmm.evaluation.baselines import classical

#: The one-class SVM is fitted on at most so many rows, drawn at random: to the last of them the
#: library fits it exactly. No other peer is fitted on fewer rows than it is given.
SVM_ROWS = classical.EXACT_SVM_ROWS

#: A fitted detector: takes rows, returns how strange each is.
Score = Callable[[np.ndarray], np.ndarray]


def one_class_svm(x: np.ndarray, seed: int) -> Score:
    """One-class SVM on at most ``SVM_ROWS`` rows."""
    if len(x) > SVM_ROWS:
        x = x[np.random.default_rng(seed).choice(len(x), SVM_ROWS, replace=False)]
    return classical.one_class_svm(x, seed)


PEERS: dict[str, Callable[[np.ndarray, int], Score]] = {
    "KNN": classical.knn,
    "LOF": classical.lof,
    "IForest": classical.isolation_forest,
    "OCSVM": one_class_svm,
    "GMM": classical.gaussian_mixture,
    "PCA": classical.pca_residual,
    "Mahalanobis": classical.mahalanobis,
}


def fit_peer(name: str, x: Any, seed: int) -> Score:
    """Fit a peer on rows scaled to mean 0 and deviation 1; its score takes unscaled rows."""
    scaler = StandardScaler().fit(x)
    score = PEERS[name](scaler.transform(x), seed)
    return lambda rows: score(scaler.transform(rows))
