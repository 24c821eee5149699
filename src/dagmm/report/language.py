"""Facts in the words of a language."""

import re
from typing import Any

from dagmm._core.arguments import check_choice
from dagmm.inference.calibration.calibration import (
    HELD_OUT,
    HELD_OUT_IN_TIME,
    OF_A_TABLE,
    OUT_OF_FOLD,
    OUT_OF_FOLD_IN_TIME,
    OUT_OF_FOLD_WINDOWS,
    TRAINING,
)
from dagmm.inference.record import Finding
from dagmm.report import numerals
from dagmm.report.texts import LANGUAGES, catalogue

_RULES = (
    ("contamination", re.compile(r"contamination (?P<share>\S+)")),
    ("quantile", re.compile(r"quantile (?P<level>\S+)")),
    (
        "alarms",
        re.compile(
            r"at most (?P<alarms>\S+) false alarms a (?P<per>\w+) at a row every (?P<every>.+)"
        ),
    ),
    ("energy", re.compile(r"a stated energy")),
    ("unknown", re.compile(r"not recorded")),
)
_ROWS = {
    TRAINING: "training",
    HELD_OUT: "held_out",
    HELD_OUT_IN_TIME: "held_out_in_time",
    OUT_OF_FOLD: "out_of_fold",
    OUT_OF_FOLD_IN_TIME: "out_of_fold_in_time",
    OUT_OF_FOLD_WINDOWS: "out_of_fold_windows",
    OF_A_TABLE: "calibration",
}


class Words:
    """Says things in one language.

    Parameters
    ----------
    language : {"en", "ja"}

    Raises
    ------
    ArgumentError
        If there is no such language.
    """

    def __init__(self, language: str) -> None:
        self.language = str(check_choice("lang", language, LANGUAGES))
        self._texts = catalogue(self.language)

    def __call__(self, key: str, **facts: Any) -> str:
        """Return the text of a key with some facts put in."""
        text = self._texts[key]
        return text.format(**facts) if facts else text

    def rule(self, rule: object) -> str:
        """Say how a threshold was chosen; see :mod:`dagmm.inference.calibration.threshold`."""
        for key, pattern in _RULES:
            match = pattern.fullmatch(str(rule))
            if match is not None:
                facts = match.groupdict()
                if "share" in facts:
                    facts["share"] = numerals.percent(float(facts["share"]))
                if "per" in facts:
                    facts["per"] = self(f"period_{facts['per']}")
                return self(f"rule_{key}", **facts)
        return str(rule)

    def rows_are(self, rows_are: str) -> str:
        """Say which rows something was counted in; see :mod:`dagmm.inference.calibration`."""
        return self(f"rows_{_ROWS[rows_are]}") if rows_are in _ROWS else rows_are

    def duration(self, seconds: float) -> str:
        """Say how long something takes."""
        units = {unit: self(f"unit_{unit}") for unit in ("s", "min", "h", "d")}
        return numerals.duration(seconds, units)

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
