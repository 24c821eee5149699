"""Why rows of a table are strange, as a table: what columns hold, and what was expected."""

import numpy as np
import pyarrow as pa

from dagmm.inference.batches import Scored, explained
from dagmm.inference.explain.attribution import Explainer, Explanation, texts_at
from dagmm.inference.fitted_model import FittedModel


def names_of_reasons(top: int) -> list[str]:
    """Columns of :func:`reasons_of` beside those that pass through."""
    parts = ("top_feature", "contribution", "value", "expected")
    numbered = [f"{part}_{i + 1}" for i in range(top) for part in parts]
    return ["row", "energy", "reference_energy", "is_explained", *numbered]


def reasons_of(
    explainer: Explainer,
    model: FittedModel,
    part: Scored,
    wanted: np.ndarray,
    passed: list[str],
    top: int,
) -> pa.Table:
    """Say why some rows that were scored are strange.

    Parameters
    ----------
    explainer : Explainer
        Of that model.
    model : FittedModel
    part : Scored
    wanted : ndarray of shape (n_rows,), bool
        The rows to explain.
    passed : list of str
        Columns that come out as they are.
    top : int
        How many columns to name for each row.

    Returns
    -------
    pyarrow.Table
        Columns in ``passed``, then those of :func:`names_of_reasons`; ``row`` is the number in the
        whole table.
    """
    table = part.batch.table.filter(pa.array(wanted))
    features = table.select(list(model.encoder.columns))
    explanation = explained(explainer, model, part, wanted)
    result = table.select(passed)
    reasons = _reasons(explanation, features, part.batch.start + np.flatnonzero(wanted), top)
    for name in reasons.column_names:
        result = result.append_column(name, reasons[name])
    return result


def _reasons(explanation: Explanation, features: pa.Table, row: np.ndarray, top: int) -> pa.Table:
    """Say why each row is strange, with its number and values in the whole table."""
    table = explanation.to_table(top).set_column(0, "row", pa.array(row))
    places = explanation.strongest(top)
    values = [features[name] for name in explanation.columns]
    for i in range(top):
        at = table.column_names.index(f"expected_{i + 1}")
        table = table.add_column(at, f"value_{i + 1}", texts_at(values, places[:, i]))
    return table
