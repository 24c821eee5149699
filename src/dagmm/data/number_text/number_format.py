"""How the numbers of one column are written, and reading them."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64

from dagmm.data.number_text.cells import are_holes, tidied

#: Marks of thousands and of decimals that can go together.
STYLES = (
    ("", "."),
    (",", "."),
    (" ", "."),
    ("'", "."),
    ("", ","),
    (".", ","),
    (" ", ","),
    ("'", ","),
)

#: Characters that a number without its unit may have.
_OF_NUMBERS = frozenset("0123456789+-.,' eE")


def digits_of(thousands: str, decimal: str) -> str:
    """Return the regular expression of a number without sign and exponent."""
    mark = re.escape(decimal)
    whole = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+|\d+" if thousands else r"\d+"
    return rf"(?:(?:{whole})(?:{mark}\d*)?|{mark}\d+)"


class ReadNumbers(NamedTuple):
    """What some cells of text are as numbers."""

    values: Float64[np.ndarray, " n_rows"]
    """NaN for a hole and for what cannot be read."""
    unreadable: Bool[np.ndarray, " n_rows"]
    """Which cells hold something that is no number of this format."""
    bare: Bool[np.ndarray, " n_rows"]
    """Which cells hold a number without the unit that the others have."""


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a column are written.

    Parameters
    ----------
    before, after : str
        The unit before and after each number, such as ``$`` and ``°C``; a percent sign is one.
    thousands : str
        What stands between groups of three digits; empty for nothing.
    decimal : {".", ","}
    """

    before: str = ""
    after: str = ""
    thousands: str = ""
    decimal: str = "."

    @property
    def unit(self) -> str:
        """The unit, wherever it stands; empty without one."""
        return self.before or self.after

    @cached_property
    def _pattern(self) -> str:
        digits = digits_of(self.thousands, self.decimal)
        before, after = (
            f"(?:{re.escape(part)})?" if part else "" for part in (self.before, self.after)
        )
        # The sign may stand on either side of what comes before.
        sign = rf"(?:([+-]) ?{before} ?|{before} ?([+-]?) ?)"
        return rf"^{sign}({digits}(?:[eE][+-]?\d+)?) ?{after}$"

    def read(self, texts: pa.Array) -> ReadNumbers:
        """Read cells; each is read by itself.

        Parameters
        ----------
        texts : pyarrow.StringArray
            A null is a hole.
        """
        tidy = tidied(texts)
        gone = pc.fill_null(are_holes(tidy), True)
        fits = pc.fill_null(pc.match_substring_regex(tidy, self._pattern), False)
        fits = pc.and_not(fits, gone)
        kept = pc.if_else(fits, tidy, pa.scalar(None, pa.string()))
        bodies = self._bodies(kept)
        values = bodies.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
        unreadable = ~(np.asarray(fits) | np.asarray(gone))
        bare = np.zeros(len(values), bool)
        if self.unit:
            worn = pc.match_substring(kept, self.unit)
            bare = np.asarray(fits) & ~np.asarray(worn.fill_null(False))
        return ReadNumbers(values, unreadable, bare)

    def _bodies(self, kept: pa.Array) -> pa.Array:
        """Return cells that fit the pattern as Python would write their numbers."""
        if set(self.unit) <= _OF_NUMBERS and self.unit:
            bodies = pc.replace_substring_regex(kept, self._pattern, r"\1\2\3")
        else:
            # No part of a number looks like the unit: leaving it out takes a third of the time.
            bodies = pc.replace_substring(kept, self.unit, "") if self.unit else kept
        for mark in filter(None, (" ", self.thousands)):
            bodies = pc.replace_substring(bodies, mark, "")
        return pc.replace_substring(bodies, ",", ".") if self.decimal == "," else bodies

    def in_words(self) -> str:
        """Return what is unusual about it; empty for plain numbers."""
        words = []
        if self.unit == "%":
            words.append("percent")
        elif self.unit:
            words.append(f"in {self.unit}")
        if self.thousands:
            words.append(f"thousands separated by {self.thousands!r}")
        if self.decimal == ",":
            words.append("decimal comma")
        return ", ".join(words)


#: Numbers that wear nothing.
PLAIN = NumberFormat()
