"""How far new rows have moved from training rows, column by column, and how sure that is.

A saved model knows no training rows, but of each column of numbers eight percentiles, and of each
text how often it occurred. What they say of the distance between both distributions is used, and
no more: the result never says that a column moved further than it did.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy
from jaxtyping import Float

from dagmm.data.base import Chunk
from dagmm.preprocessing.reference_values import N_LEVELS
from dagmm.preprocessing.table_encoder import TableEncoder

#: Share of the training rows below each kept value of a column of numbers.
LEVELS = np.linspace(0.01, 0.99, N_LEVELS)
#: A column has moved from this distance on, and moved far from this one on.
MOVED, MOVED_FAR = 0.1, 0.25
#: Texts that fewer rows are expected to have are taken together (Cochran, 1954).
_LEAST_EXPECTED = 5.0


class ColumnDrift(NamedTuple):
    """How far a column has moved.

    Parameters
    ----------
    name : str
    distance : float or None
        From the training rows, between 0 and 1; see :meth:`DriftCounts.distances`.
    p_value : float or None
        Chance of such a distance, or a larger one, in any of the columns, if rows are independent
        and like the training rows.
    has_moved : bool
        Whether it moved by 0.1 at least and that is no chance.
    unseen_share : float or None
        Of texts that the training rows did not have.
    """

    name: str
    distance: float | None
    p_value: float | None
    has_moved: bool
    unseen_share: float | None

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return self._asdict()


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
        # The kept values are of rows whose holes were filled.
        self._had_holes = np.isin(encoder.numbers.names, encoder.masks.names)
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
            By column: the rows without a value, which are not counted; of a column that had
            holes in training they are, with what they are filled with.
        """
        start = self._n_numbers
        if start:
            values = features[:, :start].copy()
            gone = np.stack([holes[name] for name in self._encoder.numbers.names], axis=1)
            gone[:, self._had_holes] = False
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

    def p_values(self, n_known: int) -> dict[str, float | None]:
        """Chance of each distance, if rows are independent and like the training rows.

        Of numbers by Kolmogorov's and Smirnov's test of two samples, of texts by that of
        homogeneity (chi-squared). Both by their limits for many rows. None where there is no
        distance.

        Parameters
        ----------
        n_known : int
            Training rows that the kept values are of.
        """
        found: dict[str, float | None] = dict.fromkeys(self._encoder.columns)
        distances = self.distances()
        for j, name in enumerate(self._encoder.numbers.names):
            distance, n = distances[name], int(self._present[j])
            if distance is not None:
                found[name] = float(
                    scipy.special.kolmogorov(distance * np.sqrt(n * n_known / (n + n_known)))
                )
        for text in self._encoder.texts:
            if distances[text.name] is not None:
                counts = self.text_counts[text.name].astype(np.float64)
                found[text.name] = _homogeneity(counts, text.centre * n_known)
        return found

    def moves(self, n_known: int, alpha: float) -> tuple[ColumnDrift, ...]:
        """Say of each column how far it moved.

        Parameters
        ----------
        n_known : int
            Training rows that the kept values are of.
        alpha : float
            Chance that any column is said to have moved where none did.
        """
        distances, p_values = self.distances(), self.p_values(n_known)
        tested = [name for name, p_value in p_values.items() if p_value is not None]
        adjusted = dict(zip(tested, holm([p_values[name] or 0.0 for name in tested]), strict=True))
        return tuple(
            ColumnDrift(
                name,
                distance,
                adjusted.get(name),
                distance is not None and distance >= MOVED and adjusted[name] <= alpha,
                self.unseen_share(name),
            )
            for name, distance in distances.items()
        )

    def unseen_share(self, name: str) -> float | None:
        """Share of the texts of a column that the training rows did not have; None if no text."""
        counts = self.text_counts.get(name)
        if counts is None or not counts.sum():
            return None
        return float(counts[-1] / counts.sum())


def holes_of(encoder: TableEncoder, chunk: Chunk) -> dict[str, np.ndarray]:
    """Return which rows of a chunk have no value in each column of numbers or text."""
    gone = np.isnan(encoder.numbers_of(chunk))
    holes = dict(zip(encoder.numbers.names, gone.T, strict=True))
    return holes | {
        text.name: np.asarray(chunk.text(text.name).is_null()) for text in encoder.texts
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that all hold together (Holm, 1979)."""
    order = np.argsort(p_values)
    steps = np.asarray(p_values, np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(p_value) for p_value in adjusted]


def _homogeneity(
    counts: Float[np.ndarray, " n_texts"], known: Float[np.ndarray, " n_texts"]
) -> float:
    """P-value that two tables of counts come from the same texts, rare ones taken together."""
    share = counts.sum() / (counts.sum() + known.sum())
    expected = np.minimum(share, 1.0 - share) * (counts + known)
    is_rare = expected < _LEAST_EXPECTED
    rows = [np.append(row[~is_rare], row[is_rare].sum()) for row in (counts, known)]
    both = np.stack(rows)[:, np.sum(rows, axis=0) > 0.0]
    if both.shape[1] < 2:
        return 1.0
    return float(scipy.stats.chi2_contingency(both, correction=False).pvalue)
