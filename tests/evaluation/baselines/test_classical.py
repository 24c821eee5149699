import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from dagmm.evaluation.baselines import classical
from small_tables import broken_rows, correlated_rows

METHODS = [
    classical.mahalanobis,
    classical.knn,
    classical.lof,
    classical.isolation_forest,
    classical.one_class_svm,
    classical.nystroem_svm,
    classical.gaussian_mixture,
    classical.pca_residual,
]


def rows(seed=0, n_rows=200):
    return correlated_rows(seed, n_rows).astype(np.float64)


def strange(seed=1, n_rows=200):
    return broken_rows(seed, n_rows).astype(np.float64)


# Each is what its name says


def test_the_mahalanobis_distance_is_that_of_mt():
    x, new = rows(), strange(n_rows=5)
    expected = []
    for row in new:
        gap = row - x.mean(axis=0)
        expected.append(gap @ np.linalg.inv(np.cov(x.T, bias=True)) @ gap / x.shape[1])
    np.testing.assert_allclose(classical.mahalanobis(x, 0)(new), expected, rtol=1e-9)


def test_the_mean_of_the_unit_space_is_one():
    x = rows()
    assert classical.mahalanobis(x, 0)(x).mean() == pytest.approx(1.0)


def test_a_direction_without_variance_is_not_looked_at():
    x = rows()
    doubled = np.concatenate([x, x[:, :1]], axis=1)
    score = classical.mahalanobis(doubled, 0)
    np.testing.assert_allclose(score(doubled), 6 / 7 * classical.mahalanobis(x, 0)(x), rtol=1e-6)


def test_nearest_neighbours_are_the_fifth_nearest():
    x, new = rows(), strange()
    expected = np.sort(cdist(new, x), axis=1)[:, 4]
    np.testing.assert_allclose(classical.knn(x, 0)(new), expected)
    np.testing.assert_allclose(classical.knn(x[:3], 0)(new), cdist(new, x[:3]).max(axis=1))


def test_the_local_outlier_factor_is_that_of_its_definition():
    x, new = rows(n_rows=60), strange(n_rows=4)
    among = cdist(x, x)
    k_distance = np.sort(among, axis=1)[:, 20]  # the first is the row itself

    def density(distances, neighbours):
        return 1.0 / np.maximum(k_distance[neighbours], distances[neighbours]).mean()

    own = np.array([density(d, np.argsort(d)[1:21]) for d in among])
    expected = []
    for distances in cdist(new, x):
        nearest = np.argsort(distances)[:20]
        expected.append(own[nearest].mean() / density(distances, nearest))
    np.testing.assert_allclose(classical.lof(x, 0)(new), expected, rtol=1e-6)


def test_the_mixture_gives_densities_in_nats():
    x = np.random.default_rng(0).normal(size=(300, 2)) + np.repeat([[0.0], [5.0]], 150, axis=0)
    axis = np.linspace(-8.0, 14.0, 300)
    grid = np.stack([part.ravel() for part in np.meshgrid(axis, axis)], axis=1)
    density = np.exp(-classical.gaussian_mixture(x, 0)(grid))
    assert density.sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1.0, abs=1e-3)


def test_the_residual_is_what_the_leading_components_leave():
    x, new = rows(), strange()
    centre = x.mean(axis=0)
    _, size, axes = np.linalg.svd(x - centre)
    kept = int(np.searchsorted(np.cumsum(size**2) / (size**2).sum(), 0.9)) + 1
    rest = (new - centre) @ axes[kept:].T
    np.testing.assert_allclose(classical.pca_residual(x, 0)(new), (rest**2).sum(axis=1))


def test_one_component_is_always_left_to_be_the_residual():
    x = np.random.default_rng(0).normal(size=(100, 2))
    _, _, axes = np.linalg.svd(x - x.mean(axis=0))
    expected = ((x - x.mean(axis=0)) @ axes[1]) ** 2
    np.testing.assert_allclose(classical.pca_residual(x, 0)(x), expected, atol=1e-9)
    column = x[:, :1]
    expected = (column[:, 0] - column.mean()) ** 2
    np.testing.assert_allclose(classical.pca_residual(column, 0)(column), expected)


def test_the_approximated_svm_orders_rows_as_the_exact_one():
    x, new = rows(n_rows=400), np.concatenate([rows(2), strange()])
    exact, close = (fit(x, 0)(new) for fit in (classical.one_class_svm, classical.nystroem_svm))
    assert spearmanr(exact, close)[0] > 0.95


def test_the_svm_is_approximated_where_rows_are_many(monkeypatch):
    x, new = rows(), strange()
    monkeypatch.setattr(classical, "EXACT_SVM_ROWS", len(x) - 1)
    np.testing.assert_array_equal(
        classical.one_class_svm(x, 3)(new), classical.nystroem_svm(x, 3)(new)
    )


# All of them


@pytest.mark.parametrize("fit", METHODS)
def test_broken_correlations_are_stranger(fit):
    x = rows(n_rows=400)
    strangeness = fit(x, 0)(np.concatenate([rows(2), strange()]))
    assert strangeness.shape == (400,)
    assert roc_auc_score(np.arange(400) >= 200, strangeness) > 0.75


@pytest.mark.parametrize("fit", METHODS)
def test_the_same_seed_is_the_same_answer_and_rows_stand_alone(fit):
    x, new = rows(), strange()
    whole = fit(x, 5)(new)
    np.testing.assert_array_equal(fit(x, 5)(new), whole)
    np.testing.assert_allclose(fit(x, 5)(new[7:9]), whole[7:9], rtol=1e-9)


@pytest.mark.parametrize("fit", METHODS)
def test_more_columns_than_rows_are_taken(fit):
    x = np.random.default_rng(0).normal(size=(30, 80))
    new = np.concatenate([x[:5] + 0.1, x[:5] + 50.0])
    strangeness = fit(x, 0)(new)
    assert np.isfinite(strangeness).all()
    assert strangeness[5:].mean() > strangeness[:5].mean()
