"""Energies of rows that the training table has and that were not fitted to."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int64

from dagmm._core.parallel import parallel_map
from dagmm.inference.ensemble import Component, energies_of_all, networks_of
from dagmm.inference.unfitted import Unfitted
from dagmm.preprocessing.row_views import FeatureMatrix, RowSubset
from dagmm.training.splits.holdout import Split

#: Fits densities of encoded rows, and their views, anew to rows at some places, in the order of a
#: model.
Refit = Callable[[np.ndarray], Sequence[Component]]


def unfitted_energies(
    components: Sequence[Component],
    energies: Float[np.ndarray, "n_components n_rows"],
    inputs: FeatureMatrix,
    split: Split,
    refit: Refit,
) -> list[Unfitted]:
    """Score rows by what was not fitted to them.

    Rows that are held out of the fit by all components; rows that some networks left out by
    these networks, and by densities of encoded rows that are fitted anew to the others. Most of
    such rows have a single network to speak of them, which varies more than the mean of all, so
    that shares of new rows found from these energies are rather a little low than high;
    ``benchmarks/false_alarms.py`` measures them.

    Parameters
    ----------
    components : sequence of Component
        All of a model: those of networks, then those of encoded rows.
    energies : ndarray of shape (n_components, n_rows)
        That they give to the rows.
    inputs : FeatureMatrix of shape (n_rows, n_features)
        Encoded rows, or windows.
    split : Split
    refit : callable
        Takes places of rows and returns densities of these, fitted anew.

    Returns
    -------
    list of Unfitted
        Group by group, rows as they follow each other; none where everything is fitted to all
        rows.
    """
    if len(split.held_out):
        everyone = list(range(len(components)))
        held_out = _in_order(split.held_out, split)
        return [Unfitted(held_out, everyone, energies[:, held_out])]
    if split.folds is None:
        return []
    networks, folds = networks_of(components), split.folds
    of_rows = [i for i, one in enumerate(components) if not _is_of(one, networks)]

    def of_group(group: list[int]) -> Unfitted:
        fitted, held_out = folds.fitted[group[0]], _in_order(folds.held_out[group[0]], split)
        own = [networks[i] for i in group]
        of_networks = [i for i, one in enumerate(components) if _is_of(one, own)]
        anew = refit(fitted)
        parts = [energies[of_networks][:, held_out]]
        if anew:
            parts.append(energies_of_all(anew, RowSubset(inputs, held_out)))
        return Unfitted(held_out, [*of_networks, *of_rows], np.concatenate(parts))

    return list(parallel_map(of_group, folds.groups()))


def _in_order(places: Int64[np.ndarray, " n_some"], split: Split) -> Int64[np.ndarray, " n_some"]:
    return places[split.as_they_follow(places)]


def _is_of(component: Component, networks: Sequence[object]) -> bool:
    return any(component.transform is network for network in networks)
