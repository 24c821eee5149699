"""Residual features z_r: how badly a row was rebuilt (paper, equation 3)."""

from jaxtyping import Float

from dagmm._core.numerics import Array, safe_norm, sum_of_features

#: Rows shorter than this (in units of encoded features) count as this long: the paper divides
#: by the length of the row, which is zero for a row that equals the training mean.
NORM_FLOOR = 1e-3

#: Only keeps the gradient of a perfect reconstruction finite.
TINY_NORM = 1e-12

#: Squared errors much below this, in squared encoded units, count as equally small.
ERROR_FLOOR = 1e-3


def relative_distance(
    x: Float[Array, "... n_features n_rows"], x_hat: Float[Array, "... n_features n_rows"]
) -> Float[Array, "... n_rows"]:
    """Relative Euclidean distance ``|x - x_hat| / |x|``."""
    return safe_norm(x - x_hat, TINY_NORM) / safe_norm(x, NORM_FLOOR)


def cosine_similarity(
    x: Float[Array, "... n_features n_rows"], x_hat: Float[Array, "... n_features n_rows"]
) -> Float[Array, "... n_rows"]:
    """Cosine of the angle between a row and its reconstruction."""
    return sum_of_features(x * x_hat) / (safe_norm(x, NORM_FLOOR) * safe_norm(x_hat, NORM_FLOOR))


def log_error(
    x: Float[Array, "... n_features n_rows"], x_hat: Float[Array, "... n_features n_rows"]
) -> Float[Array, "... n_rows"]:
    """Logarithm of the squared reconstruction error ``|x - x_hat|^2``.

    Not in the paper. The error itself is close to log-normal, which a Gaussian mixture takes
    for a long tail; its logarithm does not depend on the length of the row either.
    """
    xp = x.__array_namespace__()
    return xp.log(sum_of_features((x - x_hat) ** 2) + ERROR_FLOOR)


#: By name, as saved models and architectures refer to them.
RESIDUALS = {
    "relative_distance": relative_distance,
    "cosine_similarity": cosine_similarity,
    "log_error": log_error,
}
