import jax
import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm.networks.residual import (
    ERROR_FLOOR,
    NORM_FLOOR,
    RESIDUALS,
    cosine_similarity,
    log_error,
    relative_distance,
)


def expected_log_error(x, x_hat):
    return np.log(oracle.length(x - x_hat) ** 2 + ERROR_FLOOR)


ALL = [
    (relative_distance, oracle.relative_distance),
    (cosine_similarity, oracle.cosine_similarity),
    (log_error, expected_log_error),
]


def column(*values):
    return jnp.array(values, jnp.float32)[:, None]


@pytest.mark.parametrize(("function", "expected"), ALL)
@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e6])
def test_residual_features_are_those_of_the_paper(function, expected, scale):
    rng = np.random.default_rng(0)
    x, x_hat = (scale * rng.normal(size=(2, 20, 6))).astype(np.float32)
    result = function(jnp.asarray(x.T), jnp.asarray(x_hat.T))
    rows = [expected(a, b) for a, b in zip(x, x_hat, strict=True)]
    np.testing.assert_allclose(result, rows, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("function", "expected"), ALL)
def test_their_gradient_is_that_of_finite_differences(function, expected):
    rng = np.random.default_rng(1)
    x, x_hat = rng.normal(size=(2, 4))
    with jax.enable_x64(True):
        slope = jax.grad(lambda v: function(jnp.asarray(x[:, None]), v)[0])(
            jnp.asarray(x_hat[:, None])
        )
    for j in range(4):
        step = 1e-6 * np.eye(4)[j]
        difference = (expected(x, x_hat + step) - expected(x, x_hat - step)) / 2e-6
        assert float(slope[j, 0]) == pytest.approx(difference, rel=1e-7, abs=1e-9)


def test_a_perfect_reconstruction_has_distance_zero_and_cosine_one():
    x = column(3.0, -4.0)
    np.testing.assert_allclose(relative_distance(x, x), 0.0, atol=1e-12)
    np.testing.assert_allclose(cosine_similarity(x, x), 1.0, rtol=1e-6)


def test_gradients_at_a_perfect_reconstruction_are_finite():
    x = column(3.0, -4.0)
    distance = jax.grad(lambda v: relative_distance(x, v).sum())(x)
    np.testing.assert_array_equal(distance, 0.0)
    np.testing.assert_allclose(log_error(x, x), np.log(ERROR_FLOOR), rtol=1e-6)
    error = jax.grad(lambda v: log_error(x, v).sum())(x)
    np.testing.assert_array_equal(error, 0.0)
    cosine = jax.grad(lambda v: cosine_similarity(x, v).sum())(x)
    np.testing.assert_allclose(cosine, 0.0, atol=1e-6)


def test_a_row_of_zeros_counts_as_long_as_the_floor():
    zero, x_hat = column(0.0, 0.0), column(0.3, 0.4)
    np.testing.assert_allclose(relative_distance(zero, x_hat), 0.5 / NORM_FLOOR, rtol=1e-6)
    np.testing.assert_array_equal(cosine_similarity(zero, x_hat), 0.0)
    assert oracle.relative_distance(np.zeros(2), np.array([0.3, 0.4])) == pytest.approx(500.0)


@pytest.mark.parametrize("function", RESIDUALS.values(), ids=RESIDUALS)
@pytest.mark.parametrize("x", [(0.0, 0.0), (1.0, 2.0), (1e6, -1e6)])
@pytest.mark.parametrize("x_hat", [(0.0, 0.0), (1e-30, 0.0), (1.0, 2.0), (1e6, -1e6)])
def test_values_and_gradients_are_finite_wherever_a_row_may_lie(function, x, x_hat):
    x, x_hat = column(*x), column(*x_hat)
    value, slope = jax.value_and_grad(lambda v: function(x, v).sum())(x_hat)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
