"""One pass over the rows of a fleet: what the report counts of each asset, in bounded memory."""

from functools import partial

import numpy as np
from jaxtyping import Bool

from dagmm._core.errors import InputError
from dagmm._core.parallel import parallel_map
from dagmm.data.base import Chunk
from dagmm.inference.alarms import check_no_alarm_logic
from dagmm.inference.calibration.dependence import EVENT_GAP
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.events import EventTracker
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.fitted_fleet import FittedFleet, parts_of
from dagmm.preprocessing.pipeline import Features
from dagmm.preprocessing.windows.clock import axis_times_of
from dagmm.report.read_rows import ReadRows

#: Events that are kept of each asset, those of the highest energies.
EVENTS_OF_ASSET = 3


class AssetData:
    """What a pass over the rows has found of one asset.

    Parameters
    ----------
    model : FittedModel
        What scores it.
    gap : int
        Most normal rows between two alarms of one event.
    """

    def __init__(self, model: FittedModel, gap: int) -> None:
        self.model = model
        self.n_rows = 0
        self.peak_energy, self.peak_row = -np.inf, -1
        self.events = EventTracker(gap, EVENTS_OF_ASSET)
        self.has_dates = False
        self._reader = model.reader()

    def add(self, chunk: Chunk, row: np.ndarray, time: str | None) -> np.ndarray:
        """Look at the rows that follow, and return by how much each is above the threshold.

        Parameters
        ----------
        chunk : Chunk
            Rows of this asset.
        row : ndarray of shape (n_rows,)
            Their numbers in the table.
        time : str or None
            The time axis.
        """
        model = self.model
        seen = self._reader.read(chunk, to_explain=True)
        energy = model.energy_of_features(seen.inputs)
        limit = np.inf if model.threshold is None else model.threshold
        times = np.full(chunk.n_rows, np.nan)
        if time is not None:
            reading = model.table_encoder.reading_of(time)
            times, self.has_dates = axis_times_of(chunk, time, reading)
        alarm = is_anomaly(energy, limit)
        rows = ReadRows(model, chunk, seen, energy, alarm, times, row)
        # How an event begins is not shown, so that what was seen before it need not be kept.
        nothing = Features(np.empty((chunk.n_rows, 0), np.float32))
        self.events.add(None, alarm, row, energy, times, nothing, rows.keep)
        self.n_rows += chunk.n_rows
        highest = int(np.argmax(energy))
        if energy[highest] > self.peak_energy:
            self.peak_energy, self.peak_row = float(energy[highest]), int(row[highest])
        return energy - limit


class FleetReportData:
    """What a pass over the rows of a fleet has found so far.

    Parameters
    ----------
    fleet : FittedFleet
    unseen_by_all : bool
        Whether assets that the fleet was not fitted to are scored by the model of all.
    time : str or None
        The time axis.
    gap : int
        Most normal rows between two alarms of one event.
    """

    def __init__(
        self,
        fleet: FittedFleet,
        *,
        unseen_by_all: bool,
        time: str | None = None,
        gap: int = EVENT_GAP,
    ) -> None:
        self.fleet, self.time, self.gap = fleet, time, gap
        self._unseen_by_all = unseen_by_all
        self.n_rows = 0
        self.assets: dict[str, AssetData] = {}
        #: Of labelled rows, by how much their energies are above the threshold of their asset.
        self.excess: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []

    def add(self, chunk: Chunk, labels: Bool[np.ndarray, " n_rows"] | None = None) -> None:
        """Score the rows that follow and look at them.

        Parameters
        ----------
        chunk : Chunk
        labels : ndarray of shape (n_rows,), bool, optional
            Which rows are anomalies, where that is known.

        Raises
        ------
        InputError
            If columns are missing, values cannot be encoded, or an asset is unknown.
        """
        parts = list(parts_of(chunk, self.fleet.per))
        for part in parts:
            if part.asset not in self.assets:
                model = self.fleet.model_of(part.asset, unseen_by_all=self._unseen_by_all)
                check_no_alarm_logic(model, "a fleet scores rows of an asset as they come")
                self.assets[part.asset] = AssetData(model, self.gap)
        jobs = [partial(self._add_part, chunk, part.asset, part.places) for part in parts]
        excess = np.empty(chunk.n_rows)
        for part, found in zip(parts, parallel_map(lambda job: job(), jobs), strict=True):
            excess[part.places] = found
        if labels is not None:
            self.excess.append(excess)
            self.labels.append(labels)
        self.n_rows += chunk.n_rows

    def _add_part(self, chunk: Chunk, asset: str, places: np.ndarray) -> np.ndarray:
        try:
            row = self.n_rows + places
            return self.assets[asset].add(chunk.take(places), row, self.time)
        except InputError as error:
            raise InputError(
                f"{self.fleet.per} {asset!r}, whose rows are counted by themselves: {error}"
            ) from error
