"""What each part of an ensemble counts: the more, the better its view tells a row from its code.

Parts look at rows in different ways, and which way shows what is strange depends on the table.
What can be measured without knowing what is strange is how well networks rebuild rows that they
are not fitted to: where they rebuild values far better than normal scores, relations between
values are what there is to know. A part counts by the inverse of that relative error, as an
estimate does by the inverse of its variance. Mixtures of encoded rows know straight relations:
where principal components as wide as the code leave far more of the rows than networks do, the
relations bend. Their error is taken to lie between the two, at the geometric mean. Marginal
densities rebuild nothing, and have a share of their own.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from dagmm.inference.ensemble import Component, TrainedNetwork, networks_of
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
    of_networks: dict[bool, list[float]] = {}
    for view, member in members:
        if member.held_out_error is not None:
            variance = _variance(viewed(inputs, view))
            error = member.held_out_error / variance if variance > 0.0 else 1.0
            of_networks.setdefault(view is None, []).append(_bounded(error))
    networks = networks_of(components)
    n_code = max((one.architecture.n_code for one in networks), default=1)

    def error_of(one: Component) -> float:
        view = one.transform.view
        found = of_networks.get(view is None)
        if one.density.is_marginal or not found:
            return 1.0
        error = float(np.mean(found))
        if isinstance(one.transform, TrainedNetwork):
            return error
        return math.sqrt(error * _bounded(_linear_error(viewed(inputs, view), n_code)))

    is_marginal = np.array([one.density.is_marginal for one in components])
    weights = np.array([one.weight for one in components])
    of_views = weights / [error_of(one) for one in components] * ~is_marginal
    marginal = weights * is_marginal
    if of_views.any():
        shares = marginal + (1.0 - marginal.sum()) * of_views / of_views.sum()
    else:
        shares = marginal / marginal.sum()
    return tuple(
        replace(one, weight=float(share)) for one, share in zip(components, shares, strict=True)
    )


def _bounded(error: float) -> float:
    return float(np.clip(error, _LEAST_ERROR, 1.0))


def _variance(rows: FeatureMatrix) -> float:
    """Mean squared distance of rows from their mean."""
    return float(_some(rows).var(axis=0).sum())


def _linear_error(rows: FeatureMatrix, n_code: int) -> float:
    """Share of their variance that so many principal components leave of rows."""
    some = _some(rows)
    centred = some - some.mean(axis=0)
    variance = np.maximum(np.linalg.eigvalsh(centred.T @ centred)[::-1], 0.0)
    return float(variance[n_code:].sum() / variance.sum()) if variance.any() else 1.0


def _some(rows: FeatureMatrix) -> Float[np.ndarray, "n_some n_features"]:
    return rows[:: -(-len(rows) // _ROWS)].astype(np.float64)
