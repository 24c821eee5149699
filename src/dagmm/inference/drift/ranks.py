"""Where the energies of new rows lie among those a model knows, and among their own kind.

If new rows are exchangeable with the rows whose energies a model keeps, the place of each among
all that came before it, those of the model and the new ones, is uniform and independent of the
places of the others, however few rows the model keeps (Vovk, Gammerman and Shafer, *Algorithmic
Learning in a Random World*, 2nd edition, 2022, section 2.7). So what is built on these places
holds for a finite held-out sample; p-values counted in that sample alone are all off in the same
direction, and a test that takes them for uniform ones is wrong sooner or later.
"""

import hashlib

import numpy as np
from jaxtyping import Float, Int64

from dagmm.inference.calibration.energies import EmpiricalDistribution

#: New rows that are compared with each other at a time.
_AT_ONCE = 128


class ConformalRanks:
    """Places of new rows by their energies; lower ones are stranger.

    Equal energies stand in random order, which is the same each time.

    Parameters
    ----------
    sample : EmpiricalDistribution
        The energies that a model keeps. Where it does not keep all of them, a gap between two
        that are kept counts for all that lie in it.

    Attributes
    ----------
    digest : str
        Of the energies kept.
    added : ndarray of shape (n_gaps,), int
        New rows by the gap that they lie in.
    n_rows : int
        New rows.
    """

    def __init__(self, sample: EmpiricalDistribution) -> None:
        # Drawn from the energies themselves: the same for a model, others for another.
        self.digest = hashlib.sha256(sample.energy.tobytes()).hexdigest()
        known, self._new = np.random.default_rng(int(self.digest, 16)).spawn(2)
        self._distinct, group = np.unique(sample.energy, return_inverse=True)
        self._keys = np.sort(group + known.random(len(group)))
        #: Places from gap to gap between the energies kept; each new row adds one to its gap.
        self._places = np.diff(sample.rank, prepend=-1, append=sample.n_rows)
        self._n_places = sample.n_rows + 1
        self.added = np.zeros_like(self._places)
        self.n_rows = 0

    def add(
        self, energy: Float[np.ndarray, " n_rows"]
    ) -> tuple[Float[np.ndarray, " n_rows"], Float[np.ndarray, " n_rows"]]:
        """Return between which shares of all rows so far each new row lies.

        Parameters
        ----------
        energy : ndarray of shape (n_rows,)
            Of the rows that follow, in nats.

        Returns
        -------
        low, high : ndarray of shape (n_rows,)
            Under exchangeability a row lies between ``low`` and ``high`` with a probability of
            ``high - low``, whatever came before.
        """
        found = np.empty((2, len(energy)))
        for first in range(0, len(energy), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            found[:, part] = self._add(energy[part])
        return found[0], found[1]

    def go_on(self, gap: Int64[np.ndarray, " n"], n_rows: Int64[np.ndarray, " n"]) -> None:
        """Begin with rows that were added before: so many in each of some gaps."""
        self.added[gap] = n_rows
        self.n_rows = int(n_rows.sum())
        self._new.bit_generator.advance(self.n_rows)  # type: ignore[attr-defined]

    def _add(self, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gap = self._gaps(energy)
        n_before, places = self._n_places + self.n_rows, self._places + self.added
        above, own = n_before - np.cumsum(places)[gap], places[gap]
        # Rows of this part that come before.
        earlier = np.tri(len(gap), k=-1, dtype=bool)
        above = above + (earlier & (gap[None, :] > gap[:, None])).sum(axis=1)
        own = own + (earlier & (gap[None, :] == gap[:, None])).sum(axis=1)
        total = n_before + np.arange(len(gap))
        np.add.at(self.added, gap, 1)
        self.n_rows += len(gap)
        return above / total, (above + own) / total

    def _gaps(self, energy: np.ndarray) -> Int64[np.ndarray, " n_rows"]:
        """Return the number of the gap that each energy lies in, from the lowest on."""
        group = np.searchsorted(self._distinct, energy, side="left")
        is_tied = self._distinct[np.minimum(group, len(self._distinct) - 1)] == energy
        # Drawn for each row, so that it does not matter how many rows come at once.
        key = group + np.where(is_tied, self._new.random(len(energy)), 0.0)
        return np.searchsorted(self._keys, key, side="left")
