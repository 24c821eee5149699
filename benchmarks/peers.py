"""Classical detectors from scikit-learn behind one call: fit on rows, score other rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

#: The exact one-class SVM takes time and memory with the square of the rows; beyond this many
#: it is fitted on so many drawn at random. No other peer is fitted on fewer rows than it is given.
SVM_ROWS = 10_000

#: A fitted detector: takes rows, returns how strange each is.
Score = Callable[[np.ndarray], np.ndarray]


def knn(x: np.ndarray, seed: int) -> Score:
    """Distance to the fifth nearest training row."""
    model = NearestNeighbors(n_neighbors=min(5, len(x))).fit(x)
    return lambda rows: model.kneighbors(rows)[0][:, -1]


def lof(x: np.ndarray, seed: int) -> Score:
    """Local outlier factor, 20 neighbours, novelty detection."""
    model = LocalOutlierFactor(min(20, len(x) - 1), novelty=True).fit(x)
    return lambda rows: -model.score_samples(rows)


def isolation_forest(x: np.ndarray, seed: int) -> Score:
    """Isolation forest of 100 trees, 256 rows each."""
    model = IsolationForest(random_state=seed).fit(x)
    return lambda rows: -model.score_samples(rows)


def one_class_svm(x: np.ndarray, seed: int) -> Score:
    """One-class SVM, Gaussian kernel, nu = 0.5; on at most ``SVM_ROWS`` rows."""
    if len(x) > SVM_ROWS:
        x = x[np.random.default_rng(seed).choice(len(x), SVM_ROWS, replace=False)]
    model = OneClassSVM(gamma="scale", cache_size=500).fit(x)
    return lambda rows: -model.decision_function(rows)


def gaussian_mixture(x: np.ndarray, seed: int) -> Score:
    """Gaussian mixture of 4 full covariances, floor 1e-3: DAGMM's, without the network."""
    model = GaussianMixture(min(4, len(x)), reg_covar=1e-3, random_state=seed).fit(x)
    return lambda rows: -model.score_samples(rows)


def pca_residual(x: np.ndarray, seed: int) -> Score:
    """Squared distance to the components that explain 90 % of the variance."""
    model = PCA(0.9, svd_solver="full").fit(x)
    return lambda rows: ((rows - model.inverse_transform(model.transform(rows))) ** 2).sum(axis=1)


def mahalanobis(x: np.ndarray, seed: int) -> Score:
    """Mahalanobis distance; the covariance's pseudo-inverse where it is singular."""
    return EmpiricalCovariance().fit(x).mahalanobis


PEERS: dict[str, Callable[[np.ndarray, int], Score]] = {
    "KNN": knn,
    "LOF": lof,
    "IForest": isolation_forest,
    "OCSVM": one_class_svm,
    "GMM": gaussian_mixture,
    "PCA": pca_residual,
    "Mahalanobis": mahalanobis,
}


def fit_peer(name: str, x: Any, seed: int) -> Score:
    """Fit a peer on rows scaled to mean 0 and deviation 1; its score takes unscaled rows."""
    scaler = StandardScaler().fit(x)
    score = PEERS[name](scaler.transform(x), seed)
    return lambda rows: score(scaler.transform(rows))
