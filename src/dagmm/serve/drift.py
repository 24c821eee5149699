"""Whether the rows that the service scored have left what its model knows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

import numpy as np

from dagmm.inference.drift.monitor import ALPHA, Bound, DriftMonitor, bound_on, is_watchable
from dagmm.serve.model import Served


class DriftWatch:
    """Watches the energies that one process answers, from any thread, for one model at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._served: Served | None = None
        self._monitor: DriftMonitor | None = None

    def scored(self, served: Served, energy: np.ndarray) -> None:
        """Watch the rows of an answer; another model begins anew, and one that is gone is left.

        Parameters
        ----------
        served : Served
            What they were scored by.
        energy : ndarray of shape (n_rows,)
            In nats.
        """
        with self._lock:
            if self._served is None or served.loaded > self._served.loaded:
                self._served = served
                watchable = is_watchable(served.model)
                self._monitor = DriftMonitor(served.model.calibration) if watchable else None
            if self._monitor is not None and served is self._served:
                self._monitor.update(energy)

    def plain(self) -> dict[str, Any] | None:
        """Return where it stands as JSON can hold it; None where no row was watched."""
        with self._lock:
            if self._served is None or self._monitor is None:
                return None
            return {
                "version": self._served.version,
                "rows": self._monitor.n_rows,
                "log_evidence": self._monitor.log_evidence,
            }


@dataclass(frozen=True)
class DriftState:
    """What all processes together say of drift.

    Parameters
    ----------
    has_drifted : bool
        Whether the p-value is 0.01 or less.
    p_value : float
        Chance that rows like those of the model ever look as strange. Each process watches its
        own rows: the least of theirs, times their number (Bonferroni).
    bound : {"proven", "approximate", "none"}
        How far that chance can be trusted; see :class:`~dagmm.inference.drift.drift.Drift`.
    rows : int
        Rows watched.
    """

    has_drifted: bool
    p_value: float
    bound: Bound
    rows: int

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def drift_state(parts: Sequence[Mapping[str, Any]], served: Served) -> DriftState | None:
    """Join what processes say of drift; None where the model cannot be watched.

    Parameters
    ----------
    parts : sequence of mapping
        As :meth:`DriftWatch.plain` returns them.
    served : Served
        Whose rows count.
    """
    if not is_watchable(served.model):
        return None
    own = [part for part in parts if part["version"] == served.version]
    highest = max((part["log_evidence"] for part in own), default=0.0)
    log_evidence = max(0.0, highest - math.log(max(1, len(own))))
    return DriftState(
        log_evidence >= -math.log(ALPHA),
        math.exp(-log_evidence),
        bound_on(served.model.calibration),
        sum(part["rows"] for part in own),
    )
