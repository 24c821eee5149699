"""The language of the page: its sentences, and how it writes numbers."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from dagmm._core.arguments import check_choice
from dagmm.inference.calibration.alarm_rule import AlarmRule
from dagmm.inference.calibration.calibration import (
    HELD_OUT,
    HELD_OUT_IN_ORDER,
    HELD_OUT_IN_TIME,
    OF_A_TABLE,
    OF_AN_UPDATE,
    OUT_OF_FOLD,
    OUT_OF_FOLD_IN_ORDER,
    OUT_OF_FOLD_IN_TIME,
    OUT_OF_FOLD_WINDOWS,
    TRAINING,
)
from dagmm.inference.verdict import Finding
from dagmm.report.plots.scale import short_number
from dagmm.report.texts import LANGUAGES, catalogue

#: What stands for a number that is not there.
NOTHING = "\N{EN DASH}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: From this many days after 1970 on there are no dates.
_LAST_DAY = 2_900_000
_RULES = (
    ("contamination", re.compile(r"contamination (?P<share>\S+)")),
    ("quantile", re.compile(r"quantile (?P<level>\S+)")),
    (
        "alarms",
        re.compile(
            r"at most (?P<alarms>\S+) false alarms? a (?P<per>\w+) at a row every (?P<every>.+)"
        ),
    ),
    (
        "events",
        re.compile(
            r"at most (?P<alarms>\S+) events? of false alarms a (?P<per>\w+) at a row every "
            r"(?P<every>.+)"
        ),
    ),
    ("energy", re.compile(r"a stated energy")),
    ("unknown", re.compile(r"not recorded")),
)
#: Why an asset has no model of its own, where it is not an error of its fit.
_FEW = re.compile(r"(?P<rows>\d+) rows are fewer than (?P<least>\d+)")
_ROWS = {
    TRAINING: "training",
    HELD_OUT: "held_out",
    HELD_OUT_IN_TIME: "held_out_in_time",
    OUT_OF_FOLD: "out_of_fold",
    OUT_OF_FOLD_IN_TIME: "out_of_fold_in_time",
    HELD_OUT_IN_ORDER: "held_out_in_order",
    OUT_OF_FOLD_IN_ORDER: "out_of_fold_in_order",
    OUT_OF_FOLD_WINDOWS: "out_of_fold_windows",
    OF_A_TABLE: "calibration",
    OF_AN_UPDATE: "update",
}


class Language:
    """The texts of one language.

    Parameters
    ----------
    code : {"en", "ja"}

    Raises
    ------
    ArgumentError
        If there is no such language.
    """

    def __init__(self, code: str) -> None:
        self._texts = catalogue(str(check_choice("lang", code, LANGUAGES)))

    def __call__(self, key: str, **facts: Any) -> str:
        """Return the text of a key with some facts put in."""
        text = self._texts[key]
        written = {name: _Written(f"{fact}") for name, fact in facts.items()}
        return text.format(**written) if facts else text

    def rule(self, rule: object) -> str:
        """Say how a threshold was chosen; see :mod:`dagmm.inference.calibration.threshold`."""
        for key, pattern in _RULES:
            match = pattern.fullmatch(str(rule))
            if match is not None:
                facts = match.groupdict()
                if "share" in facts:
                    facts["share"] = format_percent(float(facts["share"]))
                if "per" in facts:
                    facts["per"] = self(f"period_{facts['per']}")
                return self(f"rule_{key}", **facts)
        return str(rule)

    def rules(self, rules: Sequence[str]) -> str:
        """Say how the thresholds of several models were chosen."""
        return self("separator").join(dict.fromkeys(map(self.rule, rules)))

    def why_not(self, why: str) -> str:
        """Say why an asset has no model of its own; empty where the fleet does not know it."""
        if not why:
            return self("why_unseen")
        few = _FEW.fullmatch(why)
        return why if few is None else self("why_few", **few.groupdict())

    def logic(self, rule: AlarmRule) -> str:
        """Say what makes an alarm of energies above the threshold."""
        words = [self("logic_each") if rule.n == 1 else self("logic_k_of_n", k=rule.k, n=rule.n)]
        if rule.smoothing < 1.0:
            words.append(self("logic_smoothing", smoothing=f"{rule.smoothing:g}"))
        if rule.hysteresis > 0.0:
            words.append(self("logic_hysteresis", hysteresis=f"{rule.hysteresis:g}"))
        if rule.hold > 1:
            words.append(self("logic_hold", hold=rule.hold))
        return self("separator").join(words)

    def rows_are(self, rows_are: str) -> str:
        """Say which rows something was counted in; see :mod:`dagmm.inference.calibration`."""
        return self(f"rows_{_ROWS[rows_are]}") if rows_are in _ROWS else rows_are

    def duration(self, seconds: float) -> str:
        """Say how long something takes."""
        units = {unit: self(f"unit_{unit}") for unit in ("s", "min", "h", "d")}
        return format_duration(seconds, units)

    def finding(self, finding: Finding) -> str:
        """Say what a training shows."""
        facts = {
            name: f"{fact:.3g}" if isinstance(fact, float) else fact
            for name, fact in finding.facts.items()
        }
        if "member" in facts:
            known = facts["member"] is not None
            facts["member"] = self("find_member", member=facts["member"]) if known else ""
        return self(f"find_{finding.kind}", **facts)

    def method(self, name: str, title: str) -> str:
        """Return the name of a method of the comparison."""
        return self._texts.get(f"method_{name}", title)


class _Written(str):
    """A fact as it is written; ``{n:row|rows}`` in a text is the word that goes with it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        one, bar, several = spec.partition("|")
        if bar:
            return one if self == "1" else several
        return super().__format__(spec)


def format_count(n: int | None) -> str:
    """Write a number of things."""
    return NOTHING if n is None else f"{n:,}"


def format_percent(share: float | None) -> str:
    """Write a share in percent, to three digits."""
    if share is None:
        return NOTHING
    digits = f"{100.0 * share:.3g}"
    text = f"{float(digits):.10f}".rstrip("0").rstrip(".") if "e-" in digits else digits
    return f"{text or '0'}\N{NO-BREAK SPACE}%"


def format_nats(energy: float | None) -> str:
    """Write an energy or a contribution."""
    if energy is None:
        return NOTHING
    if abs(energy) >= 1e6:
        return short_number(float(f"{energy:.3g}"))
    text = f"{energy:,.1f}" if abs(energy) < 1000.0 else f"{energy:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def format_excess(energy: float) -> str:
    """Write by how much an energy is above another, also where that is little."""
    return format_nats(energy) if abs(energy) >= 1.0 else f"{energy:.2g}"


def format_value(number: float | str | None, digits: int = 5) -> str:
    """Write a value of the user's table: text as it is, numbers to five digits."""
    if number is None:
        return NOTHING
    if isinstance(number, str):
        return number
    return short_number(float(f"{number:.{digits}g}"))


def format_rough(number: float | str | None) -> str:
    """Write a value that went through float32, which does not hold the last digits."""
    return format_value(number, 4)


def format_figure(number: float | None, digits: int = 3) -> str:
    """Write a figure between 0 and 1, or a small one, with fixed decimals."""
    if number is None:
        return NOTHING
    return f"{number:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def format_rate(number: float) -> str:
    """Write how many alarms there are in a time."""
    if number >= 100.0:
        return f"{number:,.0f}"
    digits = f"{number:.2g}"
    return f"{float(digits):.8f}".rstrip("0").rstrip(".") if "e" in digits else digits


def format_moment(seconds: float | None, step: float | None = None) -> str:
    """Write seconds since 1970 as a date and a time of the wall clock.

    Parameters
    ----------
    seconds : float or None
    step : float or None
        The usual time from one row to the next: times that differ by seconds all have them.
    """
    if seconds is None or not np.isfinite(seconds) or abs(seconds) > 86400.0 * _LAST_DAY:
        return NOTHING
    when = _EPOCH + timedelta(seconds=round(seconds))
    has_seconds = when.second or (step is not None and step % 60.0)
    form = "%Y-%m-%d %H:%M:%S" if has_seconds else "%Y-%m-%d %H:%M"
    return when.strftime(form)


def format_duration(seconds: float, units: dict[str, str]) -> str:
    """Write a duration in the largest unit that it fills.

    Parameters
    ----------
    seconds : float
    units : dict of str to str
        Names of ``s``, ``min``, ``h`` and ``d``.
    """
    lengths = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
    unit, length = next((pair for pair in lengths if seconds >= pair[1]), lengths[-1])
    return f"{seconds / length:.3g}\N{NO-BREAK SPACE}{units[unit]}"


#: Filters of the templates, by name.
FORMATS: dict[str, Callable[..., str]] = {
    "count": format_count,
    "percent": format_percent,
    "nats": format_nats,
    "excess": format_excess,
    "value": format_value,
    "rough": format_rough,
    "figure": format_figure,
    "rate": format_rate,
    "moment": format_moment,
}
