"""How a fitted model does on its own training table."""

from typing import Any

import numpy as np
import pyarrow as pa

from dagmm.cli.labels import quality_of
from dagmm.drawing import draw, drawn_chunks
from dagmm.fitted import FittedModel
from dagmm.rows import StreamRows, rows_of
from dagmm.threshold import is_anomaly

#: Rows that are scored to judge by labels where the table is too long to score all.
JUDGED_ROWS = 2**18


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
    rows = rows_of(features).only(model.columns)
    parts = [
        model.energy_of_features(model.encoder.encode(chunk))
        for chunk in drawn_chunks(rows, numbers)
    ]
    quality = quality_of(np.concatenate(parts), labels[numbers])
    return share, {"judged_rows": len(numbers), **quality}
