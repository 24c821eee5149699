"""One pass over the scored rows: everything that the report counts, in bounded memory."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from dagmm.data.base import Chunk
from dagmm.inference.alarms import AlarmTracker
from dagmm.inference.calibration.dependence import EVENT_GAP
from dagmm.inference.events import EventTracker
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.windows.clock import axis_times_of
from dagmm.report.columns import ColumnTracker
from dagmm.report.downsample import MinMaxDownsampler
from dagmm.report.read_rows import ReadRows
from dagmm.report.reservoir import Reservoir
from dagmm.report.strangest_rows import StrangestRows
from dagmm.report.time_axis import TimeTracker

#: Rows of each kind, normal and alarms, that figures and comparisons are made of.
SAMPLE_ROWS = 4000
#: Strangest rows that are kept where there is no alarm.
_STRANGEST = 10


@dataclass
class ReportData:
    """What a pass over the rows has found so far.

    Parameters
    ----------
    model : FittedModel
    time, group : str or None
        The time axis, and the column that names the asset.
    gap : int
        Most normal rows between two alarms of one event.
    sample_rows : int
        Rows of each kind to draw at random.
    """

    model: FittedModel
    time: str | None = None
    group: str | None = None
    gap: int = EVENT_GAP
    sample_rows: int = SAMPLE_ROWS
    n_rows: int = 0
    energies: list[np.ndarray] = field(default_factory=list)
    labels: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        model = self.model
        # Of windows a model knows what is usual, but not of the rows that make them.
        known = model.calibration if model.windows is None else None
        self.columns = ColumnTracker(model.table_encoder, known)
        self._reader = model.reader()
        self.timing = None if self.time is None else TimeTracker(self.time)
        #: Energy, and time, of all rows.
        self.series = MinMaxDownsampler(2)
        #: The columns of numbers.
        self.traces = MinMaxDownsampler(model.table_encoder.numbers.n_features)
        self.events = EventTracker(self.gap)
        self._alarms = AlarmTracker(model)
        self.strangest = StrangestRows(_STRANGEST)
        self.normal, self.alarms = Reservoir(self.sample_rows, 0), Reservoir(self.sample_rows, 1)

    @property
    def n_groups(self) -> int:
        """Number of assets; 1 where no column names them."""
        return self.events.n_groups

    def add(
        self,
        chunk: Chunk,
        energy: Float[np.ndarray, " n_rows"],
        labels: Bool[np.ndarray, " n_rows"] | None = None,
    ) -> None:
        """Look at the rows that follow.

        Parameters
        ----------
        chunk : Chunk
        energy : ndarray of shape (n_rows,)
            In nats.
        labels : ndarray of shape (n_rows,), bool, optional
            Which rows are anomalies, where that is known.

        Raises
        ------
        InputError
            If the time axis holds neither dates nor numbers.
        """
        if not chunk.n_rows:
            return
        self._alarms.check(chunk.names)
        seen = self._reader.read(chunk, to_explain=True)
        alarm = self._alarms.update(chunk, energy)
        row = self.n_rows + np.arange(chunk.n_rows)
        part = ReadRows(self.model, chunk, seen, energy, alarm, self._times(chunk), row)
        self.columns.add(part.numbers, part.features, part.holes)
        self.series.add(np.stack([energy, part.times], axis=1))
        if part.numbers.shape[1]:
            self.traces.add(part.numbers)
        self._add_samples(part, labels)
        self.strangest.add(self.n_rows, energy, part.keep)
        for name, rows in _groups(chunk, self.group):
            self._add_group(part, name, rows)
        if labels is not None:
            self.energies.append(energy)
            self.labels.append(labels)
        self.n_rows += chunk.n_rows

    def _times(self, chunk: Chunk) -> np.ndarray:
        if self.timing is None:
            return np.full(chunk.n_rows, np.nan)
        times, self.timing.are_dates = axis_times_of(
            chunk, self.timing.name, self.model.table_encoder.reading_of(self.timing.name)
        )
        return times

    def _add_samples(self, part: ReadRows, labels: np.ndarray | None) -> None:
        known = np.zeros(len(part.energy), bool) if labels is None else labels
        for sample, kind in ((self.normal, ~part.alarm), (self.alarms, part.alarm)):
            sample.add(
                inputs=part.seen.inputs[kind],
                energy=part.energy[kind],
                row=part.row[kind],
                label=known[kind],
            )

    def _add_group(self, part: ReadRows, name: str | None, rows: np.ndarray) -> None:
        """Look at the rows of one asset."""
        if part.numbers.shape[1]:
            self.columns.add_runs(name, part.numbers[rows])
        if self.timing is not None:
            self.timing.add(name, part.times[rows])
        arrays = part.alarm[rows], part.row[rows], part.energy[rows], part.times[rows]
        self.events.add(name, *arrays, part.seen.at(rows), part.keep)


def _groups(chunk: Chunk, group: str | None) -> list[tuple[str | None, np.ndarray]]:
    """Return the rows of each asset; a row without a name belongs to one that has none."""
    if group is None:
        return [(None, np.arange(chunk.n_rows))]
    encoded = chunk.text(group).dictionary_encode()
    code = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names = [*encoded.dictionary.to_pylist(), ""]
    return [(names[i], np.flatnonzero(code == i)) for i in np.unique(code).tolist()]
