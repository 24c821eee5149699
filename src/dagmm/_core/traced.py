"""What compiled programs do in their own way; the formulas are in :mod:`dagmm._core.numerics`."""

import jax
import jax.numpy as jnp
import numpy as np

#: Features that are summed without being folded.
_SUMMED_FEATURES = 32


@jax.custom_jvp
def folded_sum(x: jax.Array) -> jax.Array:
    """Sum over the first axis; a long one is folded in halves first.

    On a CPU, XLA sums a long first axis value by value, and adds halves by vector instructions.

    Parameters
    ----------
    x : array of shape (n_features, n_rows)

    Returns
    -------
    array of shape (n_rows,)
    """
    while len(x) > _SUMMED_FEATURES and len(x) % 2 == 0:
        half = len(x) // 2
        x = x[:half] + x[half:]
    return x.sum(axis=0)


# That of a plain sum. Differentiating the folds, XLA puts each half among zeros and adds them up.
folded_sum.defjvps(lambda tangent, _, __: tangent.sum(axis=0))


def fixed(x: jax.Array) -> jax.Array:
    """Return what has no gradient."""
    return jax.lax.stop_gradient(x)


def inverse_lower(chol: jax.Array) -> jax.Array:
    """Inverse of each lower triangular matrix of a stack.

    Parameters
    ----------
    chol : array of shape (n_components, n_latent, n_latent)

    Returns
    -------
    array of shape (n_components, n_latent, n_latent)
    """
    eye = np.eye(chol.shape[-1], dtype=chol.dtype)
    # One after another, for the reason given in ``cholesky``.
    return jnp.stack([jax.scipy.linalg.solve_triangular(one, eye, lower=True) for one in chol])


def cholesky(cov: jax.Array | np.ndarray) -> jax.Array:
    """Cholesky factors of covariances.

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
