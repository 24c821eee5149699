"""Each numerical hazard of the model, in one place and with a name.

The functions take NumPy arrays and JAX arrays alike, so that the minibatch objective (JAX,
float32) and the exact pass over all rows (NumPy, float64) run the same formulas; and any others
that have a namespace, such as those that record a formula for an export. Features lie along the
last axis but one, rows along the last. What only JAX can do is in :mod:`dagmm._core.traced`,
which is imported where an array is JAX's.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import jax

    Array: TypeAlias = jax.Array | np.ndarray
else:  # JAX takes longer to import than most models to score
    Array = Any
#: An array of NumPy, or one that records what is done with it (:mod:`dagmm.inference.export`).
AnyArray: TypeAlias = Any

#: Smallest mixing weight whose logarithm is taken.
TINY = 1e-30
#: Smallest sum of memberships that is divided by: a component with less is empty and has moments
#: of nearly zero, not NaN. The gradient holds one over its square, which float32 must too.
EMPTY = 1e-12
#: Half of a matrix as small as is inverted without a look at its zeros.
_SMALL = 8
#: Bytes that arrays on a CPU device are aligned to.
_ALIGNMENT = 64


def aligned_zeros(n_rows: int, n_columns: int) -> np.ndarray:
    """Zeros in float32 that JAX takes on a CPU as they are; any others it would copy."""
    raw = np.zeros(4 * n_rows * n_columns + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    part = raw[start : start + 4 * n_rows * n_columns]
    return part.view(np.float32).reshape(n_rows, n_columns)


def sum_of_features(x: Array) -> Array:
    """Sum over the features of each row.

    Parameters
    ----------
    x : array of shape (..., n_features, n_rows)

    Returns
    -------
    array of shape (..., n_rows)
    """
    if isinstance(x, np.ndarray):
        # NumPy's own sum takes up each feature of each block anew: five times as long.
        summed: np.ndarray = np.ones((1, x.shape[-2]), x.dtype) @ x
        return summed[..., 0, :]
    if not _is_jax(x):
        return x.sum(axis=-2)
    from dagmm._core import traced

    return traced.folded_sum(x)


def safe_norm(x: Array, floor: float) -> Array:
    """Euclidean norm of each row, never below ``floor``, with a gradient at zero.

    Parameters
    ----------
    x : array of shape (..., n_features, n_rows)
    floor : float
        Lower bound of the norm. Below it the gradient is zero.

    Returns
    -------
    norm : array of shape (..., n_rows)
    """
    xp = x.__array_namespace__()
    return xp.sqrt(xp.maximum(sum_of_features(x * x), floor * floor))


def log_sum_exp(x: Array, axis: int = 0) -> Array:
    """``log(sum(exp(x)))`` over an axis without overflow.

    Parameters
    ----------
    x : array of shape (n_components, n_rows)
        Entries may be ``-inf`` as long as each row has one that is finite.
    axis : int, default=0
        That of the components.

    Returns
    -------
    array of shape (n_rows,)
    """
    xp = x.__array_namespace__()
    peak = _fixed(x.max(axis=axis, keepdims=True))
    return peak.squeeze(axis) + xp.log(xp.exp(x - peak).sum(axis=axis))


def logistic_share(x: Array | float, u: Array) -> Array:
    """``x (1 + tanh(u)) / 2``, which is ``x / (1 + exp(-2 u))``.

    Parameters
    ----------
    x : float or array of shape (...)
    u : array of shape (...)

    Returns
    -------
    array of shape (...)
    """
    xp = u.__array_namespace__()
    if _is_jax(u):
        # An exponential overflows, and its slope is then no number.
        share = xp.tanh(u) + 1.0
        share *= 0.5
        return share * x
    with np.errstate(over="ignore"):  # what is far below has a share of zero
        share = xp.exp(-2.0 * u)  # in half the time that NumPy takes for a tanh
    share += 1.0
    return x / share


def softmax(x: Array) -> Array:
    """Share of each component in each row, ``exp(x) / sum(exp(x))`` without overflow.

    Parameters
    ----------
    x : array of shape (..., n_components, n_rows)

    Returns
    -------
    array of shape (..., n_components, n_rows)
    """
    xp = x.__array_namespace__()
    share = xp.exp(x - _fixed(x.max(axis=-2, keepdims=True)))
    return share / share.sum(axis=-2, keepdims=True)


def _fixed(x: AnyArray) -> AnyArray:
    """Return what has no gradient."""
    if not _is_jax(x):
        return x
    from dagmm._core import traced

    return traced.fixed(x)


def _is_jax(x: AnyArray) -> bool:
    """Whether an array is JAX's, which need not be there to be asked about."""
    if isinstance(x, np.ndarray):
        return False
    return bool(x.__array_namespace__().__name__ == "jax.numpy")


def is_known(condition: AnyArray) -> bool:
    """Whether a condition is known to hold: where a formula is recorded, it has no value yet."""
    return isinstance(condition, np.bool) and bool(condition)


def inverse_lower(chol: Array) -> Array:
    """Inverse of each lower triangular matrix of a stack.

    Parameters
    ----------
    chol : array of shape (n_components, n_latent, n_latent)

    Returns
    -------
    array of shape (n_components, n_latent, n_latent)
    """
    if isinstance(chol, np.ndarray):
        # SciPy's takes 30 MB of a process that scores, which needs nothing else of it.
        return _inverse_lower(chol)
    from dagmm._core import traced

    return traced.inverse_lower(chol)


def _inverse_lower(chol: np.ndarray) -> np.ndarray:
    """Inverse by halves: that of ``[[A, 0], [B, C]]`` is ``[[A', 0], [-C' B A', C']]``."""
    half = chol.shape[-1] // 2
    if half <= _SMALL:
        return np.tril(np.linalg.inv(chol))
    first, last = _inverse_lower(chol[:, :half, :half]), _inverse_lower(chol[:, half:, half:])
    inverse = np.zeros_like(chol)
    inverse[:, :half, :half], inverse[:, half:, half:] = first, last
    inverse[:, half:, :half] = -(last @ chol[:, half:, :half]) @ first
    return inverse


def floored_cholesky(cov: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Cholesky factors of covariances whose diagonal is raised until all of them exist.

    Parameters
    ----------
    cov : ndarray of shape (n_components, n_latent, n_latent), float64
        Symmetric; may be singular.
    floor : ndarray of shape (n_latent,)
        Added to each diagonal; multiplied by ten as often as a factorisation fails, which
        only rounding errors can cause.

    Returns
    -------
    chol : ndarray of shape (n_components, n_latent, n_latent)
    """
    while True:
        try:
            return np.linalg.cholesky(cov + np.diag(floor))
        except np.linalg.LinAlgError:
            floor = floor * 10.0
