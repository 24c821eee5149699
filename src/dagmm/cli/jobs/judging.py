"""How well energies find labelled anomalies, in bounded memory."""

from typing import Any

import numpy as np
import pyarrow as pa

from dagmm.cli.jobs.labels import quality_of
from dagmm.data.convert import as_rows
from dagmm.data.streams import StreamRows
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.sampling import draw, drawn_chunks
from dagmm.report.reservoir import Reservoir

#: Rows of a training table that are scored to judge by labels, where it is too long to score all.
JUDGED_ROWS = 2**18
#: Rows whose energies and labels are kept while a table is scored.
MOST_KEPT = 2**20


class KeptRows:
    """Energies and labels of all rows of a table, or of as many as are enough, at random."""

    def __init__(self) -> None:
        self.n_anomalies = 0
        self._kept = Reservoir(MOST_KEPT, seed=0)

    @property
    def n_rows(self) -> int:
        """Rows that were offered."""
        return self._kept.n_seen

    def add(self, energy: np.ndarray, labels: np.ndarray) -> None:
        """Take some rows."""
        self.n_anomalies += int(labels.sum())
        self._kept.add(energy=energy, label=labels)

    def quality(self) -> dict[str, Any]:
        """As :func:`quality_of`, and how many rows it is of where these are not all."""
        energy, labels = (self._kept.first(name) for name in ("energy", "label"))
        judged = {} if len(energy) == self.n_rows else {"judged_rows": len(energy)}
        quality = quality_of(energy, labels) | {"labelled_anomalies": self.n_anomalies}
        return judged | quality


def judged(
    model: FittedModel, features: pa.Table | StreamRows, labels: np.ndarray | None
) -> tuple[float, dict[str, Any]]:
    """Return the share of rows above the threshold, and how labels are found, if there are some.

    Parameters
    ----------
    model : FittedModel
        With a threshold.
    features : pyarrow.Table or StreamRows
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
