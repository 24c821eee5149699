"""Rows of a report: what they hold, what the networks see of them, how strange they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagmm.data.base import Chunk
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.columns.date_text import dates_of
from dagmm.preprocessing.pipeline import Features


@dataclass(frozen=True)
class KeptRow:
    """A row that is to be explained.

    Parameters
    ----------
    seen : Features
        What the networks see of it.
    values : dict of str to float, str or None
        By column, in the table's units; None for a hole.
    time : float
        NaN where there is none.
    """

    seen: Features
    values: dict[str, float | str | None]
    time: float


class ReadRows:
    """Some rows, read in every way that is needed.

    Parameters
    ----------
    model : FittedModel
    chunk : Chunk
    seen : Features
        What the networks see of them.
    energy : ndarray of shape (n_rows,)
        In nats.
    alarm : ndarray of shape (n_rows,), bool
    times : ndarray of shape (n_rows,)
        NaN where there are none.
    row : ndarray of shape (n_rows,)
        Their numbers in the table, ascending.
    """

    def __init__(
        self,
        model: FittedModel,
        chunk: Chunk,
        seen: Features,
        energy: np.ndarray,
        alarm: np.ndarray,
        times: np.ndarray,
        row: np.ndarray,
    ) -> None:
        encoder = model.table_encoder
        self.seen, self.energy, self.alarm = seen, energy, alarm
        self.times, self.row = times, row
        self.features = seen.inputs if model.windows is None else encoder.encode(chunk)
        self.numbers = encoder.numbers_of(chunk).astype(np.float64, copy=False)
        self._number_names = encoder.numbers.names
        self._columns = encoder.columns
        self._texts: dict[str, Any] = {t.name: chunk.text(t.name) for t in encoder.texts}
        for date in encoder.dates:
            self._texts[date.name] = dates_of(
                chunk, date.name, "the model was fitted to dates", date.reading
            )
        gone = np.isnan(self.numbers)
        self.holes = dict(zip(self._number_names, gone.T, strict=True))
        self.holes |= {name: np.asarray(text.is_null()) for name, text in self._texts.items()}

    def keep(self, row: int) -> KeptRow:
        """Return what is kept of the row with this number in the table."""
        i = int(np.searchsorted(self.row, row))
        values: dict[str, float | str | None] = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(self._number_names, self.numbers[i], strict=True)
        }
        for name, column in self._texts.items():
            value = column[i].as_py()
            values[name] = None if value is None else str(value)
        ordered = {name: values[name] for name in self._columns}
        row_alone = np.arange(len(self.energy)) == i
        return KeptRow(self.seen.of(row_alone), ordered, float(self.times[i]))
