"""Each numerical hazard of the model, in one place and with a name.

The functions take NumPy arrays and JAX arrays alike, so that the minibatch objective (JAX,
float32) and the exact pass over all rows (NumPy, float64) run the same formulas.
"""

from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

Array: TypeAlias = jax.Array | np.ndarray

#: Smallest mixing weight whose logarithm is taken.
TINY = 1e-30
#: Smallest sum of memberships that is divided by: a component with less is empty and has moments
#: of nearly zero, not NaN. The gradient holds one over its square, which float32 must too.
EMPTY = 1e-12
#: Features that are summed without being folded.
_SUMMED_FEATURES = 32
#: Bytes that arrays on a CPU device are aligned to.
_ALIGNMENT = 64


def aligned_zeros(n_rows: int, n_columns: int) -> np.ndarray:
    """Zeros in float32 that JAX takes on a CPU as they are; any others it would copy."""
    raw = np.zeros(4 * n_rows * n_columns + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    part = raw[start : start + 4 * n_rows * n_columns]
    return part.view(np.float32).reshape(n_rows, n_columns)


def sum_of_features(x: Array) -> Array:
    """Sum over the first axis; a long one is folded in halves first.

    On a CPU, XLA sums a long first axis value by value, and adds halves by vector instructions.

    Parameters
    ----------
    x : array of shape (n_features, n_rows)

    Returns
    -------
    array of shape (n_rows,)
    """
    return x.sum(axis=0) if isinstance(x, np.ndarray) else _folded_sum(x)


@jax.custom_jvp
def _folded_sum(x: jax.Array) -> jax.Array:
    while len(x) > _SUMMED_FEATURES and len(x) % 2 == 0:
        half = len(x) // 2
        x = x[:half] + x[half:]
    return x.sum(axis=0)


# That of a plain sum. Differentiating the folds, XLA puts each half among zeros and adds them up.
_folded_sum.defjvps(lambda tangent, _, __: tangent.sum(axis=0))


def safe_norm(x: Array, floor: float) -> Array:
    """Euclidean norm over the first axis, never below ``floor``, with a gradient at zero.

    Parameters
    ----------
    x : array of shape (n_features, n_rows)
    floor : float
        Lower bound of the norm. Below it the gradient is zero.

    Returns
    -------
    norm : array of shape (n_rows,)
    """
    xp = x.__array_namespace__()
    return xp.sqrt(xp.maximum(sum_of_features(x * x), floor * floor))


def log_sum_exp(x: Array) -> Array:
    """``log(sum(exp(x)))`` over the first axis without overflow.

    Parameters
    ----------
    x : array of shape (n_components, n_rows)
        Entries may be ``-inf`` as long as each row has one that is finite.

    Returns
    -------
    array of shape (n_rows,)
    """
    xp = x.__array_namespace__()
    peak = x.max(axis=0)
    if not isinstance(x, np.ndarray):
        peak = jax.lax.stop_gradient(peak)
    return peak + xp.log(xp.exp(x - peak[None]).sum(axis=0))


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
        # LAPACK's own inverse: a triangular solve waits for BLAS threads, up to a hundred times as
        # long.
        trtri = scipy.linalg.get_lapack_funcs("trtri", (chol,))
        inverses, failed = zip(*(trtri(one, lower=1) for one in chol), strict=True)
        assert not any(failed), "Cholesky factors have no zero on their diagonal"
        return np.stack(inverses)
    eye = np.eye(chol.shape[-1], dtype=chol.dtype)
    # One after another, for the reason given in ``traced_cholesky``.
    return jnp.stack([jax.scipy.linalg.solve_triangular(one, eye, lower=True) for one in chol])


def traced_cholesky(cov: Array) -> Array:
    """Cholesky factors of covariances inside a compiled program.

    One after another: a stack of large ones is spread over XLA's threads by a thread of theirs,
    which waits for the others; where all of them do so at once, members of an ensemble in
    training on as many cores, they wait for ever.

    Parameters
    ----------
    cov : array of shape (n_components, n_latent, n_latent)
        Positive definite.

    Returns
    -------
    chol : array of shape (n_components, n_latent, n_latent)
    """
    return jnp.stack([jnp.linalg.cholesky(one) for one in cov])


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
