"""How much rows that follow each other depend on each other, as far as thresholds feel it.

Rows of a plant come in runs: what is high stays high for a while. A thousand of them then say no
more about a threshold than a few dozen independent ones, and alarms come several at a time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int64

#: Rows are cut into so many blocks, whose shares of high energies are compared: longer blocks
#: show longer runs, but there are fewer of them. Fewer rows in a block say nothing.
_N_BLOCKS, _LEAST_ROWS = (20, 10, 5), 5
#: Share of the rows that counts as high when dependence is measured.
_HIGH = 0.1
#: Dependence is spoken of where the shares of blocks vary more than those of independent rows do
#: in all but one of a thousand tables.
_SURE = 0.999
#: Share of the rows that counts as alarms when their runs are measured, and the normal rows
#: between two alarms up to which they are one event.
_RARE, EVENT_GAP = 0.02, 10


class Dependence(NamedTuple):
    """What rows that follow each other are worth.

    Parameters
    ----------
    n_effective : float
        Independent rows that would say as much about a threshold.
    event_rows : float
        Alarms of an event, on the mean.
    """

    n_effective: float
    event_rows: float


def dependence_of(energy: Float[np.ndarray, " n_rows"], n_shared: int = 1) -> Dependence:
    """Measure how much rows depend on those before them.

    Effective rows by batch means (Law and Kelton, *Simulation Modeling and Analysis*, 2000,
    section 9.5.3): the share of high energies varies from block to block as it would among so many
    independent rows. Fewer than 100 rows say nothing about it.

    Parameters
    ----------
    energy : ndarray of shape (n_rows,)
        In the order in which the rows follow each other, in nats.
    n_shared : int, default=1
        Rows that share what they are scored by: those of a window.
    """
    n_rows = len(energy)
    n_effective = min([max(1.0, n_rows / n_shared), *_effective_rows(energy)])
    return Dependence(n_effective, _event_rows(energy))


def _event_rows(energy: Float[np.ndarray, " n_rows"]) -> float:
    """Alarms of an event, on the mean; one where there are as many events as by chance."""
    alarms = np.flatnonzero(_highest(energy, _RARE))
    found = n_events(alarms)
    by_chance = len(alarms) * (1.0 - len(alarms) / len(energy)) ** (EVENT_GAP + 1)
    return len(alarms) / found if found < by_chance - 3.0 * np.sqrt(by_chance) else 1.0


def _effective_rows(energy: Float[np.ndarray, " n_rows"]) -> Iterator[float]:
    """Yield what blocks of each length tell, where they tell anything."""
    n_rows = len(energy)
    high = _highest(energy, _HIGH)
    variance = float(high.mean() * (1.0 - high.mean()))
    if n_rows < _N_BLOCKS[0] * _LEAST_ROWS or variance == 0.0:
        return
    for n_blocks in _N_BLOCKS:
        shares = [float(block.mean()) for block in np.array_split(high, n_blocks)]
        factor = float(np.var(shares, ddof=1)) / (variance * n_blocks / n_rows)
        if factor > scipy.stats.chi2.ppf(_SURE, n_blocks - 1) / (n_blocks - 1):
            yield max(1.0, n_rows / factor)


def n_events(place: Int64[np.ndarray, " n_alarms"]) -> int:
    """Count the runs of alarms with at most ``EVENT_GAP`` normal rows between two of them.

    Parameters
    ----------
    place : ndarray of shape (n_alarms,)
        Ascending.
    """
    return int(len(place) > 0) + int((np.diff(place) > EVENT_GAP + 1).sum())


def runs_of(
    place: Int64[np.ndarray, " n_alarms"], gap: int = EVENT_GAP
) -> list[Int64[np.ndarray, " n_run"]]:
    """Return the alarms of each run: with at most ``gap`` normal rows between two of them.

    Parameters
    ----------
    place : ndarray of shape (n_alarms,)
        Ascending.
    gap : int, default=10
    """
    breaks = np.flatnonzero(np.diff(place) > gap + 1) + 1
    return np.split(place, breaks) if len(place) else []


def _highest(energy: np.ndarray, share: float) -> Bool[np.ndarray, " n_rows"]:
    return energy > np.quantile(energy, 1.0 - share)
