"""Whole numbers that number rows instead of measuring something."""

from dataclasses import dataclass

import numpy as np

#: Rows from which on values that only rise, or only fall, are a count and no measurement.
_LEAST_RISING = 20
#: A repeat that is missing although chance gives less than exp(-20) for that is no chance.
_SURPRISE = 20.0
#: Values that are looked at; by then the case is clear.
_MOST_KEPT = 2**17


@dataclass
class IdentifierTest:
    """Whether the values of a column are all different, and whether they only rise or fall."""

    values: np.ndarray | None
    """All values so far, sorted; None once one has come twice."""
    last: int | None = None
    is_rising: bool = True
    is_falling: bool = True
    is_full: bool = False

    @classmethod
    def empty(cls) -> "IdentifierTest":
        """No rows so far."""
        return cls(np.empty(0, np.int64))

    def add(self, column: np.ndarray) -> None:
        """Look at the rows that follow, holes left out."""
        if self.values is None or self.is_full or not len(column):
            return
        column = np.asarray(column)
        in_order = column if self.last is None else np.concatenate([[self.last], column])
        self.is_rising = self.is_rising and bool((in_order[1:] > in_order[:-1]).all())
        self.is_falling = self.is_falling and bool((in_order[1:] < in_order[:-1]).all())
        self.last = column[-1]
        values = np.unique(np.concatenate([self.values.astype(column.dtype), column]))
        is_repeated = len(values) < len(self.values) + len(column)
        self.values = None if is_repeated else values
        self.is_full = len(values) > _MOST_KEPT

    @property
    def in_words(self) -> str | None:
        """Why the values identify rows; None where they may measure something."""
        if self.values is None or len(self.values) < _LEAST_RISING:
            return None
        n = len(self.values)
        if self.is_rising or self.is_falling:
            way = "rise" if self.is_rising else "fall"
            return f"its whole numbers only {way} from row to row, which counts rows or time"
        span = int(self.values[-1]) - int(self.values[0]) + 1
        if n * n / (2.0 * span) < _SURPRISE:
            return None
        return (
            f"its {n} whole numbers lie between {self.values[0]} and {self.values[-1]} without a "
            "repeat, which identifies rows rather than describing them"
        )
