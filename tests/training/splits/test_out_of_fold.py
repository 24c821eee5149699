from dataclasses import dataclass, replace

import numpy as np
import pytest

from dagmm import DAGMMDetector
from dagmm._core.states import Promise, State
from dagmm.inference.ensemble import Component, Identity, TrainedNetwork, with_shares
from dagmm.inference.surprisal import Surprisal
from dagmm.inference.unfitted import combined, energies_under
from dagmm.mixture.density import Density
from dagmm.training.splits.folds import Folds
from dagmm.training.splits.holdout import Split
from dagmm.training.splits.out_of_fold import unfitted_energies
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


def exponential(excess):
    return Surprisal(np.zeros(1), np.zeros(1), excess)


def network_at(place, excess):
    """A component of a network of its own."""
    network = TrainedNetwork(ARCHITECTURE, np.zeros(1, np.float32))
    return Component(network, Distance(place), exponential(excess))


NETWORKS = [network_at(0.0, 2.0), network_at(3.0, 1.0), network_at(-2.0, 4.0)]


def surprisal(component, rows):
    return component.density.energy(FEATURES[rows].T) / component.surprisal.excess


def energies_of(components):
    return np.stack([one.density.energy(FEATURES.T) for one in components])


SPLIT = Split(np.arange(8), np.empty(0, np.int64), FOLDS)


def out_of_fold(components, split=SPLIT, refit=lambda places: ()):
    energies = energies_of(components)
    parts = unfitted_energies(components, energies, FEATURES, split, refit)
    return parts, combined(components, parts)


def test_rows_are_scored_by_those_that_were_not_fitted_to_them():
    parts, found = out_of_fold(with_shares(NETWORKS))
    even = 0.5 * (surprisal(NETWORKS[0], EVEN) + surprisal(NETWORKS[2], EVEN))
    expected = np.concatenate([even, surprisal(NETWORKS[1], ODD)])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(np.concatenate([one.places for one in parts]), [*EVEN, *ODD])
    energy = NETWORKS[1].density.energy(FEATURES[ODD].T)
    np.testing.assert_array_equal(energies_under(parts, 1), energy)


def test_densities_of_encoded_rows_are_fitted_anew_to_the_other_rows():
    of_rows, fitted_to = Component(Identity(), Distance(1.0), exponential(0.5), 0.25), []

    def refit(places):
        fitted_to.append(places.tolist())
        return [replace(of_rows, density=Distance(FEATURES[places].mean()))]

    parts, found = out_of_fold(with_shares([*NETWORKS, of_rows]), refit=refit)
    assert sorted(fitted_to) == [[0, 2, 4, 6], [1, 3, 5, 7]]
    # On the scale of the density that the model has.
    anew = {place: replace(of_rows, density=Distance(place)) for place in (3.0, 4.0)}
    even = 0.375 * (surprisal(NETWORKS[0], EVEN) + surprisal(NETWORKS[2], EVEN))
    even += 0.25 * surprisal(anew[4.0], EVEN)
    odd = 0.75 * surprisal(NETWORKS[1], ODD) + 0.25 * surprisal(anew[3.0], ODD)
    np.testing.assert_allclose(found, np.concatenate([even, odd]), rtol=1e-12)
    both = [anew[4.0].density.energy(FEATURES[EVEN].T), anew[3.0].density.energy(FEATURES[ODD].T)]
    np.testing.assert_array_equal(energies_under(parts, 3), np.concatenate(both))


def test_rows_that_are_held_out_are_scored_by_everything():
    held_out = np.array([2, 5])
    split = Split(np.setdiff1d(np.arange(8), held_out), held_out)
    components = with_shares(NETWORKS)
    (part,), found = out_of_fold(components, split)
    assert part.components == [0, 1, 2]
    expected = np.mean([surprisal(one, held_out) for one in NETWORKS], axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_where_everything_is_fitted_to_all_rows_there_are_none():
    parts, found = out_of_fold(with_shares(NETWORKS), Split(np.arange(8), np.empty(0, np.int64)))
    assert parts == []
    assert found.shape == energies_under(parts, 0).shape == (0,)


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "least"), [(100, 40, 0.02), (150, 120, 0.03), (400, 8, 0.05)]
)
def test_new_rows_of_small_and_wide_tables_are_seldom_anomalies(n_rows, n_columns, least):
    def shares(seed):
        rng = np.random.default_rng(seed)
        mixing = rng.normal(size=(5, n_columns))

        def rows(n):
            return rng.normal(size=(n, 5)) @ mixing + 0.5 * rng.normal(size=(n, n_columns))

        detector, new = DAGMMDetector().fit(rows(n_rows)), rows(4000)
        return (detector.predict(new) == -1).mean(), (detector.p_value(new) < 0.1).mean()

    # What so few rows promise holds on the mean over tables.
    above, low = np.mean([shares(seed) for seed in range(3)], axis=0)
    # The highest of 100 energies, on the mean, is exceeded by one row in 101.
    assert above < 0.03
    # Rows that are left out are judged by networks that saw fewer rows than the model's own, and
    # have higher energies: of the smaller and wider tables p-values are cautious.
    assert least < low < 0.13


def test_a_few_rows_with_heavy_tails_do_not_teach_what_they_are_measured_by():
    def share_above(seed):
        rng = np.random.default_rng(seed)
        mixing = rng.normal(size=(5, 8))

        def rows(n):
            return rng.standard_t(3, size=(n, 5)) @ mixing + 0.5 * rng.normal(size=(n, 8))

        detector, new = DAGMMDetector(config={"cycles": 1}).fit(rows(50)), rows(4000)
        return (detector.predict(new) == -1).mean()

    # Twice as many where surprisals of all left out rows are used on the same rows.
    assert np.mean([share_above(seed) for seed in range(3)]) < 0.03
