"""What the user says about columns, where it should not be found out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dagmm._core.arguments import near
from dagmm._core.errors import ArgumentError
from dagmm.preprocessing.unused_columns import UnusedColumn


@dataclass(frozen=True)
class ColumnRoles:
    """Columns that play a part which their values do not tell.

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
    """

    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None

    @classmethod
    def of(
        cls, drop: object, categorical: object, numeric: object, time: object, group: object
    ) -> "ColumnRoles":
        """Check arguments as a user gives them: None, a name, or for the first three names.

        Raises
        ------
        ArgumentError
        """
        return cls(
            _names("drop", drop),
            _names("categorical", categorical),
            _names("numeric", numeric),
            _name("time", time),
            _name("group", group),
        )

    def named(self) -> list[tuple[str, str]]:
        """Return each argument and each column it names."""
        several = [("drop", self.drop), ("categorical", self.categorical)]
        several.append(("numeric", self.numeric))
        named = [(argument, name) for argument, names in several for name in names]
        one = [("time", self.time), ("group", self.group)]
        return named + [(argument, name) for argument, name in one if name is not None]

    def check(self, names: Sequence[str]) -> None:
        """Check that a table has the columns, and that none plays two parts.

        Raises
        ------
        ArgumentError
        """
        named = self.named()
        for argument, name in named:
            if name not in names:
                raise ArgumentError(
                    f"{argument} names column {name!r}, which the table does not have. "
                    f"{near(name, names)}"
                )
        counts = Counter(name for _, name in named)
        for name, count in counts.items():
            if count > 1:
                said = " and ".join(argument for argument, other in named if other == name)
                raise ArgumentError(f"column {name!r} is given as {said}; give it once.")

    def unused_columns(self) -> list[UnusedColumn]:
        """Return the columns that these words leave out."""
        left_out = [UnusedColumn.told(name, "drop") for name in self.drop]
        if self.time is not None:
            left_out.append(UnusedColumn.told(self.time, "time"))
        if self.group is not None:
            left_out.append(UnusedColumn.told(self.group, "group"))
        return left_out


def _names(argument: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    items = list(value) if isinstance(value, Iterable) else [value]
    if all(isinstance(item, str | int) and not isinstance(item, bool) for item in items):
        return tuple(str(item) for item in items)
    raise ArgumentError(
        f"{argument} must be the name of a column, a list of names, or None, got {value!r}."
    )


def _name(argument: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ArgumentError(f"{argument} must be the name of a column or None, got {value!r}.")
