"""Values so far from the others of their column that a model sees little else."""

import warnings

import numpy as np
from jaxtyping import Float

from dagmm._core.errors import TableWarning
from dagmm._core.wording import given, is_option
from dagmm.data.base import Rows
from dagmm.preprocessing.columns.number_text import numbers_in
from dagmm.preprocessing.table_encoder import TableEncoder

#: Numbers that stand for a hole besides those of nines, and from where on all do.
_MARKS, _IMPOSSIBLE = (32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1), 1e30
#: So many times as far from the others as these are from each other a mark of a hole is.
_FAR = 10.0
#: Rows whose values are compared with their features, and different values that say enough.
_COMPARED_ROWS, _ENOUGH_DIFFERENT = 1000, 10


def warn_of_far_values(rows: Rows, encoder: TableEncoder) -> None:
    """Warn of columns with values so far away that the others have the same feature."""
    numbers = encoder.numbers
    chunk = rows.chunk(0, min(rows.n_rows, _COMPARED_ROWS))
    formats = {column.name: column.format for column in encoder.number_texts}
    values = numbers_in(chunk, numbers.names, formats, is_training=True)
    values = values.astype(np.float64, copy=False)
    features = numbers.encode(values).astype(np.float32)
    for i, name in enumerate(numbers.names):
        is_known = ~np.isnan(values[:, i])
        mark = _mark_among(values[is_known, i])
        if mark is not None:
            n_marks = int((values[:, i] == mark).sum())
            warnings.warn(
                f"column {name!r} holds {mark:g} in {n_marks} of the first {chunk.n_rows} rows, "
                "far from all that it holds besides. If that stands for a missing value, replace "
                f"it by NaN{_na_option(mark)}.",
                TableWarning,
                stacklevel=3,
            )
            continue
        n_values, n_features = (len(np.unique(part[is_known, i])) for part in (values, features))
        if n_values >= _ENOUGH_DIFFERENT and 2 * n_features < n_values:
            warnings.warn(
                f"column {name!r} has values so far from the others that these look the same to "
                f"the model: the {n_values} different values of the first {chunk.n_rows} rows "
                f"become {n_features} different features. Replace what is no reading by NaN.",
                TableWarning,
                stacklevel=3,
            )


def _na_option(mark: float) -> str:
    return f", or pass {given('na', f'{mark:g}')}" if is_option("na") else ""


def _mark_among(values: Float[np.ndarray, " n_values"]) -> float | None:
    """Return a number that seems to stand for a hole: one of nines, say, far from the others."""
    for value in {float(values.min()), float(values.max())} if len(values) else ():
        digits = f"{abs(value):.15g}".replace(".", "")
        is_mark = len(digits) > 2 and set(digits) == {"9"}
        if not (is_mark or abs(value) in _MARKS or abs(value) >= _IMPOSSIBLE):
            continue
        others = values[values != value]
        if len(np.unique(others)) < _ENOUGH_DIFFERENT:
            continue
        low, high = np.quantile(others, [0.05, 0.95])
        if max(low - value, value - high) > _FAR * (high - low):
            return value
    return None
