"""How well energies find labelled anomalies, in bounded memory."""

from typing import Any

import numpy as np

from dagmm.cli.jobs.labels import quality_of
from dagmm.data.convert import as_rows
from dagmm.data.frames import FrameRows
from dagmm.data.streams import StreamRows
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.sampling import draw, drawn_chunks

#: Rows of a training table that are scored to judge by labels, where it is too long to score all.
JUDGED_ROWS = 2**18
#: Rows whose energies and labels are kept while a table is scored.
MOST_KEPT = 2**20


class KeptRows:
    """Energies and labels of all rows of a table, or of as many as are enough, at random."""

    def __init__(self) -> None:
        self.n_rows = self.n_anomalies = 0
        self._share = 1.0
        self._rng = np.random.default_rng(0)
        self._energy: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def add(self, energy: np.ndarray, labels: np.ndarray) -> None:
        """Take some rows; half of what is kept goes whenever it is too much."""
        self.n_rows += len(energy)
        self.n_anomalies += int(labels.sum())
        if self._share < 1.0:
            kept = self._rng.random(len(energy)) < self._share
            energy, labels = energy[kept], labels[kept]
        self._energy.append(energy)
        self._labels.append(labels)
        while sum(map(len, self._energy)) > MOST_KEPT:
            self._share /= 2.0
            whole = np.concatenate(self._energy), np.concatenate(self._labels)
            kept = self._rng.random(len(whole[0])) < 0.5
            self._energy, self._labels = [whole[0][kept]], [whole[1][kept]]

    def quality(self) -> dict[str, Any]:
        """As :func:`quality_of`, and how many rows it is of where these are not all."""
        energy, labels = np.concatenate(self._energy), np.concatenate(self._labels)
        judged = {} if len(energy) == self.n_rows else {"judged_rows": len(energy)}
        quality = quality_of(energy, labels) | {"labelled_anomalies": self.n_anomalies}
        return judged | quality


def judged(
    model: FittedModel, features: FrameRows | StreamRows, labels: np.ndarray | None
) -> tuple[float, dict[str, Any]]:
    """Return the share of rows above the threshold, and how labels are found, if there are some.

    Parameters
    ----------
    model : FittedModel
        With a threshold.
    features : FrameRows or StreamRows
        The training table. Of one that was too large to be held, rows drawn at random are
        scored, and none without labels.
    labels : ndarray of shape (n_rows,) or None
        Which rows are anomalies.
    """
    assert model.threshold is not None, "a detector's model has a threshold"
    if "drawn_rows" not in model.record:
        energy = model.energy(features)
        share = float(is_anomaly(energy, model.threshold).mean())
        return share, {} if labels is None else quality_of(energy, labels)
    assert model.calibration is not None, "a model that was just fitted knows its energies"
    training = model.calibration.training
    assert training is not None, "the same"
    above = is_anomaly(training.energy, model.threshold)
    share = float(training.weight[above].sum() / training.n_rows)
    if labels is None:
        return share, {}
    numbers = draw(len(labels), min(len(labels), JUDGED_ROWS), np.random.default_rng(0))
    rows = as_rows(features).only(model.columns)
    parts = [
        model.energy_of_features(model.encoder.encode(chunk))
        for chunk in drawn_chunks(rows, numbers)
    ]
    quality = quality_of(np.concatenate(parts), labels[numbers])
    quality["labelled_anomalies"] = int(labels.sum())
    return share, {"judged_rows": len(numbers), **quality}
