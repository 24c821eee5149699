"""Several energies of a row made one: on a common scale, and on average."""

import numpy as np
from jaxtyping import Float

from dagmm.numerics import Array


def scale_of(energy: Float[np.ndarray, " n_rows"]) -> tuple[float, float]:
    """Return median and interquartile range of the rows' energies; 1 for a range of nothing."""
    low, location, high = np.percentile(energy, (25, 50, 75))
    return float(location), float(high - low) or 1.0


def on_common_scale(
    energies: Float[Array, "n_energies n_rows"],
    location: Float[Array, " n_energies"],
    spread: Float[Array, " n_energies"],
    share: Float[Array, " n_energies"] | None = None,
) -> Float[Array, " n_rows"]:
    """One energy for each row from several, in nats.

    They are put on a common scale by location and spread of their training energies, and averaged
    there after a symmetric logarithm: a mean that one extreme energy does not rule. The result is
    put back on their mean scale; one alone is kept as it is.

    Parameters
    ----------
    energies : array of shape (n_energies, n_rows)
        Of NumPy, or of JAX where an explanation searches.
    location, spread : array of shape (n_energies,)
    share : array of shape (n_energies,), optional
        What each counts in the means, with sum 1; all alike by default.

    Returns
    -------
    array of shape (n_rows,)
    """
    if len(energies) == 1:
        return energies[0]
    relative = (energies - location[:, None]) / spread[:, None]
    logarithm = symmetric_log(relative)
    if share is None:
        mean = (location.mean(), spread.mean(), logarithm.mean(axis=0))
    else:
        logarithm = (share[:, None] * logarithm).sum(axis=0)
        mean = ((share * location).sum(), (share * spread).sum(), logarithm)
    return mean[0] + mean[1] * symmetric_exp(mean[2])


def symmetric_log(value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Logarithm that is close to the value near zero, and odd: ``sign(v) log(1 + |v|)``."""
    xp = value.__array_namespace__()
    return xp.sign(value) * xp.log1p(xp.abs(value))


def symmetric_exp(value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Inverse of :func:`symmetric_log`."""
    xp = value.__array_namespace__()
    return xp.sign(value) * xp.expm1(xp.abs(value))
