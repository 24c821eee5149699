"""How well alarms find labelled anomalies."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import average_precision_score, roc_auc_score

from dagmm.inference.calibration.threshold import is_anomaly


@dataclass(frozen=True)
class DetectionQuality:
    """Alarms against labels.

    Parameters
    ----------
    n_anomalies, n_normal : int
        By their labels.
    n_found, n_false : int or None
        Alarms among the anomalies and among the normal rows; None without a threshold.
    auroc, average_precision : float or None
        None where all rows have one label.
    """

    n_anomalies: int
    n_normal: int
    n_found: int | None
    n_false: int | None
    auroc: float | None
    average_precision: float | None

    @property
    def recall(self) -> float | None:
        """Share of the anomalies that are alarms."""
        return (
            self.n_found / self.n_anomalies
            if self.n_found is not None and self.n_anomalies
            else None
        )

    @property
    def precision(self) -> float | None:
        """Share of the alarms that are anomalies."""
        if self.n_found is None or self.n_false is None or not self.n_found + self.n_false:
            return None
        return self.n_found / (self.n_found + self.n_false)


def detection_quality(
    energy: Float[np.ndarray, " n_rows"],
    labels: Bool[np.ndarray, " n_rows"],
    threshold: float | None,
) -> DetectionQuality:
    """Count alarms against labels.

    Parameters
    ----------
    energy : ndarray of shape (n_rows,)
        In nats.
    labels : ndarray of shape (n_rows,), bool
        True for an anomaly.
    threshold : float or None
    """
    n_anomalies = int(labels.sum())
    auroc = precision = found = false = None
    if 0 < n_anomalies < len(labels):
        auroc = float(roc_auc_score(labels, energy))
        precision = float(average_precision_score(labels, energy))
    if threshold is not None:
        alarm = is_anomaly(energy, threshold)
        found, false = int((alarm & labels).sum()), int((alarm & ~labels).sum())
    return DetectionQuality(n_anomalies, len(labels) - n_anomalies, found, false, auroc, precision)
