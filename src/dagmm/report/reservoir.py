"""A random sample of rows of unknown number, in bounded memory."""

import numpy as np


class Reservoir:
    """A uniform sample without replacement of all rows so far.

    Each row draws a random key, and the rows of the smallest keys are kept.

    Parameters
    ----------
    most : int
        Rows to keep.
    seed : int
    """

    def __init__(self, most: int, seed: int) -> None:
        self._most = most
        self._rng = np.random.default_rng(seed)
        self._keys: list[np.ndarray] = []
        self._parts: list[dict[str, np.ndarray]] = []
        self._highest = np.inf  # a key beyond it cannot be kept any more
        self._n_held = 0
        self.n_seen = 0

    def add(self, **parts: np.ndarray) -> None:
        """Offer some rows.

        Parameters
        ----------
        **parts : ndarray of shape (n_rows, ...)
            What belongs to each row; the same names each time.
        """
        key = self._rng.random(len(next(iter(parts.values()))))
        self.n_seen += len(key)
        if np.isfinite(self._highest):  # most rows of a long table end here
            kept = np.flatnonzero(key < self._highest)
            key, parts = key[kept], {name: part[kept] for name, part in parts.items()}
        self._keys.append(key)
        self._parts.append(parts)
        self._n_held += len(key)
        if self._n_held >= 2 * self._most:
            self._trim()

    def __len__(self) -> int:
        return min(self._most, self._n_held)

    def first(self, name: str, n: int | None = None) -> np.ndarray:
        """Return a part of the rows, or of ``n`` of them drawn at random."""
        self._trim()
        return self._parts[0][name][:n]

    @property
    def weight(self) -> float:
        """How many rows each kept one stands for."""
        return self.n_seen / max(1, len(self))

    def _trim(self) -> None:
        keys = np.concatenate(self._keys)
        order = np.argsort(keys, kind="stable")[: self._most]
        self._keys = [keys[order]]
        self._parts = [
            {
                name: np.concatenate([parts[name] for parts in self._parts])[order]
                for name in self._parts[0]
            }
        ]
        self._n_held = len(order)
        if self._n_held == self._most:
            self._highest = keys[order[-1]]
