"""From energies to decisions. The only file that flips a sign.

An energy is higher for stranger rows; scikit-learn's scores are lower for them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from jaxtyping import Float
from scipy.stats import binom

from dagmm._core.arguments import check_number
from dagmm._core.errors import ArgumentError
from dagmm._core.json_fields import JsonField
from dagmm._core.wording import given, named
from dagmm.inference.calibration.alarm_budget import share_of_budget
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.tail import LEAST_ROWS

#: Share of rows like the training rows above the threshold when the user does not say.
AUTO_CONTAMINATION = 0.01
#: The same of windows, at most: one odd row is part of as many windows as a window has rows.
MOST_AUTO_CONTAMINATION = 0.05
#: Rows that must lie above a threshold for their number to say where it is; beyond, the tail does.
_ENOUGH_ABOVE = 10
#: Below this p-value of its fit a tail is not to be trusted.
_POOR_FIT = 0.05
#: Most warnings of a threshold that are read.
_MOST_WARNINGS = 64


WarningKind: TypeAlias = Literal["training_rows", "poor_tail_fit"]


class ThresholdWarning(NamedTuple):
    """What there is to know before a threshold is trusted.

    Parameters
    ----------
    kind : {"training_rows", "poor_tail_fit"}
        Energies of rows that the model was fitted to, or a tail that the fitted distribution does
        not follow.
    text : str
        The same in words.
    """

    kind: WarningKind
    text: str

    @classmethod
    def read(cls, field: JsonField) -> "ThresholdWarning":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        kind, text = field.fields("kind", "text")
        return cls(kind.choice(get_args(WarningKind)), text.text())  # type: ignore[arg-type]


@dataclass(frozen=True)
class Threshold:
    """A threshold and what it means.

    Parameters
    ----------
    energy : float
        A row above it is an anomaly, in nats.
    rule : str
        How it was chosen, in words.
    share : float or None
        Of normal rows that are expected above it.
    low, high : float or None
        95 % confidence interval of the energy that this share of normal rows exceeds; None for
        ``high`` where it has no end.
    method : {"quantile", "tail"} or None
        Read off the energies, or from the distribution of their tail.
    n_rows : int or None
        Rows whose energies it was found from.
    rows_are : str or None
        Which rows those are.
    warnings : tuple of ThresholdWarning
    """

    energy: float
    rule: str
    share: float | None = None
    low: float | None = None
    high: float | None = None
    method: str | None = None
    n_rows: int | None = None
    rows_are: str | None = None
    warnings: tuple[ThresholdWarning, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"warnings": [warning._asdict() for warning in self.warnings]}

    @classmethod
    def read(cls, field: JsonField) -> "Threshold":
        """Check what a manifest says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        parts = dict(zip(names, field.fields(*names), strict=True))

        def optional(name: str, read: Callable[[JsonField], Any]) -> Any:
            return None if parts[name].value is None else read(parts[name])

        return cls(
            energy=parts["energy"].number(),
            rule=parts["rule"].text(),
            share=optional("share", JsonField.number),
            low=optional("low", JsonField.number),
            high=optional("high", JsonField.number),
            method=optional("method", JsonField.text),
            n_rows=optional("n_rows", JsonField.whole),
            rows_are=optional("rows_are", JsonField.text),
            warnings=tuple(map(ThresholdWarning.read, parts["warnings"].items(_MOST_WARNINGS))),
        )


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
    if is_number and not isinstance(contamination, bool) and 0.0 < contamination <= 0.5:  # type: ignore[operator]
        return float(contamination)  # type: ignore[arg-type]
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
    energy: object = None,
    n_steps: int = 1,
) -> Threshold:
    """Find the threshold that follows one rule; see :meth:`dagmm.DAGMMDetector.set_threshold`.

    Parameters
    ----------
    calibration : Calibration
    contamination, quantile, alarms, energy : optional
        The rule: one of them.
    per, every : optional
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
    share = share_of_budget(alarms, per, every)
    rule = f"at most {alarms:g} false alarms a {per} at a row every {_duration(every)}"
    return _by_share(calibration, share, rule)


def p_value_of(
    calibration: Calibration, energy: Float[np.ndarray, " n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """Share of normal rows that are expected to be at least as strange.

    Counted among the energies that say most about new rows, the row itself included; beyond the
    level where their tail begins, and where it could be fitted, from the tail.
    """
    sample = calibration.reference
    p_value = (1.0 + sample.reaching(energy)) / (1.0 + sample.n_rows)
    tail = calibration.tail
    if tail is not None:
        beyond = energy > tail.level
        at_level = (1.0 + sample.reaching(np.array([tail.level]))) / (1.0 + sample.n_rows)
        # Begins at the counted share, so that a higher energy never has a higher p-value.
        p_value[beyond] = tail.share_above(energy[beyond]) / tail.share * at_level
    return p_value


def is_anomaly(energy: np.ndarray, threshold: float) -> np.ndarray:
    """Whether each row's energy is above the threshold."""
    return energy > threshold


def score_of(energy: np.ndarray) -> np.ndarray:
    """Return scikit-learn's score of each row: higher is more normal."""
    return -energy


def label_of(decision: np.ndarray) -> np.ndarray:
    """Return scikit-learn's label: +1 where the decision function is not negative, else -1."""
    return np.where(decision >= 0.0, 1, -1)


def _by_default(calibration: Calibration, share: float) -> Threshold:
    """Read off the energies that say most about new rows, however few they are."""
    sample, are = calibration.reference, calibration.reference_are
    low, high = _order_interval(sample, share)
    energy, rule = sample.energy_at(share), f"quantile {1.0 - share:g}"
    warnings = () if calibration.held_out is not None else (_TRAINING_ROWS,)
    return Threshold(energy, rule, share, low, high, "quantile", sample.n_rows, are, warnings)


def _by_contamination(calibration: Calibration, share: float) -> Threshold:
    sample = calibration.training
    low, high = _order_interval(sample, share)
    rule = f"contamination {share:g}"
    energy = sample.energy_at(share)
    return Threshold(energy, rule, share, low, high, "quantile", sample.n_rows, "training rows")


def _by_share(calibration: Calibration, share: float, rule: str) -> Threshold:
    sample, are = calibration.reference, calibration.reference_are
    warnings = [] if calibration.held_out is not None else [_TRAINING_ROWS]
    expected_above = share * sample.n_rows
    if expected_above >= _ENOUGH_ABOVE or (calibration.tail is None and expected_above >= 1.0):
        low, high = _order_interval(sample, share)
        energy = sample.energy_at(share)
        return Threshold(
            energy, rule, share, low, high, "quantile", sample.n_rows, are, tuple(warnings)
        )
    tail = calibration.tail
    if tail is None:
        raise ArgumentError(
            f"one alarm in {1.0 / share:.3g} rows is rarer than {sample.n_rows} {are} can show; "
            f"calibrate with at least {LEAST_ROWS} normal rows of different energies, or allow "
            "more alarms."
        )
    if tail.p_fit < _POOR_FIT:
        text = (
            "the highest energies do not follow a generalised Pareto distribution (p = "
            f"{tail.p_fit:.2g}): what lies beyond them is a guess; calibrate with more normal "
            "rows, or allow more alarms"
        )
        warnings.append(ThresholdWarning("poor_tail_fit", text))
    low, high = tail.interval(share)
    return Threshold(
        tail.energy_at(share),
        rule,
        share,
        low,
        high if np.isfinite(high) else None,
        "tail",
        sample.n_rows,
        are,
        tuple(warnings),
    )


_TRAINING_ROWS = ThresholdWarning(
    "training_rows",
    "the energies are those of rows the model was fitted to; new rows have higher ones, so expect "
    "more alarms than stated, or calibrate with normal rows that it was not fitted to",
)


def _order_interval(sample: EmpiricalDistribution, share: float) -> tuple[float, float | None]:
    """Interval of a quantile from ranks alone, whatever the distribution."""
    n = sample.n_rows
    low, high = (binom.ppf(level, n, 1.0 - share) for level in (0.025, 0.975))
    at = np.interp([low, min(high + 1.0, n - 1.0)], sample.rank, sample.energy)
    # Of a few rows the interval begins at a row above the energy between two that is the quantile.
    return (
        min(float(at[0]), sample.energy_at(share)),
        float(at[1]) if high + 1.0 <= n - 1.0 else None,
    )


def _duration(every: object) -> str:
    return every if isinstance(every, str) else f"{every:g} s"
