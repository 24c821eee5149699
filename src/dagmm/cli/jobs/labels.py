"""Labels: which rows are anomalies, and how well energies find them. Never part of a fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.cli.terminal import note
from dagmm.data.convert import as_rows
from dagmm.data.files.csv_cells import read_number
from dagmm.data.frames import FrameRows
from dagmm.data.images import ImageRows
from dagmm.data.streams import StreamRows
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.sampling import draw, drawn_chunks
from dagmm.report.reservoir import Reservoir

#: Rows of a training table that are scored to compare them with labels, where it is too long to
#: score all.
SCORED_ROWS = 2**18
#: Rows whose energies and labels are kept while a table is scored.
MOST_KEPT = 2**20
_LISTED = 8
_LEAST_NORMAL = 2


def anomalies_of(
    column: pa.ChunkedArray, name: str, normal: Sequence[str], table: str, first_row: int = 0
) -> np.ndarray:
    """Say which rows of a label column are anomalies.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Text, numbers or booleans.
    name : str
    normal : sequence of str
        The values that mean normal; without any, 0 and false do, and text cannot be read.
    table : str
        How messages call the table.
    first_row : int, default=0

    Returns
    -------
    ndarray of shape (n_rows,), bool

    Raises
    ------
    InputError
        If a label is missing, or text and no value is said to be normal.
    """
    encoded = pa.chunked_array(column).combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    holes = np.asarray(encoded.indices.is_null())
    if holes.any():
        raise _missing(table, name, first_row + int(np.argmax(holes)))
    verdicts = np.array([_is_anomaly(value, normal) for value in values], dtype=object)
    for value, verdict in zip(values, verdicts, strict=True):
        if verdict is None and isinstance(value, str) and not value.strip():
            row = int(np.argmax(encoded.indices.to_numpy() == values.index(value)))
            raise _missing(table, name, first_row + row)
        if verdict is None:
            raise InputError(
                f"{table}: label column {name!r} holds text; say which values are normal with "
                f"--normal. Values seen: {_listed(values)}."
            )
    return verdicts.astype(bool)[encoded.indices.to_numpy()]


def check_some_normal(
    anomalous: np.ndarray, column: pa.ChunkedArray, name: str, normal: Sequence[str], table: str
) -> None:
    """Check that a value that was said to be normal occurs at all.

    Raises
    ------
    InputError
        With the values that do.
    """
    if normal and anomalous.all():
        said = ", ".join(repr(value) for value in normal)
        raise InputError(
            f"{table}: no row of label column {name!r} is {said}, as --normal says. "
            f"Values seen: {_listed(column.unique().to_pylist())}."
        )


def normal_rows(
    rows: FrameRows | StreamRows, anomalous: np.ndarray, name: str, done: str, quiet: bool
) -> tuple[FrameRows | StreamRows, str]:
    """Return the rows that are labelled normal, and how messages call them.

    Parameters
    ----------
    rows : FrameRows or StreamRows
    anomalous : ndarray of shape (n_rows,)
        Which rows are anomalies.
    name : str
        How messages call the table.
    done : str
        What is done with the rows, in words.
    quiet : bool

    Raises
    ------
    InputError
        If there are too few.
    """
    n_left_out = int(anomalous.sum())
    n_rows = len(anomalous) - n_left_out
    if n_rows < _LEAST_NORMAL:
        raise InputError(
            f"{name}: {n_rows} of {len(anomalous):,} rows are labelled normal; expected at least "
            f"{_LEAST_NORMAL}."
        )
    if not n_left_out:
        return rows, name
    note(f"{done} {n_rows:,} rows labelled normal; {n_left_out:,} left out", quiet)
    # Rows are numbered among those that are left.
    return rows.where(~anomalous), f"{name}, rows labelled normal"


def quality_of(energy: np.ndarray, anomalous: np.ndarray) -> dict[str, Any]:
    """Area under the ROC curve and average precision; None where rows are all of one kind."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    result: dict[str, Any] = {
        "labelled_anomalies": int(anomalous.sum()),
        "auroc": None,
        "average_precision": None,
    }
    if anomalous.any() and not anomalous.all():
        result["auroc"] = float(roc_auc_score(anomalous, energy))
        result["average_precision"] = float(average_precision_score(anomalous, energy))
    return result


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
        kept = {} if len(energy) == self.n_rows else {"judged_rows": len(energy)}
        quality = quality_of(energy, labels) | {"labelled_anomalies": self.n_anomalies}
        return kept | quality


def detection_quality(
    model: FittedModel,
    features: FrameRows | StreamRows | ImageRows,
    labels: np.ndarray | None,
    only_normal: bool = False,
) -> tuple[float, dict[str, Any]]:
    """Return the share of fitted rows above the threshold, and how labels are found, if any.

    Parameters
    ----------
    model : FittedModel
        With a threshold.
    features : FrameRows, StreamRows or ImageRows
        The training table. Of one that was too large to be held, rows drawn at random are
        scored, and none without labels.
    labels : ndarray of shape (n_rows,) or None
        Which rows are anomalies.
    only_normal : bool, default=False
        Whether these were left out of the fit.
    """
    assert model.threshold is not None, "a detector's model has a threshold"
    if model.record.drawn_rows is None:
        energy = model.energy(features)
        above = is_anomaly(energy, model.threshold)
        fitted = ~labels if labels is not None and only_normal else slice(None)
        share = float(above[fitted].mean())
        return share, {} if labels is None else quality_of(energy, labels)
    training = model.calibration.training
    above = is_anomaly(training.energy, model.threshold)
    share = float(training.weight[above].sum() / training.n_rows)
    if labels is None:
        return share, {}
    numbers = draw(len(labels), min(len(labels), SCORED_ROWS), np.random.default_rng(0))
    rows = as_rows(features).only(model.read_columns)
    parts = [
        model.energy_of_features(model.encoder.encode(chunk))
        for chunk in drawn_chunks(rows, numbers)
    ]
    quality = quality_of(np.concatenate(parts), labels[numbers])
    quality["labelled_anomalies"] = int(labels.sum())
    return share, {"judged_rows": len(numbers), **quality}


def _is_anomaly(value: object, normal: Sequence[str]) -> bool | None:
    number = read_number(str(value))
    if not normal:
        return None if number is None or np.isnan(number) else number != 0.0
    if str(value) in normal:
        return False
    return number is None or number not in [read_number(text) for text in normal]


def _missing(table: str, name: str, row: int) -> InputError:
    return InputError(
        f"{table}: label column {name!r} has no value in row {row}; expected one in each row."
    )


def _listed(values: Sequence[object]) -> str:
    shown = ", ".join(repr(value) for value in values[:_LISTED])
    more = len(values) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown
