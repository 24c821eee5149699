"""Mask features: a column that is sometimes missing says so in a feature of its own."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from dagmm.preprocessing.columns.numeric import Scaling


@dataclass(frozen=True)
class MissingIndicator:
    """One feature for each column that had holes in training: ``(is_hole - centre) / scale``.

    Parameters
    ----------
    names : tuple of str
    centre, scale : ndarray of shape (n_masks,)
    """

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray

    @property
    def n_features(self) -> int:
        """Number of encoded features: one for each column."""
        return len(self.names)

    def encode(
        self, holes: Bool[np.ndarray, "n_rows n_masks"]
    ) -> Float64[np.ndarray, "n_rows n_masks"]:
        """Features of the holes in these columns."""
        return (holes - self.centre) / self.scale


def masks_of(n_holes: dict[str, int], n_rows: int, scaling: Scaling) -> MissingIndicator:
    """Return the masks of the columns that have holes.

    Parameters
    ----------
    n_holes : dict of str to int
        Holes of each column.
    n_rows : int
    scaling : {"standard", "minmax", "none"}
        With ``standard`` a mask is scaled like any number; otherwise it is 0 or 1.
    """
    names = tuple(name for name, n in n_holes.items() if n)
    rate = np.array([n_holes[name] / n_rows for name in names])
    if scaling != "standard":
        return MissingIndicator(names, np.zeros(len(names)), np.ones(len(names)))
    expected = np.array([expected_rate(n_holes[name], n_rows) for name in names])
    return MissingIndicator(names, rate, np.sqrt(expected * (1.0 - expected)))


def expected_rate(n_holes: int, n_rows: int) -> float:
    """Share of holes to be expected after so many among so many rows (Jeffreys' prior)."""
    return (n_holes + 0.5) / (n_rows + 1.0)


def lost_deviation(n_rows: int) -> float:
    """How far a hole stands out where so many rows had none, in standard deviations.

    A 0/1 value of rate p lies ``(1 - p) / sqrt(p (1 - p))`` deviations from its mean when it
    is 1.
    """
    rate = expected_rate(0, n_rows)
    return float(np.sqrt((1.0 - rate) / rate))
