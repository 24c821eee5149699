"""Where the threshold lies: four rules, what each promises, and what there is to know of it."""

from dataclasses import replace

import numpy as np
import scipy

from dagmm._core.arguments import check_number
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import given, named
from dagmm.inference.calibration.alarm_budget import share_of_budget
from dagmm.inference.calibration.alarm_rule import PLAIN, AlarmRule
from dagmm.inference.calibration.calibration import TRAINING, Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.event_budget import EventBudget
from dagmm.inference.calibration.tail import LEAST_ROWS, Tail
from dagmm.inference.calibration.threshold import Threshold, p_value_of
from dagmm.inference.calibration.threshold_warnings import doubts_of, warnings_of

#: Share of rows like the training rows above the threshold when the user does not say.
AUTO_CONTAMINATION = 0.01
#: The same of windows, at most: one odd row is part of as many windows as a window has rows.
MOST_AUTO_CONTAMINATION = 0.05
#: Of what is called anomalies there is never more than of the rest.
MOST_CONTAMINATION = 0.5
#: Rows that must lie above a threshold for their number to say where it is; beyond, the tail does.
_ENOUGH_ABOVE = 10


def check_contamination(contamination: object, n_steps: int = 1) -> float:
    """Return the share of rows to be called anomalies.

    Parameters
    ----------
    contamination : "auto" or float
    n_steps : int, default=1
        Rows that a row is scored with, itself included.

    Raises
    ------
    ArgumentError
        If it is neither ``"auto"`` nor a number in (0, 0.5].
    """
    if isinstance(contamination, str) and contamination == "auto":
        return min(MOST_AUTO_CONTAMINATION, AUTO_CONTAMINATION * n_steps)
    is_number = isinstance(contamination, int | float | np.integer | np.floating)
    if is_number and not isinstance(contamination, bool):
        share = float(contamination)  # type: ignore[arg-type]
        if 0.0 < share <= MOST_CONTAMINATION:
            return share
    raise ArgumentError(
        f"{named('contamination')} must be 'auto' or in (0, 0.5], got {contamination!r}."
    )


def threshold_of(training_energy: np.ndarray, contamination: float) -> float:
    """Energy above which the stated share of the training rows lies."""
    return float(np.percentile(training_energy, 100.0 * (1.0 - contamination)))


def choose_threshold(
    calibration: Calibration,
    *,
    contamination: object = None,
    quantile: object = None,
    alarms: object = None,
    per: object = "week",
    every: object = None,
    per_event: bool = False,
    energy: object = None,
    n_steps: int = 1,
    alarm_rule: AlarmRule = PLAIN,
) -> Threshold:
    """Find the threshold that follows one rule; see :meth:`dagmm.DAGMMDetector.set_threshold`.

    Parameters
    ----------
    calibration : Calibration
    contamination, quantile, alarms, energy : optional
        The rule: one of them.
    per, every, per_event : optional
        Belong to ``alarms``.
    n_steps : int, default=1
        Rows that a row is scored with, itself included.
    alarm_rule : AlarmRule, optional
        What makes an alarm of energies above the threshold, whose signals are then counted
        instead of energies.

    Raises
    ------
    ArgumentError
        If there is not exactly one rule, an argument cannot be used, or too few energies are
        known for so rare an alarm.
    """
    rules = {
        "contamination": contamination,
        "quantile": quantile,
        "alarms": alarms,
        "energy": energy,
    }
    said = [named(name) for name, value in rules.items() if value is not None]
    if len(said) != 1:
        *others, last = map(named, rules)
        raise ArgumentError(
            f"expected one of {', '.join(others)} and {last}, got "
            f"{' and '.join(said) or 'none of them'}."
        )
    if every is not None and alarms is None:
        raise ArgumentError(f"{named('every')} belongs to {named('alarms')}, and there are none.")
    if per_event and alarms is None:
        raise ArgumentError(
            f"{named('per_event')} belongs to {named('alarms')}, and there are none."
        )
    if alarms is not None and every is None:
        raise ArgumentError(
            f"{named('alarms')} needs {named('every')}, the time from one row to the next, such "
            f"as {given('every', '1s')}."
        )
    logic = alarm_rule
    if logic.smoothing < 1.0:
        logic = replace(logic, centre=calibration.reference.energy_at(0.5))
    if energy is not None:
        found = Threshold(check_number("energy", energy, -np.inf), "a stated energy")
    elif contamination is not None:
        found = _of_contamination(calibration, contamination, logic, n_steps)
    elif quantile is not None:
        level = check_number("quantile", quantile, 0.0, 1.0, above=True)
        known = calibration.under(logic, n_steps)
        found = _by_share(known, 1.0 - level, f"quantile {level:g}")
    else:
        share = share_of_budget(alarms, per, every)
        s = "" if alarms == 1 else "s"
        what = f"event{s} of false alarms" if per_event else f"false alarm{s}"
        rule = f"at most {alarms:g} {what} a {per} at a row every {_duration(every)}"
        known = calibration.under(logic, n_steps)
        if per_event:
            found = _by_events(known, share, rule, logic)
        else:
            found = _by_share(known, share, rule)
    return replace(found, alarm_rule=logic)


def _of_contamination(
    calibration: Calibration, contamination: object, logic: AlarmRule, n_steps: int
) -> Threshold:
    share = check_contamination(contamination, n_steps)
    if isinstance(contamination, str):
        return _by_default(calibration.under(logic, n_steps), share)
    if not logic.has_plain_signal:
        raise ArgumentError(
            f"{named('contamination')} counts the training rows one by one; with "
            f"{named('k_of_n')} or {named('smoothing')} say {named('quantile')} or "
            f"{named('alarms')}."
        )
    return _by_contamination(calibration, share)


def _by_events(calibration: Calibration, rate: float, rule: str, logic: AlarmRule) -> Threshold:
    """Allow so many events of false alarms a row.

    Where it is not known how normal rows follow each other, or they have too few events to say
    more, rows are counted, as long as the highest fiftieth of the energies come together.
    """
    sample, are = calibration.reference, calibration.reference_are
    rows = min(MOST_CONTAMINATION, rate * sample.dependence.event_rows)
    if calibration.series is None:
        return _by_share(calibration, rows, rule)
    budget = EventBudget(calibration.series.astype(np.float64), logic)
    allowed, tail = rate * len(calibration.series), None
    if allowed >= _ENOUGH_ABOVE:
        energy, (low, high) = budget.energy_at(allowed), budget.interval(allowed)
        method = "quantile"
    else:
        tail = budget.tail()
        if tail is None or rate > tail.share:
            return _by_share(calibration, rows, rule)
        energy, (low, high) = tail.energy_at(rate), tail.interval(rate)
        method = "tail"
    above = int(sample.reaching(np.array([np.nextafter(energy, np.inf)]))[0])
    share = above / sample.n_rows
    if above < _ENOUGH_ABOVE:
        share = float(p_value_of(calibration, np.array([energy]))[0])
    found = replace(_from_ranks(sample, share, rule, are), energy=energy, low=low, high=high)
    found = replace(found, method=method)
    doubts = () if tail is None else doubts_of(tail)
    return replace(found, warnings=(*warnings_of(calibration, found), *doubts))


def choose_again(calibration: Calibration, decision: Threshold) -> Threshold:
    """Find the threshold that follows the same rule among other energies; a stated one stays.

    Raises
    ------
    ArgumentError
        If too few energies are known for so rare an alarm.
    """
    if decision.share is None:
        return decision
    if decision.rows_are == TRAINING and decision.rule.startswith("contamination"):
        return _by_contamination(calibration, decision.share)
    if decision.method == "quantile":
        return replace(_by_default(calibration, decision.share), rule=decision.rule)
    return _by_share(calibration, decision.share, decision.rule)


def _by_default(calibration: Calibration, share: float) -> Threshold:
    """Read off the energies that say most about new rows, however few they are."""
    rule = f"quantile {1.0 - share:g}"
    found = _from_ranks(calibration.reference, share, rule, calibration.reference_are)
    return replace(found, warnings=warnings_of(calibration, found))


def _by_contamination(calibration: Calibration, share: float) -> Threshold:
    return _from_ranks(calibration.training, share, f"contamination {share:g}", TRAINING)


def _by_share(calibration: Calibration, share: float, rule: str) -> Threshold:
    sample, are, tail = calibration.reference, calibration.reference_are, calibration.tail
    if share * sample.n_effective >= _ENOUGH_ABOVE or (
        tail is None and share * sample.n_rows >= 1.0
    ):
        found = _from_ranks(sample, share, rule, are)
        return replace(found, warnings=warnings_of(calibration, found))
    if tail is None:
        raise ArgumentError(
            f"one alarm in {1.0 / share:.3g} rows is rarer than {sample.n_rows} {are} can show; "
            f"calibrate with at least {LEAST_ROWS} normal rows of different energies, or allow "
            "more alarms."
        )
    found = _from_tail(tail, sample, share, rule, are)
    return replace(found, warnings=(*warnings_of(calibration, found), *doubts_of(tail)))


def _from_ranks(sample: EmpiricalDistribution, share: float, rule: str, are: str) -> Threshold:
    low, high = _order_interval(sample, share)
    share_low, share_high = _share_interval(sample, share)
    return Threshold(
        sample.energy_at(share),
        rule,
        share,
        low,
        high,
        share_low,
        share_high,
        "quantile",
        sample.n_rows,
        sample.n_effective,
        are,
    )


def _from_tail(
    tail: Tail, sample: EmpiricalDistribution, share: float, rule: str, are: str
) -> Threshold:
    low, high = tail.interval(share)
    return Threshold(
        tail.energy_at(share),
        rule,
        share,
        low,
        high if np.isfinite(high) else None,
        method="tail",
        n_rows=sample.n_rows,
        n_effective=sample.n_effective,
        rows_are=are,
    )


def _order_interval(sample: EmpiricalDistribution, share: float) -> tuple[float, float | None]:
    """Interval of a quantile from ranks alone, whatever the distribution."""
    n, n_effective = sample.n_rows, max(1, round(sample.n_effective))
    low, high = (
        scipy.stats.binom.ppf(level, n_effective, 1.0 - share) for level in (0.025, 0.975)
    )
    each = n / n_effective
    at = np.interp([low * each, min((high + 1.0) * each, n - 1.0)], sample.rank, sample.energy)
    # Of a few rows the interval begins at a row above the energy between two that is the quantile.
    return (
        min(float(at[0]), sample.energy_at(share)),
        float(at[1]) if (high + 1.0) * each <= n - 1.0 else None,
    )


def _share_interval(sample: EmpiricalDistribution, share: float) -> tuple[float, float]:
    """Interval of the share of later rows above a quantile of so many rows.

    What lies above an order statistic of independent rows has a beta distribution (David and
    Nagaraja, *Order Statistics*, 2003, section 2.5). Rows that depend on each other may be all of
    one run: below, those above the quantile count as what they are worth, be it less than one.
    """
    n = max(1.0, sample.n_effective)
    above = share * (n - 1.0) + 1.0
    worth = (share * (sample.n_rows - 1.0) + 1.0) * n / sample.n_rows
    low = scipy.stats.beta.ppf(0.025, worth, n + 1.0 - worth)
    high = scipy.stats.beta.ppf(0.975, above, n + 1.0 - above)
    return float(low), float(high)


def _duration(every: object) -> str:
    return every if isinstance(every, str) else f"{every:g} s"
