"""The ensemble's energies of rows that its parts were not fitted to, as of new rows.

Such rows say where a threshold lies. They also say what energies of each component are usual: its
surprisals are learnt from them. By surprisals that it helped to learn, a row looks a little more
usual than a new one does, much more so where few rows make a heavy tail. Here each part of the
rows is measured by surprisals that were learnt from the others (cross-fitting).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from dagmm.inference.ensemble import Component, combine, with_shares
from dagmm.inference.surprisal import Surprisal

#: Parts of each group of rows; surprisals of one are learnt from the others.
N_PARTS = 5


class Unfitted(NamedTuple):
    """Some rows as they follow each other, and what was not fitted to them."""

    places: Int64[np.ndarray, " n_some"]
    """Their positions."""
    components: list[int]
    """Positions of components that were not, or whose densities were fitted anew without them."""
    energies: Float[np.ndarray, "n_components n_some"]

    def only(self, some: Int64[np.ndarray, " n_fewer"]) -> "Unfitted":
        """Return some of these rows."""
        return self._replace(places=self.places[some], energies=self.energies[:, some])


def energies_under(groups: Sequence[Unfitted], component: int) -> Float[np.ndarray, " n_some"]:
    """Energies of the rows that a component was not fitted to, by this component."""
    found = [
        one.energies[one.components.index(component)]
        for one in groups
        if component in one.components
    ]
    return np.concatenate([np.empty(0), *found])


def combined(
    components: Sequence[Component], groups: Sequence[Unfitted]
) -> Float[np.ndarray, " n_unfitted"]:
    """One energy for each row, by what was not fitted to it, group by group, in nats."""
    energies = [
        combine(with_shares([components[i] for i in one.components]), one.energies)
        for one in groups
    ]
    return np.concatenate([np.empty(0), *energies])


def cross_fitted(
    components: Sequence[Component], groups: Sequence[Unfitted]
) -> Float[np.ndarray, " n_unfitted"]:
    """One energy for each row as :func:`combined` makes it, by surprisals learnt from other rows.

    For components whose surprisals were learnt from these very rows. Each group is cut into parts
    of rows that follow each other, as neighbours say the same; see Chernozhukov et al.,
    *Double/debiased machine learning* (2018), for cross-fitting.

    Parameters
    ----------
    components : sequence of Component
    groups : sequence of Unfitted

    Returns
    -------
    ndarray of shape (n_unfitted,)
        Group by group, in nats.
    """
    parts = [np.array_split(np.arange(len(one.places)), N_PARTS) for one in groups]
    energies = [np.empty(len(one.places)) for one in groups]
    for k in range(N_PARTS):
        others = [
            one.only(np.concatenate([part for i, part in enumerate(own) if i != k]))
            for one, own in zip(groups, parts, strict=True)
        ]
        learnt = [_learnt(one, energies_under(others, i)) for i, one in enumerate(components)]
        for energy, one, own in zip(energies, groups, parts, strict=True):
            energy[own[k]] = combined(learnt, [one.only(own[k])])
    return np.concatenate([np.empty(0), *energies])


def _learnt(component: Component, energy: Float[np.ndarray, " n_some"]) -> Component:
    """Learn a component's surprisals from other energies, if it has any and there are any."""
    if component.surprisal is None or not len(energy):
        return component
    return replace(component, surprisal=Surprisal.of(energy))
