"""Several energies of a row made one: on a common scale, and on average."""

import numpy as np
from jaxtyping import Float


def scale_of(energy: Float[np.ndarray, " n_rows"]) -> tuple[float, float]:
    """Return median and interquartile range of the rows' energies; 1 for a range of nothing."""
    low, location, high = np.percentile(energy, (25, 50, 75))
    return float(location), float(high - low) or 1.0


def combine_scores(
    energies: Float[np.ndarray, "n_energies n_rows"],
    location: Float[np.ndarray, " n_energies"],
    spread: Float[np.ndarray, " n_energies"],
    weight: Float[np.ndarray, " n_energies"],
    onto: tuple[float, float] | None = None,
) -> Float[np.ndarray, " n_rows"]:
    """One energy for each row from several, in nats.

    They are put on a common scale by location and spread of their training energies, and averaged
    there after a symmetric logarithm: a mean that one extreme energy does not rule. The result is
    put back on their mean scale, where one alone is kept as it is.

    Parameters
    ----------
    energies : ndarray of shape (n_energies, n_rows)
    location, spread : ndarray of shape (n_energies,)
    weight : ndarray of shape (n_energies,)
        What each counts in the means, with sum 1.
    onto : tuple of float, optional
        Location and spread that the result is put back on instead of their mean scale.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    if len(energies) == 1 and onto is None:
        return energies[0]
    at, width = mean_scale(location, spread, weight) if onto is None else onto
    return at + width * symmetric_exp(_mean_logarithm(energies, location, spread, weight))


def combined_slopes(
    energies: Float[np.ndarray, "n_energies n_rows"],
    location: Float[np.ndarray, " n_energies"],
    spread: Float[np.ndarray, " n_energies"],
    weight: Float[np.ndarray, " n_energies"],
) -> Float[np.ndarray, "n_energies n_rows"]:
    """Slope of the energy that :func:`combine_scores` makes, by each of the energies."""
    if len(energies) == 1:
        return np.ones_like(energies)
    logarithm = _mean_logarithm(energies, location, spread, weight)
    outer = mean_scale(location, spread, weight)[1] * np.exp(np.abs(logarithm))
    relative = np.abs(energies - location[:, None]) / spread[:, None]
    return outer * (weight / spread)[:, None] / (1.0 + relative)


def mean_scale(
    location: Float[np.ndarray, " n_energies"],
    spread: Float[np.ndarray, " n_energies"],
    weight: Float[np.ndarray, " n_energies"],
) -> tuple[float, float]:
    """Return location and spread that energies on a common scale are put back on."""
    return float((weight * location).sum()), float((weight * spread).sum())


def symmetric_log(value: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Logarithm that is close to the value near zero, and odd: ``sign(v) log(1 + |v|)``."""
    return np.sign(value) * np.log1p(np.abs(value))


def symmetric_exp(value: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Inverse of :func:`symmetric_log`."""
    return np.sign(value) * np.expm1(np.abs(value))


def _mean_logarithm(
    energies: Float[np.ndarray, "n_energies n_rows"],
    location: Float[np.ndarray, " n_energies"],
    spread: Float[np.ndarray, " n_energies"],
    weight: Float[np.ndarray, " n_energies"],
) -> Float[np.ndarray, " n_rows"]:
    relative = (energies - location[:, None]) / spread[:, None]
    return np.asarray((weight[:, None] * symmetric_log(relative)).sum(axis=0))
