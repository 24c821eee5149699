"""Whole numbers that number rows instead of measuring something."""

from dataclasses import dataclass

import numpy as np

#: Rows from which on values that only rise, or only fall, are a count and no measurement.
_LEAST_RISING = 20
#: A repeat that is missing although chance gives less than exp(-20) for that is no chance.
_SURPRISE = 20.0
#: The first rows, which are looked at; by then the case is clear.
ROWS_LOOKED_AT = 2**17


@dataclass
class IdentifierTest:
    """Whether the values of a column are all different, and whether they only rise or fall."""

    values: np.ndarray | None
    """All values so far, sorted; None once one has come twice."""
    first: int | None = None
    last: int | None = None
    is_rising: bool = True
    is_falling: bool = True

    @classmethod
    def empty(cls) -> "IdentifierTest":
        """No rows so far."""
        return cls(np.empty(0, np.int64))

    @classmethod
    def of(cls, column: np.ndarray) -> "IdentifierTest":
        """Look at some rows, holes left out."""
        if not len(column):
            return cls.empty()
        values = np.unique(column)
        return cls(
            values if len(values) == len(column) else None,
            int(column[0]),
            int(column[-1]),
            bool((column[1:] > column[:-1]).all()),
            bool((column[1:] < column[:-1]).all()),
        )

    def merge(self, later: "IdentifierTest") -> None:
        """Look at the rows that follow."""
        if later.first is None or self.values is None:
            return
        if self.first is None or self.last is None:
            self.__dict__.update(later.__dict__)
            return
        self.is_rising = self.is_rising and later.is_rising and later.first > self.last
        self.is_falling = self.is_falling and later.is_falling and later.first < self.last
        self.last, before, self.values = later.last, self.values, None
        if later.values is not None:
            both = np.unique(np.concatenate([before.astype(later.values.dtype), later.values]))
            if len(both) == len(before) + len(later.values):
                self.values = both

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
