"""How good, how stable and how alike the answers of several methods are."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import average_precision_score, roc_auc_score

from dagmm._core.ranks import rank_correlation

#: Without labels, the strangest rows that methods are asked to agree on: this share of the rows.
TOP_SHARE = 0.01
#: And never fewer than this.
TOP_ROWS = 10


def quality_of(
    strangeness: Float[np.ndarray, " n_rows"], anomalous: Bool[np.ndarray, " n_rows"]
) -> dict[str, float | None]:
    """Area under the ROC curve, average precision, and F1 at the true share of anomalies.

    Parameters
    ----------
    strangeness : ndarray of shape (n_rows,)
        Higher is stranger.
    anomalous : ndarray of shape (n_rows,), bool

    Returns
    -------
    dict
        ``auroc``, ``average_precision``, ``f1``; None where rows are all of one kind.
    """
    if anomalous.all() or not anomalous.any():
        return {"auroc": None, "average_precision": None, "f1": None}
    return {
        "auroc": float(roc_auc_score(anomalous, strangeness)),
        "average_precision": float(average_precision_score(anomalous, strangeness)),
        "f1": f1_at_true_share(strangeness, anomalous),
    }


def f1_at_true_share(
    strangeness: Float[np.ndarray, " n_rows"], anomalous: Bool[np.ndarray, " n_rows"]
) -> float:
    """F1 where as many rows are called anomalies as there are.

    Precision, recall and F1 are then the same number. Where the last rows to be called are as
    strange as others that are not, the mean over all ways to choose among them.
    """
    n_called = int(anomalous.sum())
    last = np.sort(strangeness)[-n_called]
    above, level = strangeness > last, strangeness == last
    hits = anomalous[above].sum() + (n_called - above.sum()) * anomalous[level].mean()
    return float(hits / n_called)


def n_top_of(n_rows: int, anomalous: Bool[np.ndarray, " n_rows"] | None) -> int:
    """How many of the strangest rows are looked at: the anomalies, or one row in a hundred."""
    if anomalous is not None and anomalous.any() and not anomalous.all():
        return int(anomalous.sum())
    return min(max(TOP_ROWS, round(TOP_SHARE * n_rows)), max(1, n_rows // 2))


def overlap_of(
    a: Float[np.ndarray, " n_rows"], b: Float[np.ndarray, " n_rows"], n_top: int
) -> float:
    """Share of the ``n_top`` strangest rows by one method that are also so by another."""
    tops = [set(np.argsort(-one, kind="stable")[:n_top].tolist()) for one in (a, b)]
    return len(tops[0] & tops[1]) / n_top


def stability_of(runs: Float[np.ndarray, "n_runs n_rows"]) -> float | None:
    """Mean rank correlation between the runs of one method; None for a single run."""
    n_runs = len(runs)
    pairs = [rank_correlation(runs[i], runs[j]) for i in range(n_runs) for j in range(i)]
    return float(np.mean(pairs)) if pairs else None


def mean_over(values: list[Any]) -> float | None:
    """Mean of those that are there."""
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if present else None
