"""Columns of the training table that are no part of the model, and why."""

import warnings
from typing import Literal, NamedTuple, TypeAlias, get_args

from dagmm._core.errors import TableWarning

#: Why a column is not used: the user said so, or what it holds.
Reason: TypeAlias = Literal["drop", "time", "group", "identifier", "date", "empty"]
REASONS: tuple[Reason, ...] = get_args(Reason)

_SAID = {
    "drop": "left out as told",
    "time": "the time axis",
    "group": "names the asset",
}


class UnusedColumn(NamedTuple):
    """A column that is not used.

    Parameters
    ----------
    name : str
    reason : {"drop", "time", "group", "identifier", "date", "empty"}
    why : str
        The reason in words.
    """

    name: str
    reason: Reason
    why: str

    @classmethod
    def told(cls, name: str, reason: Reason) -> "UnusedColumn":
        """Return a column that the user has set aside."""
        return cls(name, reason, _SAID[reason])

    @property
    def is_told(self) -> bool:
        """Whether the user has set it aside."""
        return self.reason in _SAID


def warn_of(columns: tuple[UnusedColumn, ...], remedies: dict[str, str]) -> None:
    """Warn of each column that was not used without having been told to."""
    for column in columns:
        if not column.is_told:
            warnings.warn(
                f"column {column.name!r} is not used: {column.why}. "
                f"{remedies[column.reason].format(name=column.name)}",
                TableWarning,
                stacklevel=2,
            )
