"""Energies of rows that were not fitted to, against what new rows of the same kind have."""

from unittest.mock import create_autospec

import numpy as np
import pytest

from dagmm.inference.ensemble import Component, Identity, TrainedNetwork, combine, with_shares
from dagmm.inference.surprisal import Surprisal
from dagmm.inference.unfitted import (
    N_PARTS,
    Unfitted,
    combined,
    cross_fitted,
    energies_under,
)
from dagmm.mixture.density import Density
from small_tables import ARCHITECTURE

#: What densities would make of rows stands in the groups already.
DENSITY = create_autospec(Density, instance=True)
N_NETWORKS = 4


def ensemble(groups, n_rows_components=1):
    """Networks and densities of encoded rows that know the energies of some rows."""
    networks = [TrainedNetwork(ARCHITECTURE, np.zeros(1, np.float32)) for _ in range(N_NETWORKS)]
    transforms = [*networks, *[Identity()] * n_rows_components]
    weights = [1.0] * N_NETWORKS + [0.25] * n_rows_components
    return with_shares(
        Component(transform, DENSITY, Surprisal.of(energies_under(groups, i)), weight)
        for i, (transform, weight) in enumerate(zip(transforms, weights, strict=True))
    )


def heavy(rng, *shape):
    """Energies whose tail is heavier than a surprisal takes it to be."""
    return rng.standard_t(2, size=shape) ** 2


def left_out(rng, n_each):
    """Each network leaves out its own rows, which densities of encoded rows score too."""
    return [
        Unfitted(np.arange(i, N_NETWORKS * n_each, N_NETWORKS), [i, N_NETWORKS], energies)
        for i, energies in enumerate(heavy(rng, N_NETWORKS, 2, n_each))
    ]


def test_surprisals_of_a_row_are_learnt_from_the_other_parts_alone():
    groups = left_out(np.random.default_rng(0), n_each=23)
    components = ensemble(groups)
    parts = np.array_split(np.arange(23), N_PARTS)
    expected = []
    for group in groups:
        for part in parts:
            others = np.setdiff1d(np.arange(23), part)
            of_network = Surprisal.of(group.energies[0, others])
            of_rows = Surprisal.of(np.concatenate([one.energies[1, others] for one in groups]))
            own, shared = group.energies[:, part]
            expected.append(0.75 * of_network(own) + 0.25 * of_rows(shared))
    found = cross_fitted(components, groups)
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-12)


def test_new_rows_are_above_a_quantile_of_them_about_as_often_as_it_says():
    def share_above(energies_of):
        shares = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            groups = [
                Unfitted(np.arange(25), [i], energies)
                for i, energies in enumerate(heavy(rng, N_NETWORKS, 1, 25))
            ]
            components = ensemble(groups, n_rows_components=0)
            new = combine(components, np.tile(heavy(rng, 2000), (N_NETWORKS, 1)))
            at = np.quantile(energies_of(components, groups), 0.98, method="weibull")
            shares.append(np.mean(new > at))
        return np.mean(shares)

    assert 0.01 < share_above(cross_fitted) < 0.025
    assert share_above(combined) > 0.035  # by surprisals that the same rows taught


def test_what_has_no_surprisal_or_no_such_rows_stays_as_it_is():
    energies = heavy(np.random.default_rng(1), 1, 30)
    alone = (Component(Identity(), DENSITY),)
    groups = [Unfitted(np.arange(30), [0], energies)]
    np.testing.assert_array_equal(cross_fitted(alone, groups), energies[0])
    assert cross_fitted(alone, []).shape == combined(alone, []).shape == (0,)


@pytest.mark.parametrize("n_rows", [1, 2, 4])
def test_fewer_rows_than_parts_are_each_measured_by_the_others(n_rows):
    energies = np.arange(1.0, 1.0 + n_rows)[None]
    component = Component(Identity(), DENSITY, Surprisal.of(energies[0]))
    found = cross_fitted([component, component], [Unfitted(np.arange(n_rows), [0], energies)])
    others = [np.delete(energies[0], i) for i in range(n_rows)]
    expected = [
        (Surprisal.of(some) if len(some) else component.surprisal)(own)
        for own, some in zip(energies.T, others, strict=True)
    ]
    np.testing.assert_array_equal(found, np.concatenate(expected))
