"""What a process has done so far: rows, alarms, energies, latencies, errors."""

import json
import os
import time
from collections import Counter, deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

from dagmm._core.visible import visible
from dagmm.serve.drift import DriftWatch
from dagmm.serve.json_rows import json_records
from dagmm.serve.scoring import Tally

#: Upper ends of the latency histogram, in seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
#: Energies that quantiles are those of: the last ones.
_ENERGIES_KEPT = 4096
#: Alarms that the page shows, and cells of each.
_ALARMS_KEPT, _CELLS_KEPT = 50, 16


class Figures:
    """Counts, from any thread.

    Attributes
    ----------
    rows, alarms : int
    reloads, reload_failures : int
    drift : DriftWatch
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.rows = self.alarms = 0
        self._requests: Counter[tuple[str, int]] = Counter()
        self._latencies: dict[str, list[float]] = {}
        self._energies: deque[float] = deque(maxlen=_ENERGIES_KEPT)
        self._last_alarms: deque[dict[str, Any]] = deque(maxlen=_ALARMS_KEPT)
        self.reloads = self.reload_failures = 0
        self.drift = DriftWatch()

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self._requests[endpoint, status] += 1
            # The count of each bucket, then that of all, then their sum.
            kept = self._latencies.setdefault(endpoint, [0.0] * (len(BUCKETS) + 2))
            for i, end in enumerate(BUCKETS):
                kept[i] += seconds <= end
            kept[-2] += 1
            kept[-1] += seconds

    def scored(self, tally: Tally) -> None:
        """Count rows, and keep the last energies and alarms."""
        now = round(time.time(), 3)
        newest = tally.alarms.slice(max(0, tally.alarms.num_rows - _ALARMS_KEPT))
        newest = newest.select(newest.column_names[:_CELLS_KEPT])
        alarms = [{"at": now, **_visible(alarm)} for alarm in json_records(newest)]
        with self._lock:
            self.rows += tally.rows
            self.alarms += tally.alarms.num_rows
            self._energies.extend(tally.energy[-_ENERGIES_KEPT:].tolist())
            self._last_alarms.extend(alarms)

    def plain(self) -> dict[str, Any]:
        """Return them as JSON can hold them."""
        drift = self.drift.plain()
        with self._lock:
            return {
                "pid": os.getpid(),
                "rows": self.rows,
                "alarms": self.alarms,
                "requests": [[*key, count] for key, count in sorted(self._requests.items())],
                "latencies": {name: list(kept) for name, kept in self._latencies.items()},
                "energies": list(self._energies),
                "last_alarms": list(self._last_alarms),
                "reloads": self.reloads,
                "reload_failures": self.reload_failures,
                "drift": drift,
            }


def joined(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Join what several processes have done.

    Parameters
    ----------
    parts : list of mapping
        As :meth:`Figures.plain` returns them.
    """
    requests: Counter[tuple[str, int]] = Counter()
    latencies: dict[str, list[float]] = {}
    for part in parts:
        for endpoint, status, count in part["requests"]:
            requests[endpoint, status] += count
        for endpoint, kept in part["latencies"].items():
            before = latencies.setdefault(endpoint, [0.0] * len(kept))
            latencies[endpoint] = [a + b for a, b in zip(before, kept, strict=True)]
    alarms = sorted((one for part in parts for one in part["last_alarms"]), key=_time_of)
    sums = ("rows", "alarms", "reloads", "reload_failures")
    return {
        **{name: sum(part[name] for part in parts) for name in sums},
        "requests": [[*key, count] for key, count in sorted(requests.items())],
        "latencies": latencies,
        "energies": [energy for part in parts for energy in part["energies"]],
        "last_alarms": alarms[-_ALARMS_KEPT:],
        "drift": [part["drift"] for part in parts if part["drift"] is not None],
    }


def as_json(figures: Mapping[str, Any]) -> bytes:
    """Write them for other processes."""
    return json.dumps(figures).encode()


def _visible(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Write out control characters of names and texts, which are for a page."""
    return {
        visible(name): visible(value) if isinstance(value, str) else value
        for name, value in alarm.items()
    }


def _time_of(alarm: Mapping[str, Any]) -> float:
    return float(alarm["at"])
