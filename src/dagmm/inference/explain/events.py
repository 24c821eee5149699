"""Why an event happened: the columns that lead it, and when each of them first rose.

The strangest row of an event shows what a fault has become; its first rows show where it began.
Two things are known of each column in these rows. What it adds to the energy
(:mod:`dagmm.inference.explain.attribution`) tells relations that broke, but of columns that move
together none can be replaced alone, so that none is blamed. How far it lies beyond its own normal
values tells these, but no broken relation. Columns are ranked by the mean of both shares.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from dagmm._core.html import html_table
from dagmm.data.base import Rows
from dagmm.inference.alarms import AlarmTracker
from dagmm.inference.events import CourseRows, Event, EventTracker
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.input_part import InputPart
from dagmm.preprocessing.reference_values import features_of_columns
from dagmm.preprocessing.windows.buffer import places_of
from dagmm.preprocessing.windows.clock import arrow_times, axis_times_of, known_assets_of

#: Events that a notebook shows.
_SHOWN_EVENTS = 20
#: Columns of a lower share do not lead; within so many deviations beyond its normal values a
#: column has not moved.
_LEAST_SHARE, _CLEARLY = 0.02, 0.5
#: Share of its most from which on a column has risen.
_RISEN = 0.1


class Mover(NamedTuple):
    """A column that leads an event.

    Parameters
    ----------
    column : str
    share : float
        In [0, 1]: mean of its shares of what columns add to the energy and of how far they lie
        beyond their normal values, in the first rows of the event.
    contribution : float
        What it adds to the energies of these rows, on the mean, in nats.
    beyond : float
        How far it comes to lie beyond the 1st or the 99th percentile of the training rows, in
        training deviations; 0 where it stays within.
    row : int
        Number of the row in which it first rose: where the rows begin, from 8 before the first
        alarm on, in which it has a tenth of what it has most of, of energy or of distance,
        whichever it leads by; no two rows that have less lie between.
    time : float
        Of that row; NaN where there is no time axis.
    """

    column: str
    share: float
    contribution: float
    beyond: float
    row: int
    time: float


class EventExplainer:
    """Names the columns that lead events.

    Parameters
    ----------
    model : FittedModel
    explainer : Explainer, optional
        Of that model.

    Raises
    ------
    ArgumentError
        If the model was fitted on images.
    """

    def __init__(self, model: FittedModel, explainer: Explainer | None = None) -> None:
        self._explainer = explainer or Explainer(model)
        encoder, windows = model.table_encoder, model.windows
        row = InputPart(0, encoder.n_features) if windows is None else windows.view.newest_row
        self._row, known = row, row(model.calibration.reference_values)
        # Of numbers the first and the last level; of a text whatever its frequent ones have.
        self._low, self._high = known.min(axis=0), known.max(axis=0)
        groups = features_of_columns(encoder.feature_columns)
        self._features = [groups[name] for name in encoder.columns]

    def movers(self, event: Event, most: int) -> tuple[Mover, ...]:
        """Return the columns that lead an event, in the order in which they rose.

        Parameters
        ----------
        event : Event
        most : int
            Columns to name, at most: those of the highest shares.
        """
        whole = CourseRows.joined(event.course)
        last = int(whole.place[whole.row <= event.last_row].max())
        course = whole.between(0, last + 1)
        explanation = self._explainer.explain(course.seen)
        added = np.maximum(explanation.contribution, 0.0)
        beyond = self._beyond(course)
        first = course.place >= event.place
        blame, move = (_shares(one)[first].mean(axis=0) for one in (added, beyond))
        mean = 0.5 * (blame + move)
        leading = [
            j for j in np.argsort(-mean, kind="stable")[:most].tolist() if mean[j] >= _LEAST_SHARE
        ]
        found = []
        for j in leading:
            rose = _rise_of((added if blame[j] >= move[j] else beyond)[:, j])
            found.append(
                Mover(
                    explanation.columns[j],
                    float(mean[j]),
                    float(added[first, j].mean()),
                    float(beyond[first, j].max()),
                    int(course.row[rose]),
                    float(course.time[rose]),
                )
            )
        return tuple(sorted(found, key=lambda one: (one.row, -one.share)))

    def _beyond(self, course: CourseRows) -> Float[np.ndarray, "n_rows n_columns"]:
        """How far each column of each row lies beyond its normal values, if clearly so."""
        row = self._row(course.seen.inputs).astype(np.float64)
        beyond = np.maximum(np.maximum(row - self._high, self._low - row), 0.0)
        beyond[beyond < _CLEARLY] = 0.0
        return np.stack([beyond[:, part].max(axis=1) for part in self._features], axis=1)


def _shares(
    values: Float[np.ndarray, "n_rows n_columns"],
) -> Float[np.ndarray, "n_rows n_columns"]:
    """Return what share each column has of a row's sum; nothing of a row without any."""
    total = values.sum(axis=1, keepdims=True)
    return np.divide(values, total, out=np.zeros_like(values), where=total > 0.0)


def _rise_of(values: Float[np.ndarray, " n_rows"]) -> int:
    """Go back from the highest value as long as one of the two before it is a tenth of that."""
    first = int(np.argmax(values))
    for i in range(first - 1, -1, -1):
        if values[i] >= _RISEN * values.max():
            first = i
        elif first - i >= 2:
            break
    return first


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
