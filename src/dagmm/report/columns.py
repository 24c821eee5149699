"""The data sheet: what each column of the scored table holds."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.drift.columns import MOVED, MOVED_FAR, DriftCounts
from dagmm.preprocessing.table_encoder import TableEncoder

#: A sensor that keeps its value for so many rows, and moved in training, is called frozen.
FROZEN_ROWS = 30
#: Texts that are named as usual ones.
_NAMED = 3


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Parameters
    ----------
    name : str
    kind : {"number", "text", "date"}
    n_missing : int
    low, high : float or None
        Of the scored rows; None for texts and dates.
    band : tuple of float or None
        1st and 99th percentile of the training rows, where the model knows them.
    usual : tuple of str
        The most frequent texts of the training rows.
    longest_run : int
        Most consecutive rows of one asset with the same number.
    is_constant : bool
        Whether all scored rows have the same number.
    is_frozen : bool or None
        Whether it kept its value for long and moved in training; None where the model does not
        know whether it moved.
    distance : float or None
        From the training rows; see :meth:`dagmm.inference.drift.columns.DriftCounts.distances`.
    noise : float
        Distance that chance alone can bring about in rows that are independent.
    unseen_share : float or None
        Of texts that the training rows did not have.
    """

    name: str
    kind: str
    n_missing: int
    low: float | None = None
    high: float | None = None
    band: tuple[float, float] | None = None
    usual: tuple[str, ...] = ()
    longest_run: int = 0
    is_constant: bool = False
    is_frozen: bool | None = None
    distance: float | None = None
    noise: float = 0.0
    unseen_share: float | None = None

    @property
    def moved(self) -> str:
        """Whether it has moved: ``"far"``, ``"some"``, ``"no"``, or ``"unknown"``."""
        if self.distance is None:
            return "unknown"
        if self.distance < max(MOVED, self.noise):
            return "no"
        return "far" if self.distance >= MOVED_FAR else "some"


class ColumnTracker:
    """Looks at the columns of a table as its rows come.

    Parameters
    ----------
    encoder : TableEncoder
    calibration : Calibration or None
    """

    def __init__(self, encoder: TableEncoder, calibration: Calibration | None) -> None:
        self._encoder = encoder
        self._reference_values = None if calibration is None else calibration.reference_values
        self._drift = DriftCounts(encoder, self._reference_values)
        width = encoder.numbers.n_features
        self._low, self._high = np.full(width, np.inf), np.full(width, -np.inf)
        self._longest = np.zeros(width, np.int64)
        self._before: dict[str | None, tuple[np.ndarray, np.ndarray]] = {}
        self._n_missing = dict.fromkeys(encoder.columns, 0)
        self._n_rows = 0

    def add(
        self,
        numbers: Float[np.ndarray, "n_rows n_numbers"],
        features: Float[np.ndarray, "n_rows n_features"],
        holes: dict[str, np.ndarray],
    ) -> None:
        """Look at some rows.

        Parameters
        ----------
        numbers : ndarray of shape (n_rows, n_numbers)
            Columns of numbers in the table's units, NaN in holes.
        features : ndarray of shape (n_rows, n_features), float32
            All columns, encoded.
        holes : dict of str to ndarray of shape (n_rows,), bool
        """
        self._n_rows += len(features)
        for name, gone in holes.items():
            self._n_missing[name] += int(gone.sum())
        if numbers.size:
            self._low = np.fmin(self._low, np.fmin.reduce(numbers))
            self._high = np.fmax(self._high, np.fmax.reduce(numbers))
        self._drift.add(features, holes)

    def add_runs(self, group: str | None, numbers: Float[np.ndarray, "n_rows n_numbers"]) -> None:
        """Look for values that stay, in rows of one asset that follow those before."""
        width = numbers.shape[1]
        nothing = (np.full(width, np.nan), np.zeros(width, np.int64))
        value, length = self._before.get(group, nothing)
        runs = run_lengths(numbers, value, length)
        if len(runs):
            self._longest = np.maximum(self._longest, runs.max(axis=0))
            self._before[group] = (numbers[-1], runs[-1])

    def finish(self) -> tuple[Column, ...]:
        """Return what was seen, in the order of the model's columns."""
        found = {column.name: column for column in (*self._numbers(), *self._texts())}
        dates = {date.name for date in self._encoder.dates}
        return tuple(
            found[name] if name not in dates else Column(name, "date", self._n_missing[name])
            for name in self._encoder.columns
        )

    def _numbers(self) -> list[Column]:
        distances = self._drift.distances()
        moves = np.ones(len(self._low), bool)
        bands: np.ndarray | None = None
        if self._reference_values is not None:
            kept = self._reference_values[:, : len(self._low)].astype(np.float64)
            moves = np.all(np.diff(kept, axis=0) > 0.0, axis=0)
            bands = self._encoder.numbers.decode(kept[[0, -1]])
        columns = []
        for j, name in enumerate(self._encoder.numbers.names):
            n_present = self._n_rows - self._n_missing[name]
            columns.append(
                Column(
                    name,
                    "number",
                    self._n_missing[name],
                    float(self._low[j]) if n_present else None,
                    float(self._high[j]) if n_present else None,
                    None if bands is None else (float(bands[0, j]), float(bands[1, j])),
                    (),
                    int(self._longest[j]),
                    n_present > 1 and bool(self._low[j] == self._high[j]),
                    None
                    if self._reference_values is None
                    else bool(moves[j]) and int(self._longest[j]) >= FROZEN_ROWS,
                    distances[name],
                    _noise(n_present),
                )
            )
        return columns

    def _texts(self) -> list[Column]:
        distances = self._drift.distances()
        return [
            Column(
                text.name,
                "text",
                self._n_missing[text.name],
                usual=text.categories[:_NAMED],
                distance=distances[text.name],
                noise=_noise(self._n_rows - self._n_missing[text.name]),
                unseen_share=self._drift.unseen_share(text.name),
            )
            for text in self._encoder.texts
        ]


def run_lengths(
    values: Float[np.ndarray, "n_rows n_columns"], before: np.ndarray, length: np.ndarray
) -> np.ndarray:
    """Count for each value how many equal ones it ends a run of.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    before : ndarray of shape (n_columns,)
        The values of the row before; NaN for none.
    length : ndarray of shape (n_columns,), int
        Of the runs that these end.

    Returns
    -------
    ndarray of shape (n_rows, n_columns), int
        0 in holes.
    """
    changes = values != np.concatenate([before[None], values[:-1]])
    row = np.arange(len(values))[:, None]
    start = np.maximum.accumulate(np.where(changes, row, -1), axis=0)
    runs = np.where(start < 0, length + row + 1, row - start + 1)
    return np.asarray(np.where(np.isnan(values), 0, runs))


def _noise(n: int) -> float:
    """Kolmogorov's distance that one sample in twenty of so many independent rows exceeds."""
    return 1.36 / float(np.sqrt(n)) if n else 0.0
