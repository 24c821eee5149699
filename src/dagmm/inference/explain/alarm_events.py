"""The events of a table: where each begins and ends, its peak, and what moved first."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dagmm._core.html import html_table
from dagmm.data.base import Rows
from dagmm.inference.alarms import AlarmTracker
from dagmm.inference.events import Event, EventTracker
from dagmm.inference.explain.events import EventExplainer, Mover
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.windows.buffer import places_of
from dagmm.preprocessing.windows.clock import arrow_times, axis_times_of, known_assets_of

#: Events that a notebook shows.
_SHOWN_EVENTS = 20


@dataclass(frozen=True)
class AlarmEvent:
    """Alarms of one asset that follow each other.

    Attributes
    ----------
    asset : str or None
    first_row, last_row : int
        Numbers of its first and last row in alarm, from 0 on.
    first_time, last_time : float
        In seconds (dates since 1970, on the wall clock); NaN where there is no time axis.
    n_alarms : int
        Rows in alarm.
    row : int
        The one of the highest energy.
    energy : float
        Of that row, in nats.
    movers : tuple of Mover
        Columns that lead it, in the order in which they rose.
    """

    asset: str | None
    first_row: int
    last_row: int
    first_time: float
    last_time: float
    n_alarms: int
    row: int
    energy: float
    movers: tuple[Mover, ...]


@dataclass(frozen=True)
class AlarmEvents:
    """The events of a table, in the order of their first rows.

    Attributes
    ----------
    events : tuple of AlarmEvent
        All of them, or those of the highest energies.
    n_events, n_alarms : int
        All events, and all rows in alarm.
    n_named : int
        Columns that were asked for.
    are_dates : bool
        Whether times are dates.

    Examples
    --------
    With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> found = model.events(rows[[0, 1, 1]])
    >>> found.n_events, found.n_alarms
    (1, 2)
    """

    events: tuple[AlarmEvent, ...]
    n_events: int
    n_alarms: int
    n_named: int
    are_dates: bool

    def to_table(self) -> pa.Table:
        """One row for each event.

        ``.to_pandas()`` makes it a pandas DataFrame, ``polars.from_arrow`` a polars one.

        Returns
        -------
        pyarrow.Table
            ``asset``, ``first_row``, ``last_row``, ``first_time``, ``last_time`` (timestamps
            where the time axis has dates, else its numbers; null without one), ``alarms``,
            ``row`` (the one of the highest energy), ``energy``, and of each of the columns that
            lead it, in the order in which they rose, ``column_1``, ``share_1``,
            ``contribution_1`` (nats), ``beyond_1`` (deviations), ``rose_row_1``, ``rose_time_1``
            and so on, as :class:`Mover` has them; null where fewer do.
        """
        events = self.events
        columns: dict[str, pa.Array] = {
            "asset": pa.array([one.asset for one in events], pa.string()),
            "first_row": pa.array([one.first_row for one in events], pa.int64()),
            "last_row": pa.array([one.last_row for one in events], pa.int64()),
            "first_time": arrow_times([one.first_time for one in events], self.are_dates),
            "last_time": arrow_times([one.last_time for one in events], self.are_dates),
            "alarms": pa.array([one.n_alarms for one in events], pa.int64()),
            "row": pa.array([one.row for one in events], pa.int64()),
            "energy": pa.array([one.energy for one in events], pa.float64()),
        }
        for i in range(self.n_named):
            movers = [one.movers[i] if i < len(one.movers) else None for one in events]

            def of(field: str, kind: pa.DataType, movers: list[Mover | None] = movers) -> pa.Array:
                return pa.array([one and getattr(one, field) for one in movers], kind)

            times = [np.nan if one is None else one.time for one in movers]
            columns[f"column_{i + 1}"] = of("column", pa.string())
            columns[f"share_{i + 1}"] = of("share", pa.float64())
            columns[f"contribution_{i + 1}"] = of("contribution", pa.float64())
            columns[f"beyond_{i + 1}"] = of("beyond", pa.float64())
            columns[f"rose_row_{i + 1}"] = of("row", pa.int64())
            columns[f"rose_time_{i + 1}"] = arrow_times(times, self.are_dates)
        return pa.table(columns)

    def __len__(self) -> int:
        return len(self.events)

    def _repr_html_(self) -> str:
        table = self.to_table()
        shown = table.slice(0, _SHOWN_EVENTS)
        more = self.n_events - shown.num_rows
        rows = [list(row.values()) for row in shown.to_pylist()]
        note = [f"{more:,} more events; to_table() has {table.num_rows:,}."] if more else []
        return html_table(table.column_names, rows, note)


def events_of(model: FittedModel, rows: Rows, gap: int, n_named: int, most: int) -> AlarmEvents:
    """Score a table, find its events and explain them.

    Parameters
    ----------
    model : FittedModel
        With a threshold.
    rows : Rows
    gap : int
        Most normal rows between two alarms of one event.
    n_named : int
        Columns to name of each event; with 0 none is explained.
    most : int
        Events to return, those of the highest energies.

    Raises
    ------
    InputError
        If the table does not fit the model.
    """
    alarms, tracker, reader = AlarmTracker(model), EventTracker(gap, most), model.reader()
    model.check(rows)
    alarms.check(rows.names)
    time = model.time if model.time in rows.names else None
    group = model.group if model.group in rows.names else None
    are_dates = False
    for chunk in rows.chunks(model.chunk_rows):
        seen = reader.read(chunk, to_explain=True)
        energy = model.energy_of_features(seen.inputs)
        alarm, times = alarms.update(chunk, energy), np.full(chunk.n_rows, np.nan)
        if time is not None:
            reading = model.table_encoder.reading_of(time)
            times, are_dates = axis_times_of(chunk, time, reading)
        names, asset = known_assets_of(chunk, group)
        for name, places in zip(names, places_of(asset, len(names)), strict=True):
            tracker.add(
                None if group is None else name or "",
                alarm[places],
                chunk.start + places,
                energy[places],
                times[places],
                seen.at(places),
                lambda row: None,
            )
    explainer = EventExplainer(model) if n_named else None
    found = sorted(tracker.strangest(), key=lambda event: event.first_row)
    return AlarmEvents(
        tuple(_explained(event, explainer, n_named) for event in found),
        tracker.n_events,
        tracker.n_alarms,
        n_named,
        are_dates,
    )


def _explained(event: Event, explainer: EventExplainer | None, n_named: int) -> AlarmEvent:
    movers = () if explainer is None else explainer.movers(event, n_named)
    return AlarmEvent(
        event.group,
        event.first_row,
        event.last_row,
        event.first_time,
        event.last_time,
        event.n_alarms,
        event.peak_row,
        event.peak_energy,
        movers,
    )
