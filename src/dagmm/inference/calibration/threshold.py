"""A threshold, what it means, and decisions by it. The only file that flips a sign.

An energy is higher for stranger rows; scikit-learn's scores are lower for them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from jaxtyping import Float

from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import AnyArray
from dagmm.inference.calibration.alarm_rule import PLAIN, AlarmRule
from dagmm.inference.calibration.calibration import Calibration

#: Most warnings of a threshold that are read.
_MOST_WARNINGS = 64


WarningKind: TypeAlias = Literal["training_rows", "dependent_rows", "poor_tail_fit"]


class ThresholdWarning(NamedTuple):
    """What there is to know before a threshold is trusted.

    Parameters
    ----------
    kind : {"training_rows", "dependent_rows", "poor_tail_fit"}
        Energies of rows that the model was fitted to, of rows that depend on each other so much
        that they say little, or a tail that the fitted distribution does not follow.
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
    share_low, share_high : float or None
        95 % interval of the share of normal rows above this very energy, if later rows are like
        those it was found from.
    n_rows : int or None
        Rows whose energies it was found from.
    n_effective : float or None
        Independent rows that would say as much as they do.
    rows_are : str or None
        Which rows those are.
    warnings : tuple of ThresholdWarning
    alarm_rule : AlarmRule
        When energies above it are an alarm.
    """

    energy: float
    rule: str
    share: float | None = None
    low: float | None = None
    high: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    method: str | None = None
    n_rows: int | None = None
    n_effective: float | None = None
    rows_are: str | None = None
    warnings: tuple[ThresholdWarning, ...] = ()
    alarm_rule: AlarmRule = PLAIN

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
            share_low=optional("share_low", JsonField.number),
            share_high=optional("share_high", JsonField.number),
            method=optional("method", JsonField.text),
            n_rows=optional("n_rows", JsonField.whole),
            n_effective=optional("n_effective", JsonField.number),
            rows_are=optional("rows_are", JsonField.text),
            warnings=tuple(map(ThresholdWarning.read, parts["warnings"].items(_MOST_WARNINGS))),
            alarm_rule=AlarmRule.read(parts["alarm_rule"]),
        )


def p_value_of(
    calibration: Calibration, energy: Float[AnyArray, " n_rows"]
) -> Float[AnyArray, " n_rows"]:
    """Share of normal rows that are expected to be at least as strange.

    Counted among the energies that say most about new rows, the row itself included; beyond the
    level where their tail begins, and where it could be fitted, from the tail.
    """
    sample = calibration.reference
    p_value = conformal_p_value_of(calibration, energy)
    tail = calibration.tail
    if tail is not None:
        at_level = (1.0 + sample.reaching(np.array([tail.level]))) / (1.0 + sample.n_rows)
        # Begins at the counted share, so that a higher energy never has a higher p-value.
        of_tail = tail.share_above(energy) / tail.share * at_level
        p_value = np.where(energy > tail.level, of_tail, p_value)
    return p_value


def conformal_p_value_of(
    calibration: Calibration, energy: Float[AnyArray, " n_rows"]
) -> Float[AnyArray, " n_rows"]:
    """Share of the counted rows whose energy is at least as high, the row itself included.

    Of a row that is exchangeable with them it is at most ``u`` with a probability of at most
    ``u`` (Vovk, Gammerman and Shafer, 2022); never below ``1 / (n_rows + 1)``.
    """
    sample = calibration.reference
    return (1.0 + sample.reaching(energy)) / (1.0 + sample.n_rows)


def is_anomaly(energy: np.ndarray, threshold: float) -> np.ndarray:
    """Whether each row's energy is above the threshold."""
    return energy > threshold


def score_of(energy: AnyArray) -> AnyArray:
    """Return scikit-learn's score of each row: higher is more normal."""
    return -energy


def label_of(decision: AnyArray) -> AnyArray:
    """Return scikit-learn's label: +1 where the decision function is not negative, else -1."""
    return np.where(decision >= 0.0, 1, -1)
