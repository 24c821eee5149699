"""False alarms counted as events: the threshold that so many runs of normal rows exceed.

Where normal rows are known in their order, their events are counted. Rarer ones than were seen
come from the highest signals of the events above a level: excesses of runs that are apart follow
a generalised Pareto distribution as independent rows do (Coles, *An Introduction to Statistical
Modeling of Extreme Values*, 2001, section 5.3.3).
"""

import numpy as np
import scipy
from jaxtyping import Bool, Float

from dagmm.inference.calibration.alarm_rule import AlarmRule
from dagmm.inference.calibration.dependence import n_events, runs_of
from dagmm.inference.calibration.tail import Tail, tail_of

#: Share of the rows above the level whose events make a tail, and the fewest of these.
_SHARE, _FEWEST_EVENTS = 0.05, 20


class EventBudget:
    """Events of normal rows at each threshold.

    Parameters
    ----------
    signals : ndarray of shape (n_rows,)
        Of normal rows, in their order, in nats.
    rule : AlarmRule
        Whose hysteresis joins runs; what an alarm lasts at least is not counted, as it can only
        join more of them.
    """

    def __init__(self, signals: Float[np.ndarray, " n_rows"], rule: AlarmRule) -> None:
        self._signals, self._hysteresis = signals, rule.hysteresis
        self._ordered = np.sort(signals)[::-1]

    def n_at(self, energy: float) -> int:
        """Count the events of a threshold."""
        return n_events(np.flatnonzero(self._alarms(energy)))

    def energy_at(self, allowed: float) -> float:
        """Return the lowest energy above which there are no more events than allowed.

        Of usual rows alarms are so many that they join: only the upper half is searched.
        """
        low, high = 0, max(1, len(self._ordered) // 2)  # ranks: few enough, perhaps too many
        step = 1
        while low + step < high and self.n_at(self._ordered[low + step]) <= allowed:
            low, step = low + step, 2 * step
        high = min(high, low + step)
        while high - low > 1:
            middle = (low + high) // 2
            if self.n_at(self._ordered[middle]) <= allowed:
                low = middle
            else:
                high = middle
        # Energies are kept in float32: the next one is no lower than what was rounded to this.
        return float(np.nextafter(np.float32(self._ordered[low]), np.float32(np.inf)))

    def interval(self, allowed: float) -> tuple[float, float | None]:
        """95 % interval of that energy, of a number of events that follows Poisson's law.

        The exact one of Garwood (1936); without an upper end where it holds no event.
        """
        most = 0.5 * float(scipy.stats.chi2.ppf(0.975, 2.0 * (allowed + 1.0)))
        fewest = 0.5 * float(scipy.stats.chi2.ppf(0.025, 2.0 * allowed))
        return self.energy_at(most), self.energy_at(fewest) if fewest >= 1.0 else None

    def tail(self) -> Tail | None:
        """Fit the tail of the events' highest signals; None of too few.

        Its shares are events of a row.
        """
        level = float(np.quantile(self._signals, 1.0 - _SHARE))
        places = np.flatnonzero(self._signals > level)
        peaks = [self._signals[run].max() for run in runs_of(places)]
        if len(peaks) < _FEWEST_EVENTS:
            return None
        return tail_of(np.sort(peaks) - level, level, len(self._signals))

    def _alarms(self, energy: float) -> Bool[np.ndarray, " n_rows"]:
        above = self._signals > energy
        if self._hysteresis == 0.0:
            return above
        decides = above | (self._signals <= energy - self._hysteresis)
        last = np.maximum.accumulate(np.where(decides, np.arange(len(above)), -1))
        return (last >= 0) & above[last]
