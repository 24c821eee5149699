"""The energies of many rows, kept in little space."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dagmm._core.numerics import AnyArray
from dagmm.inference.calibration.dependence import Dependence, dependence_of

#: Most energies that are kept of a table. Of longer tables the highest half of them are kept one
#: by one, since thresholds lie there, and the rest evenly.
MAX_KEPT = 20_000


@dataclass(frozen=True)
class EmpiricalDistribution:
    """The energies of many rows in order, or enough of them.

    Parameters
    ----------
    energy : ndarray of shape (n_kept,)
        In ascending order, in nats.
    rank : ndarray of shape (n_kept,)
        How many of the rows come before each, ``0, 1, 2, ...`` where all are kept.
    n_rows : int
        How many rows they stand for.
    dependence : Dependence
        What these rows are worth where they follow each other.
    """

    energy: np.ndarray
    rank: np.ndarray
    n_rows: int
    dependence: Dependence

    @classmethod
    def of(
        cls, energy: Float[np.ndarray, " n_rows"], n_shared: int = 1
    ) -> "EmpiricalDistribution":
        """Keep the energies of some rows.

        Parameters
        ----------
        energy : ndarray of shape (n_rows,)
            One or more, all finite, in the order in which the rows follow each other.
        n_shared : int, default=1
            Rows that share what they are scored by: those of a window.
        """
        ordered = np.sort(energy.astype(np.float64))
        rank = _kept_ranks(len(ordered))
        return cls(ordered[rank], rank, len(ordered), dependence_of(energy, n_shared))

    @property
    def n_effective(self) -> float:
        """Independent rows that would say as much, at most ``n_rows``."""
        return self.dependence.n_effective

    def energy_at(self, share: float) -> float:
        """Energy that a share of the rows exceeds, in nats; linear between two rows' energies."""
        return float(np.interp((1.0 - share) * (self.n_rows - 1), self.rank, self.energy))

    def reaching(self, energy: Float[AnyArray, " n"]) -> Int[AnyArray, " n"]:
        """Count the rows whose energy is at least as high; the most, where not all are kept."""
        below = np.searchsorted(self.energy, energy, side="left")
        certain = np.concatenate([[0], self.rank + 1])
        return self.n_rows - energy.__array_namespace__().take(certain, below)

    @property
    def weight(self) -> Float[np.ndarray, " n_kept"]:
        """How many of the rows each kept energy stands for."""
        return np.diff(np.append(self.rank, self.n_rows)).astype(np.float64)

    def highest(self, n: int) -> Float[np.ndarray, " n_highest"]:
        """Return the highest energies, at most ``n``, and no more than are kept one by one."""
        exact = self.n_rows - self.rank == np.arange(len(self.rank), 0, -1)
        return self.energy[exact][-n:]


def _kept_ranks(n_rows: int) -> np.ndarray:
    if n_rows <= MAX_KEPT:
        return np.arange(n_rows)
    first_of_top = n_rows - MAX_KEPT // 2
    lower = np.linspace(0, first_of_top, MAX_KEPT - MAX_KEPT // 2, endpoint=False)
    return np.concatenate([lower.astype(np.int64), np.arange(first_of_top, n_rows)])
