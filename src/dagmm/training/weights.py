"""What each part of an ensemble counts: the more, the better its view tells a row from its code.

Parts look at rows in different ways, and which way shows what is strange depends on the table.
What can be measured without knowing what is strange is how well networks rebuild rows that they
are not fitted to: where they rebuild values far better than normal scores, relations between
values are what there is to know. A part counts by the inverse of that relative error, as an
estimate does by the inverse of its variance. Marginal densities rebuild nothing, and have a share
of their own.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dagmm.inference.ensemble import Component
from dagmm.preprocessing.row_views import FeatureMatrix, RowView, viewed
from dagmm.training.training_run import TrainedMember

#: Rows, at most, that variances are taken of.
_ROWS = 4096
#: Errors below this count as equally small.
_LEAST_ERROR = 1e-4


def weigh(
    components: Sequence[Component],
    members: Sequence[tuple[RowView | None, TrainedMember]],
    inputs: FeatureMatrix,
) -> tuple[Component, ...]:
    """Give components their shares of the energy, with sum 1.

    Parameters
    ----------
    components : sequence of Component
        With what each counts by itself: marginal ones their share, others relative to each other.
    members : sequence of (NormalScores or None, TrainedMember)
        As what each network sees rows, and what its training recorded.
    inputs : FeatureMatrix of shape (n_rows, n_features)
        Encoded rows.
    """
    errors: dict[bool, list[float]] = {}
    for view, member in members:
        if member.held_out_error is not None:
            variance = _variance(viewed(inputs, view))
            error = member.held_out_error / variance if variance > 0.0 else 1.0
            errors.setdefault(view is None, []).append(float(np.clip(error, _LEAST_ERROR, 1.0)))

    def precision(one: Component) -> float:
        found = errors.get(one.transform.view is None)
        return 1.0 / float(np.mean(found)) if found else 1.0

    is_marginal = np.array([one.density.is_marginal for one in components])
    weights = np.array([one.weight for one in components])
    of_views = weights * [precision(one) for one in components] * ~is_marginal
    marginal = weights * is_marginal
    if of_views.any():
        shares = marginal + (1.0 - marginal.sum()) * of_views / of_views.sum()
    else:
        shares = marginal / marginal.sum()
    return tuple(
        replace(one, weight=float(share)) for one, share in zip(components, shares, strict=True)
    )


def _variance(rows: FeatureMatrix) -> float:
    """Mean squared distance of rows from their mean."""
    some = rows[:: -(-len(rows) // _ROWS)]
    return float(some.var(axis=0, dtype=np.float64).sum())
