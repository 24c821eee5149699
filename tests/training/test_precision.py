"""Networks compute in float64 where a density makes so much of their rounding that it shows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import oracle
from dagmm.inference.ensemble import Component, Identity, TrainedNetwork, combine, energies_of
from dagmm.inference.surprisal import Surprisal
from dagmm.mixture.density import Sample
from dagmm.mixture.row_mixture import InputMixture, RowMixture
from dagmm.networks.network import flatten
from dagmm.training.precision import with_precision
from small_tables import ARCHITECTURE, correlated_rows

WHOLE_ROW = replace(ARCHITECTURE, whole_row=True)
ROWS = correlated_rows(n_rows=600)
RNG = np.random.default_rng(0)
#: Floors of a density's covariance beside its variance: one that keeps directions in which eight
#: numbers made of six do not vary, and one that does not.
SENSITIVE, BLUNT = 1e-10, 0.1


def component(seed, relative_floor, weight=1.0):
    parameters = flatten(WHOLE_ROW.build(np.random.default_rng(seed)))
    network = TrainedNetwork(WHOLE_ROW, parameters)
    options = {"candidates": (1,), "relative_floor": relative_floor, "least_phi": 0.0}
    sample = Sample(network.seen(ROWS), WHOLE_ROW.n_code)
    return Component(network, RowMixture.fit(sample, RNG, **options), weight=weight)


def component_of_rows():
    options = {"candidates": (1,), "relative_floor": 1e-3, "least_phi": 0.0}
    sample = Sample(ROWS.T, ROWS.shape[1])
    return Component(Identity(), InputMixture.fit(sample, RNG, **options))


def exact_energy(one):
    """In float64 throughout, and by nothing of the library but its parameters."""
    named = WHOLE_ROW.named(one.transform.parameters)
    z, x_hat = oracle.latent(named, ROWS)
    seen = np.hstack([np.asarray(z)[:, : WHOLE_ROW.n_code], ROWS - np.asarray(x_hat)])
    mixture = one.density.mixture
    return -multivariate_normal.logpdf(seen, mixture.mu[0], mixture.cov[0])


def with_surprisals(parts):
    return tuple(
        replace(one, surprisal=Surprisal.of(energy))
        for one, energy in zip(parts, energies_of(parts, ROWS), strict=True)
    )


@pytest.fixture(scope="module")
def sensitive():
    return component(0, SENSITIVE)


def test_a_network_whose_rounding_shows_computes_in_float64(sensitive):
    (made,) = with_precision((sensitive,), ROWS)
    assert made.transform.parameters.dtype == np.float64
    np.testing.assert_array_equal(made.transform.parameters, sensitive.transform.parameters)
    expected = exact_energy(sensitive)
    rounded = combine([sensitive], energies_of([sensitive], ROWS))
    assert np.abs(rounded / expected - 1.0).max() > 1e-5
    found = combine([made], energies_of([made], ROWS))
    # What is left is of the covariance, whose factor is known to fewer digits than it has.
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_others_stay_as_they_are():
    components = (component(0, BLUNT),)
    assert with_precision(components, ROWS) is components


def test_each_network_is_asked_by_itself(sensitive):
    """All densities of one have the same network, those of others and of rows stay."""
    blunt = component(1, BLUNT)
    of_rows = component_of_rows()
    second = replace(sensitive, density=component(2, BLUNT).density)
    weighted = ((sensitive, 0.7), (blunt, 0.1), (of_rows, 0.1), (second, 0.1))
    parts = tuple(replace(one, weight=weight) for one, weight in weighted)
    parts = with_surprisals(parts)
    made = with_precision(parts, ROWS)
    assert made[1].transform is blunt.transform
    assert made[2].transform is of_rows.transform
    assert made[0].transform is made[3].transform
    assert made[0].transform.parameters.dtype == np.float64
    assert [one.density for one in made] == [one.density for one in parts]


def test_what_counts_next_to_nothing_shows_nothing(sensitive):
    parts = (replace(sensitive, weight=1e-9), replace(component_of_rows(), weight=1.0 - 1e-9))
    parts = with_surprisals(parts)
    assert with_precision(parts, ROWS) is parts
