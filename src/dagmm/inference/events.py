"""Alarms that follow each other closely, merged into events."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from dagmm.inference.calibration.dependence import runs_of
from dagmm.preprocessing.pipeline import Features

#: Events that are kept, those of the highest energies.
MOST_KEPT = 200
#: Rows of an asset that are kept of an event's course: so many before its first alarm, and so many
#: from that on.
LEAD_ROWS, FIRST_ROWS = 8, 32


class CourseRows(NamedTuple):
    """Some rows of an asset, in their order."""

    place: Int[np.ndarray, " n_rows"]
    """Their numbers among the rows of the asset."""
    row: Int[np.ndarray, " n_rows"]
    """Their numbers in the table."""
    time: Float[np.ndarray, " n_rows"]
    """NaN where there is none."""
    seen: Features
    """What the networks see of them."""

    def between(self, start: int, stop: int) -> "CourseRows":
        """Return those of some places."""
        wanted = (self.place >= start) & (self.place < stop)
        return CourseRows(
            self.place[wanted], self.row[wanted], self.time[wanted], self.seen.of(wanted)
        )

    @classmethod
    def joined(cls, parts: Iterable["CourseRows"]) -> "CourseRows":
        """Return the rows of several parts."""
        found = list(parts)
        return cls(
            np.concatenate([part.place for part in found]),
            np.concatenate([part.row for part in found]),
            np.concatenate([part.time for part in found]),
            Features.joined([part.seen for part in found]),
        )


@dataclass
class Event:
    """Alarms of one asset with no more than so many normal rows between them.

    Parameters
    ----------
    group : str or None
        The asset.
    place : int
        Number of the first alarm's row among the rows of the asset.
    first_row, last_row : int
        Numbers of the first and the last alarm's row.
    n_alarms : int
    peak_row : int
    peak_energy : float
        The highest, in nats.
    peak : Any
        What was kept of the row with the highest energy.
    first_time, last_time : float
        NaN where there is no time axis.
    course : list of CourseRows
        Rows from shortly before the first alarm on, part by part.
    """

    group: str | None
    place: int
    first_row: int
    last_row: int
    n_alarms: int
    peak_row: int
    peak_energy: float
    peak: Any
    first_time: float = np.nan
    last_time: float = np.nan
    course: list[CourseRows] = field(default_factory=list)


class EventTracker:
    """Merges alarms as they come.

    Parameters
    ----------
    gap : int
        Most normal rows between two alarms of one event.
    most : int, default=200
        Events to keep; all are counted.
    """

    def __init__(self, gap: int, most: int = MOST_KEPT) -> None:
        self._gap = gap
        self._most = most
        self._open: dict[str | None, tuple[Event, int]] = {}
        self._closed: list[tuple[float, int, Event]] = []
        self._ticket = count()
        self._n_rows: dict[str | None, int] = {}
        self._before: dict[str | None, CourseRows] = {}
        self._growing: dict[str | None, list[Event]] = {}
        self.n_alarms = 0
        self.n_events = 0

    @property
    def n_groups(self) -> int:
        """Number of assets; 1 where no column names them."""
        return len(self._n_rows)

    def add(
        self,
        group: str | None,
        alarm: Bool[np.ndarray, " n_rows"],
        row: Int[np.ndarray, " n_rows"],
        energy: Float[np.ndarray, " n_rows"],
        time: Float[np.ndarray, " n_rows"],
        seen: Features,
        keep: Callable[[int], Any],
    ) -> None:
        """Add rows of one asset, which follow those before.

        Parameters
        ----------
        group : str or None
        alarm : ndarray of shape (n_rows,), bool
        row : ndarray of shape (n_rows,)
            Their numbers in the table.
        energy : ndarray of shape (n_rows,)
            In nats.
        time : ndarray of shape (n_rows,)
            NaN where there is none.
        seen : Features
            What the networks see of them.
        keep : callable
            Takes a row's number in the table and returns what is kept of it.
        """
        first = self._n_rows.get(group, 0)
        place = first + np.arange(len(row))
        self._n_rows[group] = first + len(row)
        self.n_alarms += int(alarm.sum())
        opened = []
        for part in runs_of(np.flatnonzero(alarm), self._gap):
            peak, last = part[np.argmax(energy[part])], part[-1]
            event = self._at(group, int(place[part[0]]))
            if event is None:
                self._close(group)
                event = _begun(group, int(place[part[0]]), int(row[part[0]]), float(time[part[0]]))
                opened.append(event)
            event.n_alarms += len(part)
            event.last_row, event.last_time = int(row[last]), float(time[last])
            if energy[peak] > event.peak_energy:
                event.peak_row, event.peak_energy = int(row[peak]), float(energy[peak])
                event.peak = keep(event.peak_row)
            self._open[group] = (event, int(place[last]))
        self.n_events += len(opened)
        self._follow(group, CourseRows(place, row, time, seen), opened)

    def strangest(self) -> list[Event]:
        """Return the events that were kept, the highest energy first."""
        events = [event for _, _, event in self._closed]
        events += [event for event, _ in self._open.values()]
        return sorted(events, key=lambda event: (-event.peak_energy, event.first_row))[
            : self._most
        ]

    def _follow(self, group: str | None, rows: CourseRows, opened: list[Event]) -> None:
        """Keep the rows around the first alarm of each event."""
        before = self._before.get(group)
        for event in opened:
            parts = [rows] if before is None else [before, rows]
            span = event.place - LEAD_ROWS, event.place + FIRST_ROWS
            event.course = [one.between(*span) for one in parts]
        for event in self._growing.get(group, []):
            event.course.append(rows.between(event.place, event.place + FIRST_ROWS))
        known = self._n_rows[group]
        events = [*self._growing.get(group, []), *opened]
        self._growing[group] = [one for one in events if one.place + FIRST_ROWS > known]
        parts = [rows] if before is None or len(rows.row) >= LEAD_ROWS else [before, rows]
        # Copies: a view would keep the whole chunk.
        self._before[group] = CourseRows.joined(
            [one.between(known - LEAD_ROWS, known) for one in parts]
        )

    def _at(self, group: str | None, place: int) -> Event | None:
        """Return the event that an alarm at this place goes on with."""
        if group not in self._open:
            return None
        event, last = self._open[group]
        return event if place - last <= self._gap + 1 else None

    def _close(self, group: str | None) -> None:
        if group not in self._open:
            return
        event, _ = self._open.pop(group)
        item = (event.peak_energy, next(self._ticket), event)
        if len(self._closed) < self._most:
            heapq.heappush(self._closed, item)
        else:
            heapq.heappushpop(self._closed, item)


def _begun(group: str | None, place: int, row: int, time: float) -> Event:
    return Event(group, place, row, row, 0, row, -np.inf, None, time, time)
