"""Where the threshold lies: four rules, what each promises, and what there is to know of it."""

from dataclasses import replace

import numpy as np
import scipy

from dagmm._core.arguments import check_number
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import given, named
from dagmm.inference.calibration.alarm_budget import share_of_budget
from dagmm.inference.calibration.calibration import TRAINING, Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.tail import LEAST_ROWS, Tail
from dagmm.inference.calibration.threshold import Threshold, ThresholdWarning

#: Share of rows like the training rows above the threshold when the user does not say.
AUTO_CONTAMINATION = 0.01
#: The same of windows, at most: one odd row is part of as many windows as a window has rows.
MOST_AUTO_CONTAMINATION = 0.05
#: Of what is called anomalies there is never more than of the rest.
MOST_CONTAMINATION = 0.5
#: Rows that must lie above a threshold for their number to say where it is; beyond, the tail does.
_ENOUGH_ABOVE = 10
#: Below this p-value of its fit a tail is not to be trusted.
_POOR_FIT = 0.05


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
    if energy is not None:
        return Threshold(check_number("energy", energy, -np.inf), "a stated energy")
    if contamination is not None:
        share = check_contamination(contamination, n_steps)
        if isinstance(contamination, str):
            return _by_default(calibration, share)
        return _by_contamination(calibration, share)
    if quantile is not None:
        level = check_number("quantile", quantile, 0.0, 1.0, above=True)
        return _by_share(calibration, 1.0 - level, f"quantile {level:g}")
    if every is None:
        raise ArgumentError(
            f"{named('alarms')} needs {named('every')}, the time from one row to the next, such "
            f"as {given('every', '1s')}."
        )
    share, what = share_of_budget(alarms, per, every), f"false alarm{'' if alarms == 1 else 's'}"
    if per_event:
        event_rows = calibration.reference.dependence.event_rows
        share = min(MOST_CONTAMINATION, share * event_rows)
        what = f"event{'' if alarms == 1 else 's'} of false alarms of about {event_rows:.3g} rows"
    rule = f"at most {alarms:g} {what} a {per} at a row every {_duration(every)}"
    return _by_share(calibration, share, rule)


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
    return replace(found, warnings=_warnings_of(calibration, found))


def _by_contamination(calibration: Calibration, share: float) -> Threshold:
    return _from_ranks(calibration.training, share, f"contamination {share:g}", TRAINING)


def _by_share(calibration: Calibration, share: float, rule: str) -> Threshold:
    sample, are, tail = calibration.reference, calibration.reference_are, calibration.tail
    if share * sample.n_effective >= _ENOUGH_ABOVE or (
        tail is None and share * sample.n_rows >= 1.0
    ):
        found = _from_ranks(sample, share, rule, are)
        return replace(found, warnings=_warnings_of(calibration, found))
    if tail is None:
        raise ArgumentError(
            f"one alarm in {1.0 / share:.3g} rows is rarer than {sample.n_rows} {are} can show; "
            f"calibrate with at least {LEAST_ROWS} normal rows of different energies, or allow "
            "more alarms."
        )
    found = _from_tail(tail, sample, share, rule, are)
    warnings = _warnings_of(calibration, found)
    if tail.p_fit < _POOR_FIT:
        text = (
            "the highest energies do not follow a generalised Pareto distribution (p = "
            f"{tail.p_fit:.2g}): what lies beyond them is a guess; calibrate with more normal "
            "rows, or allow more alarms"
        )
        warnings = (*warnings, ThresholdWarning("poor_tail_fit", text))
    return replace(found, warnings=warnings)


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


_TRAINING_ROWS = ThresholdWarning(
    "training_rows",
    "the energies are those of rows the model was fitted to; new rows have higher ones, so expect "
    "more alarms than stated, or calibrate with normal rows that it was not fitted to",
)


def _warnings_of(calibration: Calibration, found: Threshold) -> tuple[ThresholdWarning, ...]:
    """Say what there is to know of the rows that a threshold was found from."""
    sample = calibration.reference
    warnings = [] if calibration.held_out is not None else [_TRAINING_ROWS]
    if sample.n_effective < sample.n_rows:
        said = f"{sample.n_rows} {calibration.reference_are} follow each other so closely that "
        worth = f"{sample.n_effective:.0f}"
        said += f"they say as much as about {worth} independent one{'' if worth == '1' else 's'}"
        share, low, high = found.share, found.share_low, found.share_high
        if found.method == "tail" and share is not None and share * sample.n_effective < 1.0:
            warnings.append(ThresholdWarning("dependent_rows", f"{said}: {_RARE_OF_FEW}"))
        elif share is not None and low is not None and high is not None and high > 2.0 * share:
            between = f"between {100.0 * low:.1f} and {100.0 * high:.1f} %"
            text = (
                f"{said}: {between} of later normal rows may lie above it instead of "
                f"{100.0 * share:.3g} %, and more where the columns move on; calibrate with "
                "normal rows of other days"
            )
            warnings.append(ThresholdWarning("dependent_rows", text))
    return tuple(warnings)


_RARE_OF_FEW = (
    "so rare an alarm is a guess, and the interval is wide; calibrate with normal rows of other "
    "days"
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
    Nagaraja, *Order Statistics*, 2003, section 2.5).
    """
    n = max(1.0, sample.n_effective)
    above = share * (n - 1.0) + 1.0
    low, high = scipy.stats.beta.ppf([0.025, 0.975], above, n + 1.0 - above)
    return float(low), float(high)


def _duration(every: object) -> str:
    return every if isinstance(every, str) else f"{every:g} s"
