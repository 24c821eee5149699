"""How many alarms there are, and how many to expect of normal rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from jaxtyping import Float

from dagmm.inference.calibration.alarm_budget import PERIODS
from dagmm.inference.calibration.calibration import TRAINING, Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.threshold import p_value_of
from dagmm.inference.fitted_model import FittedModel
from dagmm.report.plots.scale import EnergyScale

#: Points of the curve of expected alarms.
_POINTS = 120
#: Rows above a threshold that say enough by their number.
_ENOUGH_ABOVE = 10
#: From so many times the expected share on, and from this share on, there are far more alarms.
_FAR_TIMES, _FAR_SHARE = 5.0, 0.1
#: So many times as far from usual rows as the threshold an alarm is clearly, or far, above it.
_CLEAR, _FAR = 1.5, 3.0


@dataclass(frozen=True)
class Expected:
    """False alarms to be expected of normal rows.

    Parameters
    ----------
    share : float
        Of the rows.
    low, high : float
        95 % confidence interval of the share, as so many independent rows tell it.
    n_above, n_rows : int
        Rows above the threshold among those it was counted in.
    rows_are : str
        Which rows those are.
    step : float or None
        Seconds from one row to the next, where that is known.
    n_effective : float
        Independent rows that would say as much.
    event_rows : float
        Alarms of normal rows that come together, on the mean.
    """

    share: float
    low: float
    high: float
    n_above: int
    n_rows: int
    rows_are: str
    step: float | None
    n_effective: float
    event_rows: float

    @property
    def counts_training_rows(self) -> bool:
        """Whether the rows are those the model was fitted to, whose energies are lower."""
        return self.rows_are == TRAINING

    def per(self, period: str) -> tuple[float, float, float] | None:
        """Alarms a day, a week, ... with both ends of the interval; None without a step."""
        if self.step is None:
            return None
        rows = PERIODS[period] / self.step
        return self.share * rows, self.low * rows, self.high * rows

    def events_per(self, period: str) -> float | None:
        """Return runs of alarms a day, a week, ...; None without a step."""
        found = self.per(period)
        return None if found is None else found[0] / self.event_rows


def alarm_calibration(model: FittedModel) -> Calibration | None:
    """Return what is known of what alarms look at: energies, or the signals of alarm logic.

    None where it is not known how the energies follow each other.
    """
    known = model.calibration
    if model.decision is None or model.decision.alarm_rule.has_plain_signal:
        return known
    if known.series is None or len(known.series) < model.decision.alarm_rule.n:
        return None
    return known.under(model.decision.alarm_rule, model.n_steps)


def expected_alarms(
    calibration: Calibration, threshold: float | None, step: float | None
) -> Expected | None:
    """Count the normal rows above the threshold; None without a threshold.

    Parameters
    ----------
    calibration : Calibration
    threshold : float or None
    step : float or None
        Seconds from one row to the next, where that is known.
    """
    if threshold is None:
        return None
    sample = calibration.reference
    n_above = int(sample.reaching(np.array([np.nextafter(threshold, np.inf)]))[0])
    low, high = _interval(sample, n_above)
    share = n_above / sample.n_rows
    if not n_above:  # beyond what was counted the tail says more than nothing
        share = float(p_value_of(calibration, np.array([threshold]))[0])
    return Expected(
        share,
        min(low, share),
        max(high, share),
        n_above,
        sample.n_rows,
        calibration.reference_are,
        step,
        sample.n_effective,
        sample.dependence.event_rows,
    )


def _interval(sample: EmpiricalDistribution, n_above: int) -> tuple[float, float]:
    """Interval of the share above a threshold, as so many independent rows tell it."""
    each = sample.n_effective / sample.n_rows
    return share_interval(n_above * each, sample.n_effective)


def share_interval(
    n: int | float, of: int | float, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of a share by Clopper and Pearson; rows that depend count as less than one."""
    side = (1.0 - confidence) / 2.0
    low = float(scipy.stats.beta.ppf(side, n, of - n + 1)) if n else 0.0
    high = float(scipy.stats.beta.ppf(1.0 - side, n + 1, of - n)) if n < of else 1.0
    return low, high


def is_more(n: int, of: int, expected: Expected) -> bool:
    """Whether rows have more alarms than normal rows would, with a chance of 1 in 1000."""
    return bool(scipy.stats.binom.sf(n - 1, of, expected.high) < 1e-3) if n else False


def is_far_more(n: int, of: int, expected: Expected) -> bool:
    """Whether so many rows are alarms that the promise of the threshold does not hold here."""
    far = max(_FAR_SHARE, min(_FAR_TIMES * expected.high, 0.5 + 0.5 * expected.high))
    return is_more(n, of, expected) and n > far * of


@dataclass(frozen=True)
class Budget:
    """Share of normal rows above each threshold.

    Parameters
    ----------
    scale : EnergyScale
    energy : ndarray of shape (n_points,)
        Thresholds, in nats.
    share, low, high : ndarray of shape (n_points,)
        Of normal rows above it, with a 95 % interval.
    """

    scale: EnergyScale
    energy: Float[np.ndarray, " n_points"]
    share: Float[np.ndarray, " n_points"]
    low: Float[np.ndarray, " n_points"]
    high: Float[np.ndarray, " n_points"]


def budget_of(calibration: Calibration, threshold: float | None) -> Budget:
    """Return the share of normal rows that each of some thresholds would call anomalies.

    Parameters
    ----------
    calibration : Calibration
    threshold : float or None
        The curve reaches a little beyond it.
    """
    sample = calibration.reference
    start = sample.energy_at(0.2)
    end = float(sample.energy[-1])
    if threshold is not None:
        start, end = min(start, threshold), max(end, threshold)
    scale = EnergyScale.of(sample.energy)
    low, high = scale.place(np.array([start, end]))
    energy = scale.energy(np.linspace(low, high + 0.1 * (high - low), _POINTS))
    above = sample.reaching(np.nextafter(energy, np.inf))
    ends = np.array([_interval(sample, int(n)) for n in above])
    # As thresholds are found: counted as long as there is enough to count, then from the tail.
    counted = above >= _ENOUGH_ABOVE
    share = np.where(counted, above / sample.n_rows, p_value_of(calibration, energy))
    return Budget(scale, energy, share, ends[:, 0], ends[:, 1])


def severity_of(energy: float, threshold: float, median: float) -> str | None:
    """Say how far an alarm is above the threshold, measured by how far that is from usual.

    Parameters
    ----------
    energy, threshold : float
    median : float
        Energy that half of the normal rows exceed.

    Returns
    -------
    {"far", "clear", "near"} or None
        None where the threshold is not above the energy of usual rows.
    """
    if threshold <= median:
        return None
    times = (energy - median) / (threshold - median)
    return "far" if times >= _FAR else "clear" if times >= _CLEAR else "near"


def rule_of(model: FittedModel) -> dict[str, Any] | None:
    """Return what the threshold means; None for a model that does not decide."""
    return None if model.decision is None else model.decision.plain()
