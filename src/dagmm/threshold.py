"""From energies to decisions. The only file that flips a sign.

An energy is higher for stranger rows; scikit-learn's scores are lower for them.
"""

import numpy as np

from dagmm.errors import ArgumentError

#: Share of the training rows above the threshold when the user does not say.
AUTO_CONTAMINATION = 0.01


def check_contamination(contamination: object) -> float:
    """Return the share of training rows to be called anomalies.

    Raises
    ------
    ArgumentError
        If it is neither ``"auto"`` nor a number in (0, 0.5].
    """
    if isinstance(contamination, str) and contamination == "auto":
        return AUTO_CONTAMINATION
    is_number = isinstance(contamination, int | float | np.integer | np.floating)
    if is_number and not isinstance(contamination, bool) and 0.0 < contamination <= 0.5:  # type: ignore[operator]
        return float(contamination)  # type: ignore[arg-type]
    raise ArgumentError(f"contamination must be 'auto' or in (0, 0.5], got {contamination!r}.")


def threshold_of(training_energy: np.ndarray, contamination: float) -> float:
    """Energy above which the stated share of the training rows lies."""
    return float(np.percentile(training_energy, 100.0 * (1.0 - contamination)))


def is_anomaly(energy: np.ndarray, threshold: float) -> np.ndarray:
    """Whether each row's energy is above the threshold."""
    return energy > threshold


def score_of(energy: np.ndarray) -> np.ndarray:
    """Return scikit-learn's score of each row: higher is more normal."""
    return -energy


def label_of(decision: np.ndarray) -> np.ndarray:
    """Return scikit-learn's label: +1 where the decision function is not negative, else -1."""
    return np.where(decision >= 0.0, 1, -1)
