"""In which type networks compute when they score: float32, or float64 where it shows.

A density sees how far a row is from what a network rebuilds of it, where the leading digits
cancel, and whitens that: of residuals that hardly vary it makes as much as of others. What sums in
float32 round, which is not the same on each processor nor in each runtime, may then be seen in an
energy. Where that is so follows from network and density, so it is measured, once, at the fit.
Networks are trained in float32 all the same, and have these parameters in either type.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dagmm.inference.ensemble import (
    Component,
    combine,
    energies_of,
    networks_of,
    surprisals_of,
    weights_of,
)
from dagmm.preprocessing.row_views import FeatureMatrix

#: Most that rounding in one network may move the energy of a training row, in nats, relative to
#: energies above one nat: a tenth of what energies elsewhere may differ by, as other rows, other
#: processors and several networks at once have more.
MOST_ROUNDING = 1e-6
#: Rows that are looked at, evenly over the training rows.
_MOST_ROWS = 4096


def with_precision(
    components: tuple[Component, ...], inputs: FeatureMatrix
) -> tuple[Component, ...]:
    """Return components whose networks compute in float64 where float32 would show.

    Parameters
    ----------
    components : tuple of Component
        As they score; what is learnt of their energies is to be learnt anew where a network
        changes.
    inputs : FeatureMatrix of shape (n_rows, n_inputs)
        Encoded training rows, or windows.

    Returns
    -------
    tuple of Component
        The same where no rounding shows.
    """
    networks = [one for one in networks_of(components) if not one.architecture.is_compiled]
    exact = _in_float64(components, [id(one) for one in networks])
    rows = inputs[:: -(-len(inputs) // _MOST_ROWS)]
    energies, of_exact = (energies_of(some, rows) for some in (components, exact))
    rounded, surprisal = (surprisals_of(exact, some) for some in (energies, of_exact))
    moved = weights_of(exact)[:, None] * np.abs(rounded - surprisal)
    moved /= np.maximum(1.0, np.abs(combine(exact, of_exact)))
    shown = []
    for network in networks:
        own = [one.transform is network for one in components]
        if moved[own].sum(axis=0).max() > MOST_ROUNDING:
            shown.append(id(network))
    return _in_float64(components, shown) if shown else components


def _in_float64(components: Sequence[Component], networks: Sequence[int]) -> tuple[Component, ...]:
    """Return components some of whose networks, by their identity, compute in float64."""
    made = {
        id(one): replace(one, parameters=one.parameters.astype(np.float64))
        for one in networks_of(components)
        if id(one) in networks
    }
    return tuple(
        replace(one, transform=made.get(id(one.transform), one.transform)) for one in components
    )
