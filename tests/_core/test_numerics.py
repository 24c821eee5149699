import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from dagmm._core.numerics import (
    aligned_zeros,
    floored_cholesky,
    inverse_lower,
    log_sum_exp,
    logistic_share,
    safe_norm,
    softmax,
    sum_of_features,
)

quick = settings(deadline=None, derandomize=True, max_examples=20)


@pytest.mark.parametrize("namespace", [np, jnp])
def test_safe_norm_is_the_euclidean_norm(namespace):
    x = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    norm = safe_norm(namespace.asarray(x), 1e-12)
    np.testing.assert_allclose(norm, np.linalg.norm(x.astype(np.float64), axis=0), rtol=1e-6)


@pytest.mark.parametrize("namespace", [np, jnp])
def test_safe_norm_is_never_below_its_floor(namespace):
    x = namespace.asarray(np.array([[0.0, 3e-4, 3.0], [0.0, 4e-4, 4.0]], np.float32))
    np.testing.assert_allclose(safe_norm(x, 1e-3), [1e-3, 1e-3, 5.0], rtol=1e-6)


@pytest.mark.parametrize("namespace", [np, jnp])
@pytest.mark.parametrize("n_features", [1, 6, 32, 33, 48, 128, 130, 1024])
def test_features_are_summed_however_many_there_are(namespace, n_features):
    x = np.random.default_rng(0).normal(size=(n_features, 7)).astype(np.float32)
    total = sum_of_features(namespace.asarray(x))
    expected = x.astype(np.float64).sum(axis=0)
    np.testing.assert_allclose(total, expected, rtol=1e-5, atol=1e-5)


def test_gradient_of_safe_norm_is_the_direction_and_zero_at_zero():
    x = jnp.array([[0.0, 3.0], [0.0, 4.0]])
    gradient = jax.grad(lambda v: safe_norm(v, 1e-12).sum())(x)
    np.testing.assert_allclose(gradient, [[0.0, 0.6], [0.0, 0.8]], rtol=1e-6)


def test_gradient_of_safe_norm_is_zero_below_the_floor():
    x = jnp.full((2, 1), 1e-4)
    np.testing.assert_array_equal(jax.grad(lambda v: safe_norm(v, 1e-3).sum())(x), 0.0)


@quick
@given(
    st.lists(
        st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_log_sum_exp_equals_scipy(values):
    x = np.array(values, np.float64)
    np.testing.assert_allclose(log_sum_exp(x), logsumexp(x, axis=0), rtol=1e-12, atol=1e-12)
    x32 = jnp.asarray(x.astype(np.float32))
    np.testing.assert_allclose(log_sum_exp(x32), logsumexp(x, axis=0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("column", "value", "gradient"),
    [
        ([0.0, 0.0], math.log(2.0), [0.5, 0.5]),
        ([-np.inf, 1.0], 1.0, [0.0, 1.0]),
        ([1e38, -1e38], 1e38, [1.0, 0.0]),
        ([-1e38, -1e38], -1e38, [0.5, 0.5]),
        ([-2000.0, -2001.0], -2000.0 + math.log1p(math.exp(-1.0)), [0.7310586, 0.2689414]),
    ],
)
def test_log_sum_exp_and_its_gradient_at_the_extremes(column, value, gradient):
    x = jnp.array(column, jnp.float32)[:, None]
    np.testing.assert_allclose(log_sum_exp(x), [value], rtol=1e-6)
    slope = jax.grad(lambda v: log_sum_exp(v).sum())(x)
    np.testing.assert_allclose(slope[:, 0], gradient, rtol=1e-6)


@pytest.mark.parametrize("namespace", [np, jnp])
def test_inverse_lower_inverts_each_of_a_stack(namespace):
    rng = np.random.default_rng(1)
    chol = np.tril(rng.normal(size=(3, 4, 4))) + 3.0 * np.eye(4)
    inverse = np.asarray(inverse_lower(namespace.asarray(chol.astype(np.float32))))
    identity = np.broadcast_to(np.eye(4), (3, 4, 4))
    np.testing.assert_allclose(inverse @ chol, identity, atol=1e-5)
    np.testing.assert_array_equal(np.triu(inverse, 1), 0.0)


@pytest.mark.parametrize("n", [1, 17, 41, 126])
def test_the_inverse_is_that_of_lapack(n):
    rows = np.random.default_rng(n).normal(size=(2, n, 3 * n))
    rows[:, 1:] = rows[:, :1] + 1e-2 * rows[:, 1:]  # hardly vary against each other
    chol = np.linalg.cholesky(rows @ rows.mT)
    trtri = scipy.linalg.get_lapack_funcs("trtri", (chol,))
    expected = np.stack([trtri(one, lower=1)[0] for one in chol])
    np.testing.assert_allclose(inverse_lower(chol), expected, atol=1e-13 * expected.max())


def test_floored_cholesky_adds_the_floor_and_nothing_else_to_a_sound_covariance():
    root = np.random.default_rng(2).normal(size=(2, 3, 3))
    cov, floor = root @ root.mT, np.array([1e-3, 2e-3, 3e-3])
    chol = floored_cholesky(cov, floor)
    np.testing.assert_allclose(chol @ chol.mT, cov + np.diag(floor), rtol=1e-12)


@pytest.mark.parametrize(
    "cov",
    [
        np.zeros((1, 3, 3)),
        np.ones((1, 3, 3)),
        1e12 * np.ones((1, 3, 3)),
        np.array([[[1.0, 1.0 + 1e-9], [1.0 + 1e-9, 1.0]]]),
    ],
    ids=["zero", "rank one", "large rank one", "not quite semi-definite"],
)
def test_floored_cholesky_of_a_singular_covariance_exists(cov):
    floor = np.full(cov.shape[-1], 1e-12)
    chol = floored_cholesky(cov, floor)
    assert np.isfinite(chol).all()
    assert (chol.diagonal(axis1=1, axis2=2) > 0.0).all()
    raised = (chol @ chol.mT - cov).diagonal(axis1=1, axis2=2)
    assert (raised <= 1e-8 + 1e-3 * cov.diagonal(axis1=1, axis2=2)).all()


@pytest.mark.parametrize("namespace", [np, jnp])
def test_softmax_is_that_of_scipy_and_does_not_overflow(namespace):
    x = np.random.default_rng(3).normal(size=(2, 4, 7)).astype(np.float32)
    x[0, 1] = 1e30
    expected = scipy.special.softmax(x.astype(np.float64), axis=1)
    np.testing.assert_allclose(softmax(namespace.asarray(x)), expected, rtol=1e-5)


@pytest.mark.parametrize("namespace", [np, jnp])
def test_logistic_share_is_that_of_scipy_and_does_not_overflow(namespace):
    x = np.array([-3.0, 2.0, 1e4, -0.5, 7.0], np.float32)
    u = np.array([-1e4, 0.3, 1e4, -4.0, 0.0], np.float32)
    found = logistic_share(namespace.asarray(x), namespace.asarray(u))
    expected = x * scipy.special.expit(2.0 * u.astype(np.float64))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(logistic_share(1.0, namespace.asarray(u)), expected / x, atol=1e-6)


def test_gradient_of_logistic_share_is_finite_however_far():
    slope = jax.grad(lambda u: logistic_share(1.0, u).sum())(jnp.array([-1e4, -60.0, 0.0, 1e4]))
    np.testing.assert_allclose(slope, [0.0, 0.0, 0.5, 0.0], atol=1e-6)


def test_sums_and_norms_take_stacks_of_blocks_of_rows():
    x = np.random.default_rng(4).normal(size=(2, 3, 5, 7))
    np.testing.assert_allclose(sum_of_features(x), np.einsum("abfn->abn", x), rtol=1e-12)
    np.testing.assert_allclose(safe_norm(x, 1e-9), np.linalg.norm(x, axis=2), rtol=1e-12)


def test_log_sum_exp_takes_any_axis():
    x = np.random.default_rng(5).normal(size=(2, 3, 7))
    np.testing.assert_allclose(log_sum_exp(x, axis=1), logsumexp(x, axis=1), rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (1000, 7)])
def test_aligned_zeros_are_zeros_that_begin_where_a_device_wants_them(shape):
    zeros = aligned_zeros(*shape)
    assert zeros.shape == shape
    assert zeros.dtype == np.float32
    assert not zeros.any()
    assert zeros.ctypes.data % 64 == 0
