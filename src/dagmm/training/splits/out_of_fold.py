"""Energies of training rows by what was not fitted to them."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int64

from dagmm._core.parallel import parallel_map
from dagmm.inference.ensemble import (
    Component,
    combine_held_out,
    energies_of_all,
    networks_of,
    with_shares,
)
from dagmm.preprocessing.row_views import FeatureMatrix, RowSubset
from dagmm.training.splits.folds import Folds


def places_held_out(folds: Folds) -> Int64[np.ndarray, " n_held_out"]:
    """Return which rows some network was not fitted to, group by group."""
    return np.concatenate([folds.held_out[group[0]] for group in folds.groups()])


def out_of_fold_energies(
    components: Sequence[Component],
    energies: Float[np.ndarray, "n_components n_rows"],
    inputs: FeatureMatrix,
    folds: Folds,
    refit: Callable[[FeatureMatrix], Sequence[Component]],
) -> Float[np.ndarray, " n_held_out"]:
    """One energy for each row that some network was not fitted to, by such networks alone.

    Densities of the encoded rows are fitted to all of them: here they are fitted anew to the
    others. Most rows have a single network to speak of them, which varies more than the mean of
    all, so that shares of new rows found from these energies are rather a little low than high;
    ``benchmarks/false_alarms.py`` measures them.

    Parameters
    ----------
    components : sequence of Component
        All of a model.
    energies : ndarray of shape (n_components, n_rows)
        That they give to the training rows.
    inputs : FeatureMatrix of shape (n_rows, n_features)
        Encoded training rows, or windows.
    folds : Folds
        Which rows no network of a group was fitted to.
    refit : callable
        Takes encoded rows and returns densities of them, fitted anew.

    Returns
    -------
    ndarray of shape (n_held_out,)
        In nats, group by group: in the order of :func:`places_held_out`.
    """
    networks = networks_of(components)

    def part(group: list[int]) -> tuple[Sequence[Component], np.ndarray]:
        fitted, held_out = folds.fitted[group[0]], folds.held_out[group[0]]
        own = [networks[i] for i in group]
        of_group = [i for i, one in enumerate(components) if any(one.transform is n for n in own)]
        again = refit(RowSubset(inputs, fitted))
        parts = [energies[of_group][:, held_out]]
        if again:
            parts.append(energies_of_all(again, RowSubset(inputs, held_out)))
        some = with_shares([*(components[i] for i in of_group), *again])
        return some, np.concatenate(parts)

    return combine_held_out(components, parallel_map(part, folds.groups()))
