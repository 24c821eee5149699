from dataclasses import dataclass, replace

import numpy as np
import pytest

from dagmm import DAGMMDetector
from dagmm._core.states import Promise, State
from dagmm.inference.ensemble import Component, Identity, TrainedNetwork, with_shares
from dagmm.mixture.combination import symmetric_exp, symmetric_log
from dagmm.mixture.density import Density
from dagmm.training.splits.folds import Folds
from dagmm.training.splits.out_of_fold import out_of_fold_energies
from small_tables import ARCHITECTURE


@dataclass(frozen=True)
class Distance(Density):
    """A density whose energy is the distance from a place."""

    kind = "distance"

    place: float

    @classmethod
    def fit(cls, sample, rng):
        return cls(float(sample.z.mean()))

    def energy(self, z):
        return np.abs(z[0].astype(np.float64) - self.place)

    @property
    def n_components(self):
        return 1

    def state(self):
        return State({}, {})

    @classmethod
    def from_state(cls, plain, n_latent):
        return Promise({}, lambda arrays: cls(0.0))


FEATURES = np.arange(8, dtype=np.float32)[:, None]
#: Two networks leave out the even rows, one the odd ones.
EVEN, ODD = np.arange(0, 8, 2), np.arange(1, 8, 2)
FOLDS = Folds([ODD, EVEN, ODD], [EVEN, ODD, EVEN])


def network_at(place, location, spread):
    """A component of a network of its own."""
    network = TrainedNetwork(ARCHITECTURE, np.zeros(1, np.float32))
    return Component(network, Distance(place), location, spread)


NETWORKS = [network_at(0.0, 1.0, 2.0), network_at(3.0, 0.5, 1.0), network_at(-2.0, 4.0, 4.0)]


def relative(component, rows):
    energy = component.density.energy(FEATURES[rows].T)
    return symmetric_log((energy - component.location) / component.spread)


def energies_of(components):
    return np.stack([one.density.energy(FEATURES.T) for one in components])


def test_rows_are_scored_by_those_that_were_not_fitted_to_them():
    components = with_shares(NETWORKS)
    energies = energies_of(components)
    found = out_of_fold_energies(components, energies, FEATURES, FOLDS, lambda rows: ())
    # Put on the scale of all three, whoever speaks.
    location, spread = (1.0 + 0.5 + 4.0) / 3, (2.0 + 1.0 + 4.0) / 3
    even = 0.5 * (relative(NETWORKS[0], EVEN) + relative(NETWORKS[2], EVEN))
    expected = np.concatenate([even, relative(NETWORKS[1], ODD)])
    np.testing.assert_allclose(found, location + spread * symmetric_exp(expected), rtol=1e-12)


def test_densities_of_encoded_rows_are_fitted_anew_to_the_other_rows():
    of_rows, fitted_to = Component(Identity(), Distance(1.0), 3.0, 0.5, 0.25), []

    def refit(rows):
        fitted_to.append(rows[:][:, 0].tolist())
        return [replace(of_rows, density=Distance(rows[:].mean()), location=2.0, spread=1.0)]

    components = with_shares([*NETWORKS, of_rows])
    energies = energies_of(components)
    found = out_of_fold_energies(components, energies, FEATURES, FOLDS, refit)
    assert sorted(fitted_to) == [[0.0, 2.0, 4.0, 6.0], [1.0, 3.0, 5.0, 7.0]]
    location = 0.25 * (1.0 + 0.5 + 4.0) + 0.25 * 3.0
    spread = 0.25 * (2.0 + 1.0 + 4.0) + 0.25 * 0.5
    anew = {place: Component(Identity(), Distance(place), 2.0, 1.0) for place in (3.0, 4.0)}
    even = 0.375 * (relative(NETWORKS[0], EVEN) + relative(NETWORKS[2], EVEN))
    even += 0.25 * relative(anew[4.0], EVEN)
    odd = 0.75 * relative(NETWORKS[1], ODD) + 0.25 * relative(anew[3.0], ODD)
    expected = location + spread * symmetric_exp(np.concatenate([even, odd]))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "least"), [(100, 40, 0.02), (150, 120, 0.03), (400, 8, 0.05)]
)
def test_new_rows_of_small_and_wide_tables_are_seldom_anomalies(n_rows, n_columns, least):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, n_columns))

    def rows(n):
        return rng.normal(size=(n, 5)) @ mixing + 0.5 * rng.normal(size=(n, n_columns))

    detector = DAGMMDetector().fit(rows(n_rows))
    # The highest of 100 energies, on the mean, is exceeded by one row in 101.
    assert (detector.predict(rows(4000)) == -1).mean() < 0.05
    # Rows that are left out are judged by networks that saw fewer rows than the model's own, and
    # have higher energies: of the smaller and wider tables p-values are cautious.
    assert least < (detector.p_value(rows(4000)) < 0.1).mean() < 0.13
