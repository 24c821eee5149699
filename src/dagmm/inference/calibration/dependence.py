"""How much rows that follow each other depend on each other, as far as thresholds feel it.

Rows of a plant come in runs: what is high stays high for a while. A thousand of them then say no
more about a threshold than a few dozen independent ones, and alarms come several at a time.
"""

from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int64

#: Rows are cut into so many blocks, whose means are compared: longer blocks show longer runs, but
#: there are fewer of them. Fewer rows in a block say nothing.
_N_BLOCKS, _LEAST_ROWS = (20, 10, 5), 5
#: Of longer tables the last rows say how long what is high stays so, in bounded memory.
_MOST_ROWS = 2**18
#: Dependence is spoken of where the means of blocks vary more than those of independent rows do
#: in all but one of a thousand tables.
_SURE = 0.999
#: Least share of the correlations' sum that is left where nearly all lags are correlated.
_LEAST_LEFT = 0.02
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

    Effective rows by the autocorrelation of the normal scores of the energies. Their correlation
    is an upper bound of that of exceedances: it holds for thresholds of any share (Lancaster,
    *Biometrika* 44, 1957). Lags are added up while pairs of them are positive, and never more
    than the pair before (the initial monotone sequence of Geyer, *Statistical Science* 7, 1992).
    Rare energies that come in bursts among independent ones hardly show in it: rows are worth no
    more than such runs. Fewer than 100 rows say nothing about it.

    Parameters
    ----------
    energy : ndarray of shape (n_rows,)
        In the order in which the rows follow each other, in nats.
    n_shared : int, default=1
        Rows that share what they are scored by: those of a window.
    """
    n_rows = len(energy)
    n_each = max(float(n_shared), _correlated_rows(energy))
    sizes = np.array([len(run) for run in _runs(energy)] or [1], np.float64)
    # The rows of runs that begin by chance vary in number as so many at a time do.
    n_each = max(n_each, float((sizes**2).sum() / sizes.sum()))
    return Dependence(max(1.0, n_rows / n_each), float(sizes.mean()))


def _runs(energy: Float[np.ndarray, " n_rows"]) -> list[Int64[np.ndarray, " n_run"]]:
    """Return the runs of the highest energies; none where there are as many as by chance."""
    alarms = np.flatnonzero(_highest(energy, _RARE))
    runs = runs_of(alarms)
    by_chance = len(alarms) * (1.0 - len(alarms) / len(energy)) ** (EVENT_GAP + 1)
    return runs if len(runs) < by_chance - 3.0 * np.sqrt(by_chance) else []


def _correlated_rows(energy: Float[np.ndarray, " n_rows"]) -> float:
    """Rows that say as much as one independent row; 1 where no dependence can be shown."""
    energy = energy[-_MOST_ROWS:]
    n_rows = len(energy)
    if n_rows < _N_BLOCKS[0] * _LEAST_ROWS:
        return 1.0
    rank = scipy.stats.rankdata(energy)
    score = scipy.special.ndtri((rank - 0.5) / n_rows)
    score -= score.mean()
    variance = float(score.var())
    if variance == 0.0 or not any(_varies(score, variance, n) for n in _N_BLOCKS):
        return 1.0
    spectrum = np.abs(np.fft.rfft(score, 2 * n_rows)) ** 2
    correlation = np.fft.irfft(spectrum)[: n_rows - n_rows % 2] / (n_rows * variance)
    pairs = correlation.reshape(-1, 2).sum(axis=1)
    n_pairs = int(np.argmax(pairs <= 0.0)) or 1  # lags sum to -1/2: some pair is not positive
    summed = 2.0 * float(np.minimum.accumulate(pairs[:n_pairs]).sum()) - 1.0
    # Scores are of the sample's own mean, which takes about summed / n_rows from each lag, and as
    # much again is what the sum is uncertain by where few rows are independent.
    lags = 4 * n_pairs - 1
    return max(1.0, summed / max(_LEAST_LEFT, 1.0 - 2.0 * lags / n_rows))


def _varies(score: Float[np.ndarray, " n_rows"], variance: float, n_blocks: int) -> bool:
    """Whether means of blocks vary more than those of independent rows."""
    means = [float(block.mean()) for block in np.array_split(score, n_blocks)]
    factor = float(np.var(means, ddof=1)) / (variance * n_blocks / len(score))
    return factor > float(scipy.stats.chi2.ppf(_SURE, n_blocks - 1)) / (n_blocks - 1)


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
