"""Energies of training rows by what was not fitted to them."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32

from dagmm._core.parallel import parallel_map
from dagmm.inference.ensemble import Beside, Judge, combine_held_out
from dagmm.preprocessing.row_views import FeatureMatrix, RowSubset
from dagmm.training.splits.folds import Folds


def out_of_fold_energies(
    judges: tuple[Judge, ...],
    energies: Float[np.ndarray, "n_judges n_rows"],
    features: Float32[np.ndarray, "n_rows n_features"],
    folds: Folds,
    fit_beside: Callable[[FeatureMatrix], Beside],
) -> Float[np.ndarray, " n_held_out"]:
    """One energy for each row that some network was not fitted to, by such networks alone.

    What stands beside the networks is fitted to all rows: here it is fitted anew to the others.
    Most rows have a single network to speak of them, which varies more than the mean of all, so
    that shares of new rows found from these energies are rather a little low than high;
    ``benchmarks/false_alarms.py`` measures them.

    Parameters
    ----------
    judges : tuple of Member, MarginalMixtures or InputMixture
        All of a model, members first.
    energies : ndarray of shape (n_judges, n_rows)
        That they give to the training rows.
    features : ndarray of shape (n_rows, n_features), float32
        Encoded training rows.
    folds : Folds
        Which rows no member of a group was fitted to.
    fit_beside : callable
        Takes encoded rows and returns what stands beside the members, fitted to them; None for
        what does not.

    Returns
    -------
    ndarray of shape (n_held_out,)
        In nats, group by group.
    """

    def part(group: list[int]) -> tuple[tuple[Judge, ...], np.ndarray]:
        fitted, held_out = folds.fitted[group[0]], folds.held_out[group[0]]
        beside = [judge for judge in fit_beside(RowSubset(features, fitted)) if judge is not None]
        of_beside = [judge.energy(features[held_out]) for judge in beside]
        some = (*(judges[i] for i in group), *beside)
        return some, np.stack([*energies[group][:, held_out], *of_beside])

    return combine_held_out(judges, parallel_map(part, folds.groups()))
