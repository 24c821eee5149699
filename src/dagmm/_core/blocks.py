"""Blocks of rows, which all matrix products of scoring are made of.

How a product rounds depends on its shape: a library of matrices has other code for one row than
for a thousand. Here a product is always one of so many rows, with zeros where there are fewer, so
that what is made of a row depends on the row alone, to the last bit, in whatever company it comes.
Stacked blocks are multiplied one by one by a loop in C, which for matrices as small as these is as
fast as one large product, as they stay in a processor's cache.

Arrays of others than NumPy, which record a formula, are taken as they are: all rows at once.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import AnyArray

#: Rows of a block: as many numbers of float32 as the widest vector instructions take at once.
BLOCK_ROWS = 16


def of_parts(
    formula: Callable[[AnyArray], AnyArray],
    x: Float[AnyArray, "n_features n_rows"],
    rows_at_once: int,
) -> Float[AnyArray, " n_rows"]:
    """Return a value for each row, by a formula of so many rows at a time.

    Parameters
    ----------
    formula : callable
        Makes of rows, shape (n_features, n_some), a value for each; more than there are rows where
        it pads them.
    x : array of shape (n_features, n_rows)
    rows_at_once : int
        As many as leave what is made of them in a processor's cache.

    Returns
    -------
    array of shape (n_rows,), float64
    """
    if not isinstance(x, np.ndarray):
        return formula(x)
    n_rows = x.shape[1]
    values = np.empty(n_rows)
    for first in range(0, n_rows, rows_at_once):
        n = min(rows_at_once, n_rows - first)
        values[first : first + n] = formula(x[:, first : first + n])[:n]
    return values


def padded_rows(
    x: Float[AnyArray, "n_features n_rows"],
    dtype: type[np.floating] | np.dtype,
    *,
    ones: bool = False,
) -> Float[AnyArray, "more_features more_rows"]:
    """Copy rows, and make whole blocks of them with rows of zeros.

    Parameters
    ----------
    x : ndarray of shape (n_features, n_rows)
    dtype : type
        Of the copy.
    ones : bool, default=False
        Whether a feature that is 1 comes before the others, for a constant in a product.

    Returns
    -------
    ndarray of shape (ones + n_features, n_blocks * BLOCK_ROWS)
    """
    if not isinstance(x, np.ndarray):
        xp = x.__array_namespace__()
        x = x.astype(dtype)
        return xp.concatenate([xp.ones_like(x[:1]), x], axis=0) if ones else x
    n_features, n_rows = x.shape
    padded = np.empty((ones + n_features, -(-n_rows // BLOCK_ROWS) * BLOCK_ROWS), dtype)
    padded[:ones] = 1.0
    padded[ones:, :n_rows] = x
    padded[ones:, n_rows:] = 0.0
    return padded


def in_blocks(
    x: Float[np.ndarray, "n_features n_rows"],
) -> Float[np.ndarray, "n_blocks n_features block_rows"]:
    """View padded rows as blocks."""
    return x.reshape(len(x), -1, BLOCK_ROWS).transpose(1, 0, 2)


def product(
    matrix: Float[np.ndarray, "n_outputs n_features"],
    x: Float[AnyArray, "n_features n_rows"],
) -> Float[AnyArray, "n_outputs n_rows"]:
    """Multiply a matrix with padded rows, block by block."""
    if not isinstance(x, np.ndarray):
        return matrix @ x
    y = np.empty((len(matrix), x.shape[1]), x.dtype)
    np.matmul(matrix, in_blocks(x), out=in_blocks(y))
    return y
