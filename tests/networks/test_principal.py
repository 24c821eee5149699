import numpy as np
import pytest

from dagmm.networks.principal import MAX_ROWS, principal_axes


def rows(n_rows=200, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_features, n_features))
    return (rng.normal(size=(n_rows, n_features)) @ mixing).astype(np.float32)


def test_axes_are_the_leading_eigenvectors_of_the_covariance():
    x = rows()
    axes = principal_axes(x, 3)
    values, vectors = np.linalg.eigh(np.cov(x.T.astype(np.float64)))
    expected = vectors[:, np.argsort(-values)[:3]].T
    np.testing.assert_allclose(np.abs((axes * expected).sum(axis=1)), 1.0, rtol=1e-6)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-6)


def test_of_a_long_table_rows_are_taken_evenly():
    x = rows(3 * MAX_ROWS + 1)
    np.testing.assert_array_equal(principal_axes(x, 2), principal_axes(x[::4], 2))


@pytest.mark.parametrize(("n_rows", "n_directions"), [(1, 0), (2, 2), (3, 3), (50, 5)])
def test_directions_that_rows_do_not_have_are_zero(n_rows, n_directions):
    axes = principal_axes(rows(n_rows), 9)
    assert axes.shape == (9, 5)
    np.testing.assert_array_equal(axes[n_directions:], 0.0)
    assert np.abs(axes[:n_directions]).sum(axis=1).all()


def test_rows_that_are_all_the_same_have_none():
    np.testing.assert_array_equal(
        principal_axes(np.ones((40, 3), np.float32), 2), np.zeros((2, 3))
    )
