"""The rows of the highest energies, as they come."""

import heapq
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float


class StrangestRows:
    """Keeps the rows of the highest energies, above a threshold or not.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: list[tuple[float, int, Any]] = []

    def add(
        self, first: int, energy: Float[np.ndarray, " n_rows"], keep: Callable[[int], Any]
    ) -> None:
        """Look at rows that follow each other.

        Parameters
        ----------
        first : int
            Number of the first one in the table.
        energy : ndarray of shape (n_rows,)
        keep : callable
            Takes a row's number in the table and returns what is kept of it.
        """
        for i in np.argsort(-energy, kind="stable")[: self._most].tolist():
            item = (float(energy[i]), -(first + i))
            if len(self._rows) == self._most and item <= self._rows[0][:2]:
                break
            push = heapq.heappush if len(self._rows) < self._most else heapq.heappushpop
            push(self._rows, (*item, keep(first + i)))

    def __iter__(self) -> Iterator[tuple[int, float, Any]]:
        """Yield number, energy and what was kept of each row, the strangest first."""
        for energy, row, kept in sorted(self._rows, key=lambda item: item[:2], reverse=True):
            yield -row, energy, kept
