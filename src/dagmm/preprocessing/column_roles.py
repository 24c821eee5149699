"""What columns are to a model: what the user says, and which are not used, and why."""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias, get_args

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError, TableWarning
from dagmm._core.wording import given, named
from dagmm.preprocessing.columns.date_text import ISO, DateReading, reading_as_told

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
        """Return a column that is not used because the user said so."""
        return cls(name, reason, _SAID[reason])

    @property
    def is_told(self) -> bool:
        """Whether the user said so."""
        return self.reason in _SAID


@dataclass(frozen=True)
class ColumnRoles:
    """Columns that play a role which their values do not tell.

    Parameters
    ----------
    drop : tuple of str
        Left out.
    categorical : tuple of str
        Categories, also where they are written as numbers.
    numeric : tuple of str
        Numbers, also where they look like identifiers.
    time : str or None
        The time axis: dates, or numbers; left out.
    group : str or None
        Names the asset that a row belongs to; left out.
    date_reading : DateReading
        How dates are written where they are text; by default what the cells tell.
    """

    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None
    date_reading: DateReading = ISO

    @classmethod
    def of(
        cls,
        drop: object,
        categorical: object,
        numeric: object,
        time: object,
        group: object,
        time_format: object = None,
    ) -> "ColumnRoles":
        """Check arguments as a user gives them: None, a name, or for the first three names.

        Of the time axis also two names, those of the date and of the time of day.

        Raises
        ------
        ArgumentError
        """
        date, clock = _axis(time)
        return cls(
            _names("drop", drop),
            _names("categorical", categorical),
            _names("numeric", numeric),
            date,
            _name("group", group),
            replace(reading_as_told(time_format), clock=clock),
        )

    def named(self) -> list[tuple[str, str]]:
        """Return each argument and each column it names."""
        several = [("drop", self.drop), ("categorical", self.categorical)]
        several.append(("numeric", self.numeric))
        named = [(argument, name) for argument, names in several for name in names]
        clock = self.date_reading.clock or None
        one = [("time", self.time), ("time", clock), ("group", self.group)]
        return named + [(argument, name) for argument, name in one if name is not None]

    @property
    def axes(self) -> tuple[str, ...]:
        """The columns of time axis and asset."""
        names = (self.time, self.date_reading.clock, self.group)
        return tuple(name for name in names if name)

    def check(self, names: Sequence[str]) -> None:
        """Check that a table has the columns, and that none plays two roles.

        Raises
        ------
        ArgumentError
        """
        given_as = self.named()
        for argument, name in given_as:
            if name not in names:
                raise ArgumentError(
                    f"{named(argument)} names column {name!r}, which the table does not have. "
                    f"{near(name, names)}"
                )
        counts = Counter(name for _, name in given_as)
        for name, count in counts.items():
            if count > 1:
                said = " and ".join(
                    named(argument) for argument, other in given_as if other == name
                )
                raise ArgumentError(f"column {name!r} is given as {said}; give it once.")

    def unused_columns(self) -> list[UnusedColumn]:
        """Return the columns that these words leave out."""
        left_out = [UnusedColumn.told(name, "drop") for name in self.drop]
        if self.time is not None:
            left_out.append(UnusedColumn.told(self.time, "time"))
        if self.date_reading.clock:
            left_out.append(UnusedColumn.told(self.date_reading.clock, "time"))
        if self.group is not None:
            left_out.append(UnusedColumn.told(self.group, "group"))
        return left_out


def warn_of(columns: Iterable[UnusedColumn]) -> None:
    """Warn of each column that is not used although nobody said so."""
    for column in columns:
        if not column.is_told:
            warnings.warn(
                f"column {column.name!r} is not used: {column.why}. {_remedy(column)}",
                TableWarning,
                stacklevel=2,
            )


def _remedy(column: UnusedColumn) -> str:
    """Say what to do about a column that was not used."""
    ways = [given("time", column.name)] if column.reason == "date" else []
    ways.append(given("drop", [column.name]))
    remedy = f"Pass {' or '.join(ways)} to leave it out without this warning"
    if column.reason != "identifier":
        return f"{remedy}."
    return (
        f"{remedy}, or name it in {named('numeric')} or {named('categorical')} if it does "
        "describe the rows."
    )


def _names(argument: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    items = list(value) if isinstance(value, Iterable) else [value]
    if all(isinstance(item, str | int) and not isinstance(item, bool) for item in items):
        return tuple(str(item) for item in items)
    raise ArgumentError(
        f"{named(argument)} must be the name of a column, a list of names, or None, got {value!r}."
    )


def _axis(time: object) -> tuple[str | None, str]:
    """Return the column of the time axis, and that of the time of day; empty if it has none."""
    if isinstance(time, list | tuple):
        if len(time) == 2 and all(isinstance(name, str) for name in time):
            return time[0], time[1]
        raise ArgumentError(
            f"{named('time')} must be the name of a column, the two names of date and time of "
            f"day, or None, got {time!r}."
        )
    return _name("time", time), ""


def _name(argument: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ArgumentError(f"{named(argument)} must be the name of a column or None, got {value!r}.")
