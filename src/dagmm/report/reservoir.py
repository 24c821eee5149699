"""A random sample of rows of unknown number, in bounded memory."""

import numpy as np


class Reservoir:
    """Keeps at most so many rows, each with the same chance, whatever comes.

    Parameters
    ----------
    most : int
    seed : int
    """

    def __init__(self, most: int, seed: int) -> None:
        self._most = most
        self._rng = np.random.default_rng(seed)
        self._key = np.empty(0)
        self._parts: dict[str, np.ndarray] = {}
        self.n_seen = 0

    def add(self, **parts: np.ndarray) -> None:
        """Offer some rows.

        Parameters
        ----------
        **parts : ndarray of shape (n_rows, ...)
            What belongs to each row; the same names each time.
        """
        n_rows = len(next(iter(parts.values())))
        key = self._rng.random(n_rows)
        self.n_seen += n_rows
        if len(self._key) == self._most:  # most rows of a long table end here
            kept = np.flatnonzero(key < self._key[-1])
            key, parts = key[kept], {name: part[kept] for name, part in parts.items()}
        keys = np.concatenate([self._key, key])
        order = np.argsort(keys, kind="stable")[: self._most]
        self._key = keys[order]
        self._parts = {
            name: (
                np.concatenate([self._parts[name], part])[order] if self._parts else part[order]
            )
            for name, part in parts.items()
        }

    def __len__(self) -> int:
        return len(self._key)

    def first(self, name: str, n: int | None = None) -> np.ndarray:
        """Return a part of the rows, or of ``n`` of them drawn at random."""
        return self._parts[name][:n]

    @property
    def weight(self) -> float:
        """How many rows each kept one stands for."""
        return self.n_seen / max(1, len(self))
