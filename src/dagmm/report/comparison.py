"""The model's method beside others, on a sample of the scored rows, in bounded time."""

from dataclasses import dataclass

import numpy as np

from dagmm._core.errors import InputError, MissingExtraError
from dagmm._core.lazy_imports import check_jax
from dagmm.evaluation.result import Comparison
from dagmm.report.collect import ReportData

#: What is compared: no network but DAGMM itself, so that it takes half a minute.
METHODS = (
    "dagmm",
    "mahalanobis",
    "one_class_svm",
    "gaussian_mixture",
    "lof",
    "isolation_forest",
    "knn",
    "pca",
)
#: Most rows to learn from, and most to score; fits of each method.
MOST_ROWS, RUNS = 2000, 2


@dataclass(frozen=True)
class Compared:
    """What the comparison found, or why there is none.

    Parameters
    ----------
    result : Comparison or None
    reason : str
        Why there is none.
    """

    result: Comparison | None
    reason: str = ""


def compared(data: ReportData) -> Compared:
    """Compare methods on rows drawn at random, alarms among them as often as in the table."""
    features, labels = drawn(data, 2 * MOST_ROWS)
    known = labels if data.labels else None
    try:
        check_jax("a comparison with other methods")
        from dagmm.evaluation.compare import compare  # DAGMM is fitted, which is long to import

        result = compare(
            features.astype(np.float64), known, METHODS, n_runs=RUNS, max_rows=MOST_ROWS
        )
    except (InputError, MissingExtraError) as error:  # such as too few rows
        return Compared(None, str(error))
    return Compared(result)


def drawn(data: ReportData, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return encoded rows drawn at random, and which of them are labelled anomalies.

    Returns
    -------
    features : ndarray of shape (n_drawn, n_features)
    labels : ndarray of shape (n_drawn,), bool
        In the order of the table.
    """
    normal, alarms = data.normal, data.alarms
    # The smaller of both samples decides how many rows keep both in proportion.
    n_drawn = min(most, data.n_rows)
    for sample in (normal, alarms):
        if sample.n_seen > len(sample):
            n_drawn = min(n_drawn, int(len(sample) * data.n_rows / sample.n_seen))
    n_alarms = round(n_drawn * alarms.n_seen / max(1, data.n_rows))
    take = ((normal, n_drawn - n_alarms), (alarms, n_alarms))
    features, labels, row = (
        np.concatenate([sample.first(name, n) for sample, n in take])
        for name in ("inputs", "label", "row")
    )
    order = np.argsort(row, kind="stable")
    return features[order], labels[order]
