"""What a model remembers of normal rows: their energies, and the values that are usual.

This is what a threshold, a p-value and an explanation are measured against, so that none of them
needs the training table again.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.tail import Tail, fit_tail

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
    """

    reference_values: np.ndarray
    training: EmpiricalDistribution
    held_out: EmpiricalDistribution | None = None
    held_out_are: str = ""

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
        self, energy: Float[np.ndarray, " n_rows"], are: str, n_shared: int = 1
    ) -> "Calibration":
        """Return the same with other energies, in their order, of rows that were not fitted to."""
        held_out = EmpiricalDistribution.of(energy, n_shared)
        return replace(self, held_out=held_out, held_out_are=are)
