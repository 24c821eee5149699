"""Columns that look like labels: by their names, and by how few values they hold."""

import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

#: More different values than these are no labels, whatever the name.
_MOST_VALUES = 30
#: What an anomaly is called. A name that ends in it is one of a label: ``pump_fault``.
_ANOMALY = re.compile(
    "anomaly|anomalies|anomalous|abnormal|outliers?|faults?|faulty|failures?|defects?|defective|"
    "attacks?"
)
#: Words that are the name of a label where nothing else stands beside them: ``class``.
_LABEL = re.compile("labels?|flags?|class|target|normal")
#: Words that may stand beside these: ``is_anomaly``, ``fault_type``, ``true_label``.
_BESIDE = re.compile("is|has|true|gt|ground|truth|y|binary|type|kind|code|id|name|status")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_JAPANESE_ANOMALY = "異常値|異常|故障|不良|外れ値|欠陥"
_JAPANESE_LABEL = "ラベル|フラグ|正常|正解|良否|合否|クラス|目的変数"
_JAPANESE_BESIDE = "検知|検出|判定|有無|区分|種別|種類|コード|結果|名|の|[\\W\\d_]"
_JAPANESE = re.compile(
    f"({_JAPANESE_ANOMALY})({_JAPANESE_LABEL}|{_JAPANESE_BESIDE})*$"
    f"|^({_JAPANESE_BESIDE})*({_JAPANESE_LABEL})({_JAPANESE_LABEL}|{_JAPANESE_BESIDE})*$"
)


def is_label_name(name: str) -> bool:
    """Say whether a name is one that labels have.

    ``anomaly``, ``is_anomaly``, ``pump_fault``, ``FaultType``, ``class``, ``異常フラグ``; but not
    ``flow_label_rate``, ``fault_current``, ``vehicle_class``.
    """
    name = unicodedata.normalize("NFKC", name)
    if _JAPANESE.search(name):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    others = [word for word in words if not _BESIDE.fullmatch(word)]
    if others and all(_LABEL.fullmatch(word) for word in others):
        return True
    last = next((word for word in reversed(others) if not _LABEL.fullmatch(word)), "")
    # What stands after the anomaly may only say that it is a label.
    return bool(_ANOMALY.fullmatch(last))


@dataclass
class ValueCounts:
    """The different values of a column of numbers, while they are few."""

    values: set[float] = field(default_factory=set)
    present: int = 0

    @staticmethod
    def of(column: Float64[np.ndarray, " n_rows"]) -> "ValueCounts":
        """Look at some rows; a hole is NaN."""
        known = column[~np.isnan(column)]
        return ValueCounts(set(np.unique(known)[: _MOST_VALUES + 1].tolist()), len(known))

    def merge(self, other: "ValueCounts") -> None:
        """Count other rows as well."""
        self.present += other.present
        if len(self.values) <= _MOST_VALUES:
            self.values |= other.values


def are_labels(n_different: int, n_present: int) -> bool:
    """Say whether so many different values in so many rows are few enough for a label."""
    return 0 < n_different <= max(2, min(_MOST_VALUES, n_present // 4))
