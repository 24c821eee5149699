"""What a model remembers of normal rows: their energies, and the values that are usual.

This is what a threshold, a p-value and an explanation are measured against, so that none of them
needs the training table again.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from dagmm.inference.calibration.energies import EnergySample
from dagmm.inference.calibration.tail import Tail, fit_tail

#: Which rows the energies of a calibration are of, in words.
TRAINING = "training rows"
HELD_OUT = "rows held out of the fit"
HELD_OUT_IN_TIME = "rows held out of the fit in stretches of time"
CROSS_FITTED = "training rows (by networks that were not fitted to them)"
CROSS_FITTED_IN_TIME = "training rows (by networks that were not fitted to their stretch of time)"
CROSS_FITTED_WINDOWS = "training windows (by networks that were not fitted to them)"
OF_A_TABLE = "rows of a calibration table"


@dataclass(frozen=True)
class Calibration:
    """What a model remembers of normal rows.

    Parameters
    ----------
    typical : ndarray of shape (n_levels, n_features), float32
        Usual values of each column, encoded; see
        :func:`dagmm.preprocessing.reference_values.typical_values`.
    training : EnergySample or None
        Energies of all training rows, those held out among them. None for a model that was saved
        before they were kept and calibrated since.
    unseen : EnergySample or None
        Energies of rows by what was not fitted to them: by the whole model of rows that were held
        out, by some networks of rows that these left out.
    unseen_are : str
        Which rows those are, in words.
    """

    typical: np.ndarray
    training: EnergySample | None
    unseen: EnergySample | None = None
    unseen_are: str = ""

    @property
    def fairest(self) -> EnergySample:
        """The energies that say most about new rows."""
        sample = self.unseen or self.training
        assert sample is not None, "there is one or the other"
        return sample

    @property
    def fairest_are(self) -> str:
        """Which rows those are, in words."""
        return self.unseen_are if self.unseen is not None else TRAINING

    @cached_property
    def tail(self) -> Tail | None:
        """The tail of the fairest energies; None where they are too few."""
        return fit_tail(self.fairest)

    def with_unseen(self, energy: Float[np.ndarray, " n_rows"], are: str) -> "Calibration":
        """Return the same with other energies of rows that were not fitted to."""
        return replace(self, unseen=EnergySample.of(energy), unseen_are=are)
