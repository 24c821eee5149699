"""What a model remembers of normal rows: their energies, and the values that are usual.

This is what a threshold, a p-value and an explanation are measured against, so that none of them
needs the training table again.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from dagmm._core.errors import ArgumentError
from dagmm._core.wording import named
from dagmm.inference.calibration.alarm_rule import AlarmRule, signals_of
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.tail import Tail, fit_tail

#: Most energies that are kept in their order.
MOST_SERIES = 2**18

#: Which rows the energies of a calibration are of, in words.
TRAINING = "training rows"
HELD_OUT = "rows held out of the fit"
HELD_OUT_IN_TIME = "rows held out of the fit in blocks of time"
OUT_OF_FOLD = "training rows (by networks that were not fitted to them)"
OUT_OF_FOLD_IN_TIME = "training rows (by networks that were not fitted to their block of time)"
HELD_OUT_IN_ORDER = "rows held out of the fit in blocks of rows"
OUT_OF_FOLD_IN_ORDER = "training rows (by networks that were not fitted to their block of rows)"
OUT_OF_FOLD_WINDOWS = "training windows (by networks that were not fitted to them)"
OF_A_TABLE = "rows of a calibration table"
OF_AN_UPDATE = "rows of the last update (by mixtures that they are not part of)"


@dataclass(frozen=True)
class Calibration:
    """What a model remembers of normal rows.

    Parameters
    ----------
    reference_values : ndarray of shape (n_levels, n_features), float32
        Usual values of each column, encoded; see
        :func:`dagmm.preprocessing.reference_values.reference_values_of`.
    training : EmpiricalDistribution
        Energies of all training rows, those held out among them.
    held_out : EmpiricalDistribution or None
        Energies of rows by what was not fitted to them: by the whole model of rows that were held
        out, by some networks of rows that these left out.
    held_out_are : str
        Which rows those are, in words.
    series : ndarray of shape (n_series,), float32, or None
        The reference energies in the order in which their rows follow each other, the last
        262,144 of them; None where these rows do not follow one another.
    """

    reference_values: np.ndarray
    training: EmpiricalDistribution
    held_out: EmpiricalDistribution | None = None
    held_out_are: str = ""
    series: np.ndarray | None = None

    @property
    def reference(self) -> EmpiricalDistribution:
        """The energies that say most about new rows."""
        return self.held_out or self.training

    @property
    def reference_are(self) -> str:
        """Which rows those are, in words."""
        return self.held_out_are if self.held_out is not None else TRAINING

    @cached_property
    def tail(self) -> Tail | None:
        """The tail of the reference energies; None where they are too few."""
        return fit_tail(self.reference)

    def with_held_out(
        self,
        energy: Float[np.ndarray, " n_rows"],
        are: str,
        n_shared: int = 1,
        *,
        is_series: bool = True,
    ) -> "Calibration":
        """Return the same with other energies, in their order, of rows that were not fitted to.

        Parameters
        ----------
        energy : ndarray of shape (n_rows,)
        are : str
            Which rows those are, in words.
        n_shared : int, default=1
            Rows that share what they are scored by: those of a window.
        is_series : bool, default=True
            Whether they are of rows that follow one another, none of which is left out.
        """
        held_out = EmpiricalDistribution.of(energy, n_shared)
        series = energy[-MOST_SERIES:].astype(np.float32) if is_series else None
        return replace(self, held_out=held_out, held_out_are=are, series=series)

    def under(self, rule: AlarmRule, n_shared: int) -> "Calibration":
        """Return the same with the signals of alarm logic in place of single energies.

        Parameters
        ----------
        rule : AlarmRule
        n_shared : int
            Rows that share what they are scored by, without such logic.

        Raises
        ------
        ArgumentError
            If it is not known how energies follow each other, or there are too few.
        """
        if rule.has_plain_signal:
            return self
        if self.series is None:
            raise ArgumentError(
                f"{named('k_of_n')} and {named('smoothing')} need energies of rows that follow "
                f"one another, and this model knows those of {self.reference_are}, which do not; "
                "calibrate with normal rows in their order."
            )
        signals = signals_of(self.series.astype(np.float64), rule)
        if not len(signals):
            raise ArgumentError(
                f"{named('k_of_n')} looks at {rule.n} rows, and this model knows the energies of "
                f"{len(self.series)}; calibrate with more normal rows, or choose fewer."
            )
        series, n_shared = signals.astype(np.float32), n_shared + rule.n - 1
        found = EmpiricalDistribution.of(signals, n_shared)
        if self.held_out is None:
            return replace(self, training=found, series=series)
        return replace(self, held_out=found, series=series)
