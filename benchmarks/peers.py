"""Peers on raw rows, the library's classical baselines and simpler ones: scaled, then fitted."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

import simple_peers
from dagmm.evaluation.baselines import classical

#: The one-class SVM is fitted on at most so many rows, drawn at random: to the last of them the
#: library fits it exactly. Of the others only the kernel density does not take all rows.
SVM_ROWS = classical.EXACT_SVM_ROWS

#: A fitted detector: takes rows, returns how strange each is.
Score = Callable[[np.ndarray], np.ndarray]


def one_class_svm(x: np.ndarray, seed: int) -> Score:
    """One-class SVM on at most ``SVM_ROWS`` rows."""
    if len(x) > SVM_ROWS:
        x = x[np.random.default_rng(seed).choice(len(x), SVM_ROWS, replace=False)]
    return classical.one_class_svm(x, seed)


#: Fits a detector to scaled rows with a seed.
Fitting = Callable[[np.ndarray, int], Score]

#: Those of the library.
CLASSICAL: dict[str, Fitting] = {
    "KNN": classical.knn,
    "LOF": classical.lof,
    "IForest": classical.isolation_forest,
    "OCSVM": one_class_svm,
    "GMM": classical.gaussian_mixture,
    "PCA": classical.pca_residual,
    "Mahalanobis": classical.mahalanobis,
}
#: All of them.
PEERS: dict[str, Fitting] = CLASSICAL | {
    "ECOD": simple_peers.ecod,
    "HBOS": simple_peers.hbos,
    "MCD": simple_peers.minimum_covariance_determinant,
    "KDE": simple_peers.kernel_density,
    "BaggedKNN": simple_peers.bagged_knn,
}


def fit_peer(name: str, x: Any, seed: int) -> Score:
    """Fit a peer on rows scaled to mean 0 and deviation 1; its score takes unscaled rows."""
    scaler = StandardScaler().fit(x)
    score = PEERS[name](scaler.transform(x), seed)
    return lambda rows: score(scaler.transform(rows))
