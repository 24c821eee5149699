"""Alarms that follow each other closely, merged into events."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from jaxtyping import Float, Int

#: Events that are kept, those of the highest energies.
MOST_KEPT = 200


@dataclass
class Event:
    """Alarms of one asset with no more than so many normal rows between them.

    Parameters
    ----------
    group : str or None
        The asset.
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
    """

    group: str | None
    first_row: int
    last_row: int
    n_alarms: int
    peak_row: int
    peak_energy: float
    peak: Any
    first_time: float = np.nan
    last_time: float = np.nan


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
        self.n_alarms = 0
        self.n_events = 0

    def add(
        self,
        group: str | None,
        place: Int[np.ndarray, " n_alarms"],
        row: Int[np.ndarray, " n_alarms"],
        energy: Float[np.ndarray, " n_alarms"],
        time: Float[np.ndarray, " n_alarms"],
        keep: Callable[[int], Any],
    ) -> None:
        """Add alarms of one asset, which follow those before.

        Parameters
        ----------
        group : str or None
        place : ndarray of shape (n_alarms,)
            Numbers of the rows among those of the asset, ascending.
        row : ndarray of shape (n_alarms,)
            Their numbers in the table.
        energy : ndarray of shape (n_alarms,)
            In nats.
        time : ndarray of shape (n_alarms,)
            NaN where there is none.
        keep : callable
            Takes a row's number in the table and returns what is kept of it.
        """
        self.n_alarms += len(place)
        breaks = np.flatnonzero(np.diff(place) > self._gap + 1) + 1
        for part in np.split(np.arange(len(place)), breaks):
            if not len(part):
                continue
            first, last = part[0], part[-1]
            peak = part[np.argmax(energy[part])]
            event = self._at(group, int(place[first]))
            if event is None:
                self._close(group)
                self.n_events += 1
                event = Event(group, int(row[first]), 0, 0, 0, -np.inf, None, float(time[first]))
            event.n_alarms += len(part)
            event.last_row, event.last_time = int(row[last]), float(time[last])
            if energy[peak] > event.peak_energy:
                event.peak_row, event.peak_energy = int(row[peak]), float(energy[peak])
                event.peak = keep(event.peak_row)
            self._open[group] = (event, int(place[last]))

    def strangest(self) -> list[Event]:
        """Return the events that were kept, the highest energy first."""
        events = [event for _, _, event in self._closed]
        events += [event for event, _ in self._open.values()]
        return sorted(events, key=lambda event: (-event.peak_energy, event.first_row))[
            : self._most
        ]

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


class StrangestRows:
    """Keeps the rows of the highest energies, above a threshold or not.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: list[tuple[float, int, Any]] = []

    def add(
        self, first: int, energy: Float[np.ndarray, " n_rows"], keep: Callable[[int], Any]
    ) -> None:
        """Look at rows that follow each other.

        Parameters
        ----------
        first : int
            Number of the first one in the table.
        energy : ndarray of shape (n_rows,)
        keep : callable
            Takes a row's number in the table and returns what is kept of it.
        """
        for i in np.argsort(-energy, kind="stable")[: self._most].tolist():
            item = (float(energy[i]), -(first + i))
            if len(self._rows) == self._most and item <= self._rows[0][:2]:
                break
            push = heapq.heappush if len(self._rows) < self._most else heapq.heappushpop
            push(self._rows, (*item, keep(first + i)))

    def __iter__(self) -> Iterator[tuple[int, float, Any]]:
        """Yield number, energy and what was kept of each row, the strangest first."""
        for energy, row, kept in sorted(self._rows, key=lambda item: item[:2], reverse=True):
            yield -row, energy, kept
