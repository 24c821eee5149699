"""Several energies of a row made one: on a common scale, and on average."""

from typing import Any

import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import Array


def scale_of(energy: Float[np.ndarray, " n_rows"]) -> tuple[float, float]:
    """Return median and interquartile range of the rows' energies; 1 for a range of nothing."""
    low, location, high = np.percentile(energy, (25, 50, 75))
    return float(location), float(high - low) or 1.0


def combine_scores(
    energies: Float[Array, "n_energies n_rows"],
    location: Float[Array, " n_energies"],
    spread: Float[Array, " n_energies"],
    share: Float[Array, " n_energies"] | None = None,
    onto: tuple[Any, Any] | None = None,
) -> Float[Array, " n_rows"]:
    """One energy for each row from several, in nats.

    They are put on a common scale by location and spread of their training energies, and averaged
    there after a symmetric logarithm: a mean that one extreme energy does not rule. The result is
    put back on their mean scale, where one alone is kept as it is.

    Parameters
    ----------
    energies : array of shape (n_energies, n_rows)
        Of NumPy, or of JAX where an explanation searches.
    location, spread : array of shape (n_energies,)
    share : array of shape (n_energies,), optional
        What each counts in the means, with sum 1; all alike by default.
    onto : tuple of float, optional
        Location and spread that the result is put back on instead of their mean scale.

    Returns
    -------
    array of shape (n_rows,)
    """
    if len(energies) == 1 and onto is None:
        return energies[0]
    logarithm = symmetric_log((energies - location[:, None]) / spread[:, None])
    if share is None:
        logarithm = logarithm.mean(axis=0)
    else:
        logarithm = (share[:, None] * logarithm).sum(axis=0)
    at, width = mean_scale(location, spread, share) if onto is None else onto
    return at + width * symmetric_exp(logarithm)


def mean_scale(
    location: Float[Array, " n_energies"],
    spread: Float[Array, " n_energies"],
    share: Float[Array, " n_energies"] | None = None,
) -> tuple[Any, Any]:
    """Return location and spread that energies on a common scale are put back on."""
    if share is None:
        return location.mean(), spread.mean()
    return (share * location).sum(), (share * spread).sum()


def symmetric_log(value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Logarithm that is close to the value near zero, and odd: ``sign(v) log(1 + |v|)``."""
    xp = value.__array_namespace__()
    return xp.sign(value) * xp.log1p(xp.abs(value))


def symmetric_exp(value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Inverse of :func:`symmetric_log`."""
    xp = value.__array_namespace__()
    return xp.sign(value) * xp.expm1(xp.abs(value))
