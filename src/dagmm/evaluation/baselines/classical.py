"""The classical detectors, each scikit-learn's own.

Each takes rows of shape (n_rows, n_features), scaled to mean 0 and deviation 1, and a seed, and
returns a function that says how strange other rows are.
"""

import numpy as np
from jaxtyping import Float
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.svm import OneClassSVM

from dagmm.evaluation.baselines.method import Strangeness

#: The exact one-class SVM takes time and memory with the square of the rows; beyond this many
#: its kernel is approximated.
EXACT_SVM_ROWS = 10_000
#: Width of the approximation.
NYSTROEM_COMPONENTS = 300


def mahalanobis(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Squared Mahalanobis distance over the number of columns, ``D^2 / p``.

    The index of the Mahalanobis-Taguchi (MT) method of Japanese quality engineering: its mean
    over the training rows, the unit space, is 1. Where the covariance is singular its
    pseudo-inverse is taken: directions in which the training rows do not vary are not looked at.
    """
    model = EmpiricalCovariance().fit(x)
    return lambda rows: model.mahalanobis(rows) / rows.shape[1]


def knn(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Distance to the fifth nearest training row."""
    model = NearestNeighbors(n_neighbors=min(5, len(x))).fit(x)
    return lambda rows: model.kneighbors(rows)[0][:, -1]


def lof(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Local outlier factor, 20 neighbours, novelty detection."""
    model = LocalOutlierFactor(min(20, len(x) - 1), novelty=True).fit(x)
    return lambda rows: -model.score_samples(rows)


def isolation_forest(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Isolation forest of 100 trees, 256 rows each."""
    model = IsolationForest(random_state=seed).fit(x)
    return lambda rows: -model.score_samples(rows)


def one_class_svm(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """One-class SVM, Gaussian kernel, nu = 0.5; approximated beyond ``EXACT_SVM_ROWS`` rows."""
    if len(x) > EXACT_SVM_ROWS:
        return nystroem_svm(x, seed)
    model = OneClassSVM(gamma="scale", cache_size=500).fit(x)
    return lambda rows: -model.decision_function(rows)


def nystroem_svm(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """One-class SVM in linear time: the kernel by Nystroem, the margin by gradient descent."""
    variance = x.var()
    # What scikit-learn calls gamma="scale", which Nystroem does not know.
    gamma = 1.0 / (x.shape[1] * variance) if variance > 0.0 else 1.0
    kernel = Nystroem(
        gamma=gamma, n_components=min(NYSTROEM_COMPONENTS, len(x)), random_state=seed
    ).fit(x)
    model = SGDOneClassSVM(random_state=seed).fit(kernel.transform(x))
    return lambda rows: -model.decision_function(kernel.transform(rows))


def gaussian_mixture(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Gaussian mixture of 4 full covariances, floor 1e-3: DAGMM's, without the network."""
    model = GaussianMixture(min(4, len(x)), reg_covar=1e-3, random_state=seed).fit(x)
    return lambda rows: -model.score_samples(rows)


def pca_residual(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Squared distance to the components that explain 90 % of the variance.

    One component is always left to be the residual, also where 90 % take all of them.
    """
    model = PCA(0.9, svd_solver="full").fit(x)
    axes = model.components_[: min(model.n_components_, x.shape[1] - 1)]

    def residual(rows: np.ndarray) -> np.ndarray:
        centred = rows - model.mean_
        return ((centred - centred @ axes.T @ axes) ** 2).sum(axis=1)

    return residual
