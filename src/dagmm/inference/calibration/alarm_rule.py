"""Alarm logic that operators know: k of n rows, hysteresis, a least duration, smoothing.

What decides is one number for each row, its **signal**: the k-th highest of the last n energies,
which are smoothed before where that is asked for. At least k of the last n energies are above a
threshold where the signal is, so that the threshold of such logic is found as that of single
energies is. Delays and dead bands are those of ISA-18.2 (2016, annex on alarm design); the
smoothing is the exponentially weighted moving average of Roberts (*Technometrics* 1, 1959).
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from dagmm._core.arguments import check_int, check_number
from dagmm._core.errors import ArgumentError
from dagmm._core.json_fields import JsonField
from dagmm._core.wording import named

#: Most rows that an alarm looks back on, or lasts at least.
MOST_ROWS = 10_000


@dataclass(frozen=True)
class AlarmRule:
    """When energies above a threshold are an alarm. As it is, each of them is.

    Parameters
    ----------
    k, n : int
        So many of the last ``n`` rows must be above the threshold; of fewer rows than ``n``, at
        the start, those that are missing are not.
    hysteresis : float
        An alarm ends where the signal is no longer above the threshold less this, in nats.
    hold : int
        Rows that an alarm lasts at least.
    smoothing : float
        Weight of the newest energy in an exponentially weighted mean, in (0, 1]; 1 smoothes
        nothing.
    centre : float
        Energy that the mean begins with, in nats: that of usual rows.
    """

    k: int = 1
    n: int = 1
    hysteresis: float = 0.0
    hold: int = 1
    smoothing: float = 1.0
    centre: float = 0.0

    @classmethod
    def of(
        cls,
        k_of_n: object = None,
        hysteresis: object = 0.0,
        hold: object = 1,
        smoothing: object = None,
    ) -> "AlarmRule":
        """Check what a user passes.

        Raises
        ------
        ArgumentError
            If ``k_of_n`` is not a pair such as (3, 5), or a number is out of its range.
        """
        k, n = (1, 1) if k_of_n is None else _pair(k_of_n)
        return cls(
            k,
            n,
            check_number("hysteresis", hysteresis, 0.0),
            check_int("hold", hold, 1),
            1.0
            if smoothing is None
            else check_number("smoothing", smoothing, 0.0, 1.0, above=True),
        )

    @property
    def is_plain(self) -> bool:
        """Whether each row above the threshold is an alarm, and no other."""
        return self.has_plain_signal and self.hysteresis == 0.0 and self.hold == 1

    @property
    def has_plain_signal(self) -> bool:
        """Whether the signal of a row is its energy."""
        return self.n == 1 and self.smoothing == 1.0

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        words = ["each row above the threshold" if self.n == 1 else f"{self.k} of {self.n} rows"]
        if self.smoothing < 1.0:
            words.append(f"energies smoothed by {self.smoothing:g}")
        if self.hysteresis > 0.0:
            words.append(f"until {self.hysteresis:g} nat below the threshold")
        if self.hold > 1:
            words.append(f"for at least {self.hold} rows")
        return ", ".join(words)

    @classmethod
    def read(cls, field: JsonField) -> "AlarmRule":
        """Check what a file says.

        Raises
        ------
        ValueError
        """
        names = tuple(part.name for part in fields(cls))
        k, n, hysteresis, hold, smoothing, centre = field.fields(*names)
        rule = cls(
            k.size(MOST_ROWS),
            n.size(MOST_ROWS),
            hysteresis.number(),
            hold.size(),
            smoothing.number(),
            centre.number(),
        )
        if rule.k > rule.n:
            k.fail("at most n")
        if rule.hysteresis < 0.0:
            hysteresis.fail("at least 0")
        if not 0.0 < rule.smoothing <= 1.0:
            smoothing.fail("in (0, 1]")
        return rule


#: Each row above the threshold is an alarm.
PLAIN = AlarmRule()


class AlarmState:
    """What alarm logic keeps of the rows of one asset.

    However rows are cut into parts, it says the same of each, to the bit.

    Parameters
    ----------
    rule : AlarmRule
    threshold : float
        In nats.
    """

    def __init__(self, rule: AlarmRule, threshold: float) -> None:
        self._rule, self._threshold = rule, threshold
        self._mean = rule.centre
        self._last = np.full(rule.n - 1, -np.inf)
        self._left = (
            0  # rows that the alarm still lasts, whatever their energy; 0 if there is none
        )
        self._is_on = False

    def update(self, energy: Float[np.ndarray, " n_rows"]) -> Bool[np.ndarray, " n_rows"]:
        """Take the next energies and say which of their rows are in alarm."""
        rule, off = self._rule, self._threshold - self._rule.hysteresis
        alarm = np.empty(len(energy), bool)
        for i, signal in enumerate(self._signals(energy).tolist()):
            begins = signal > self._threshold
            if begins and not self._is_on:
                self._left = rule.hold
            self._is_on = begins or (self._is_on and (signal > off or self._left > 0))
            self._left = max(0, self._left - 1)
            alarm[i] = self._is_on
        return alarm

    def _signals(self, energy: Float[np.ndarray, " n_rows"]) -> Float[np.ndarray, " n_rows"]:
        if self._rule.smoothing < 1.0:
            energy = self._smoothed(energy)
        if self._rule.n == 1:
            return energy
        known = np.concatenate([self._last, energy])
        self._last = known[len(energy) :]
        return highest_of_last(known, self._rule.k, self._rule.n)

    def _smoothed(self, energy: np.ndarray) -> np.ndarray:
        smoothed, mean, weight = np.empty(len(energy)), self._mean, self._rule.smoothing
        for i, value in enumerate(energy.tolist()):
            mean += weight * (value - mean)
            smoothed[i] = mean
        self._mean = mean
        return smoothed

    def plain(self) -> dict[str, Any]:
        """Return the state as JSON can hold it; null stands for rows that are missing."""
        last = [None if value == -np.inf else value for value in self._last.tolist()]
        return {"mean": self._mean, "last": last, "left": self._left, "is_on": self._is_on}

    @classmethod
    def read(cls, field: JsonField, rule: AlarmRule, threshold: float) -> "AlarmState":
        """Check what a file says of a state of this rule.

        Raises
        ------
        ValueError
        """
        state = cls(rule, threshold)
        mean, last, left, is_on = field.fields("mean", "last", "left", "is_on")
        values = last.items(rule.n - 1, least=rule.n - 1)
        state._mean = mean.number()
        state._last = np.array([-np.inf if v.value is None else v.number() for v in values])
        state._left, state._is_on = left.whole(), is_on.flag()
        return state


def signals_of(
    energy: Float[np.ndarray, " n_rows"], rule: AlarmRule
) -> Float[np.ndarray, " n_signals"]:
    """Return the signals of a series of energies, from the first row on that has ``n`` of them."""
    return AlarmState(rule, np.inf)._signals(energy)[rule.n - 1 :]


def highest_of_last(
    values: Float[np.ndarray, " n_values"], k: int, n: int
) -> Float[np.ndarray, " n_runs"]:
    """Return the k-th highest of each ``n`` values that follow each other."""
    if len(values) < n:
        return np.empty(0)
    runs = np.lib.stride_tricks.sliding_window_view(values, n)
    # Some at a time: what is sorted of each run is a copy of it.
    step = max(1, 2**22 // n)
    parts = [
        np.partition(runs[start : start + step], n - k, axis=1)[:, n - k]
        for start in range(0, len(runs), step)
    ]
    return np.concatenate(parts)


def _pair(k_of_n: object) -> tuple[int, int]:
    wrong = ArgumentError(
        f"{named('k_of_n')} must be two whole numbers, the rows that must be above the threshold "
        f"and the last rows that are looked at, 1 <= k <= n <= {MOST_ROWS}, such as (3, 5), got "
        f"{k_of_n!r}."
    )
    if not isinstance(k_of_n, list | tuple) or len(k_of_n) != 2:
        raise wrong
    try:
        k, n = (check_int("k_of_n", one, 1) for one in k_of_n)
    except ArgumentError:
        raise wrong from None
    if not k <= n <= MOST_ROWS:
        raise wrong
    return k, n
