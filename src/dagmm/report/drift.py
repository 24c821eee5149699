"""How far scored rows have moved from training rows, column by column.

A saved model knows no training rows, but of each column of numbers eight percentiles, and of each
text how often it occurred. What they say of the distance between both distributions is used, and
no more: the result never says that a column moved further than it did.
"""

import numpy as np
from jaxtyping import Float

from dagmm.preprocessing.reference_values import N_LEVELS
from dagmm.preprocessing.table_encoder import TableEncoder

#: Share of the training rows below each kept value of a column of numbers.
LEVELS = np.linspace(0.01, 0.99, N_LEVELS)


class DriftCounts:
    """Counts rows below the values that a model remembers of its columns.

    Parameters
    ----------
    encoder : TableEncoder
    reference_values : ndarray of shape (n_levels, n_features) or None
        Of :class:`dagmm.inference.calibration.calibration.Calibration`; None for windows,
        which have none of their rows.
    """

    def __init__(self, encoder: TableEncoder, reference_values: np.ndarray | None) -> None:
        self._encoder = encoder
        self._n_numbers = encoder.numbers.n_features
        self._reference_values = (
            None if reference_values is None else reference_values[:, : self._n_numbers]
        )
        self._present = np.zeros(self._n_numbers, np.int64)
        self._below = np.zeros((N_LEVELS, self._n_numbers), np.int64)
        self._at_most = np.zeros((N_LEVELS, self._n_numbers), np.int64)
        self.text_counts = {
            text.name: np.zeros(text.n_features, np.int64) for text in encoder.texts
        }

    def add(
        self,
        features: Float[np.ndarray, "n_rows n_features"],
        holes: dict[str, np.ndarray],
    ) -> None:
        """Count encoded rows.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features), float32
        holes : dict of str to ndarray of shape (n_rows,), bool
            By column: the rows without a value, which are not counted.
        """
        start = self._n_numbers
        if start:
            values = features[:, :start].copy()
            gone = np.stack([holes[name] for name in self._encoder.numbers.names], axis=1)
            values[gone] = np.nan  # neither below a value nor at it
            self._present += (~gone).sum(axis=0)
            for i, level in enumerate(
                () if self._reference_values is None else self._reference_values
            ):
                self._below[i] += (values < level).sum(axis=0)
                self._at_most[i] += (values <= level).sum(axis=0)
        for text in self._encoder.texts:
            stop = start + text.n_features
            code = np.argmax(features[:, start:stop] + text.centre, axis=1)
            self.text_counts[text.name] += np.bincount(
                code[~holes[text.name]], minlength=text.n_features
            )
            start = stop

    def distances(self) -> dict[str, float | None]:
        """Distance of each column from its training rows, between 0 and 1.

        For numbers the least Kolmogorov-Smirnov distance that agrees with the kept percentiles:
        so large a share of the rows lies on another side of some value than in training, or a
        larger one. For texts the share of the rows that would have to change their text for all
        texts to be as frequent as in training. None where the model does not know, or there is
        no value.
        """
        found: dict[str, float | None] = dict.fromkeys(self._encoder.columns)
        if self._reference_values is not None:
            for j, name in enumerate(self._encoder.numbers.names):
                n = self._present[j]
                if n:
                    low, high = self._below[:, j] / n, self._at_most[:, j] / n
                    found[name] = float(max(0.0, (low - LEVELS).max(), (LEVELS - high).max()))
        for text in self._encoder.texts:
            counts = self.text_counts[text.name]
            if text.centre.any() and counts.sum():
                found[text.name] = float(0.5 * np.abs(counts / counts.sum() - text.centre).sum())
        return found

    def unseen_share(self, name: str) -> float | None:
        """Share of the texts of a column that the training rows did not have; None if no text."""
        counts = self.text_counts.get(name)
        if counts is None or not counts.sum():
            return None
        return float(counts[-1] / counts.sum())
