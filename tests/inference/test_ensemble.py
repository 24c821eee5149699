"""Several energies of a row made one, and how far they disagree."""

import pickle
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.states import Promise, State
from dagmm.data.base import CHUNK_ROWS
from dagmm.inference.ensemble import (
    Component,
    Identity,
    TrainedNetwork,
    combine,
    combined_slopes,
    disagreement,
    energies_of,
    energies_of_all,
    networks_of,
    with_shares,
)
from dagmm.inference.forward import DenseNetworks, outputs_of
from dagmm.inference.surprisal import Surprisal
from dagmm.mixture.density import Density
from dagmm.networks.network import flatten
from dagmm.preprocessing.row_views import RowSubset
from small_tables import ARCHITECTURE, correlated_rows

quick = settings(deadline=None, derandomize=True, max_examples=50)


@dataclass(frozen=True)
class FirstCoordinate(Density):
    """A density whose energy is the first coordinate of z."""

    kind = "first_coordinate"

    @classmethod
    def fit(cls, sample, rng):
        return cls()

    def energy(self, z):
        return z[0].astype(np.float64)

    @property
    def n_components(self):
        return 1

    def state(self):
        return State({}, {})

    @classmethod
    def from_state(cls, plain, n_latent):
        plain.fields()
        return Promise({}, lambda arrays: cls())


NETWORKS = [TrainedNetwork(ARCHITECTURE, np.zeros(1, np.float32)) for _ in range(4)]


def exponential(excess):
    """The surprisal of energies that fall off exponentially from 0 on."""
    return Surprisal(np.zeros(1), np.zeros(1), excess)


def components(*excesses):
    """A component of each of some networks, with surprisals of some slopes."""
    return with_shares(
        Component(network, FirstCoordinate(), exponential(excess))
        for network, excess in zip(NETWORKS, excesses, strict=False)
    )


def test_one_component_alone_keeps_its_energies():
    energy = np.array([[3.0, -1e9, 7.5]])
    alone = [Component(NETWORKS[0], FirstCoordinate())]
    np.testing.assert_array_equal(combine(alone, energy), energy[0])


def test_the_energy_is_the_weighted_mean_of_surprisals():
    one, other = components(1.0, 4.0)
    parts = [replace(one, weight=0.75), replace(other, weight=0.25)]
    combined = combine(parts, np.array([[3.0, -2.0], [8.0, 0.0]]))
    np.testing.assert_allclose(combined, [0.75 * 3.0 + 0.25 * 2.0, 0.0], rtol=1e-12)


def test_part_of_an_ensemble_is_on_the_scale_of_the_whole():
    whole = components(1.0, 1.0, 1.0)
    energy = np.random.default_rng(2).exponential(size=(3, 200))
    (alone,) = with_shares(whole[:1])
    np.testing.assert_allclose(combine([alone], energy[:1]), energy[0], rtol=1e-12)


@quick
@given(
    energies=st.lists(st.floats(-1e12, 1e12), min_size=3, max_size=3),
    member=st.integers(0, 2),
    more=st.floats(0.0, 1e6),
)
def test_an_energy_that_rises_never_lowers_the_whole(energies, member, more):
    parts = components(0.1, 1.0, 1e4)
    energy = np.repeat(np.array(energies)[:, None], 2, axis=1)
    energy[member, 1] += more
    low, high = combine(parts, energy)
    assert np.isfinite([low, high]).all()
    assert high >= low - 1e-9 * abs(low)


def test_slopes_are_those_of_the_energy():
    rng = np.random.default_rng(0)
    parts = with_shares(
        Component(network, FirstCoordinate(), Surprisal.of(rng.normal(size=500)))
        for network in NETWORKS[:2]
    )
    # Away from the knots, where the slope changes.
    energies, step = rng.normal(size=(2, 40)) + 1.0, 1e-7
    slopes = combined_slopes(parts, energies)
    for i in range(2):
        moved = np.array([[step], [0.0]]) if i == 0 else np.array([[0.0], [step]])
        up, down = (combine(parts, energies + sign * moved) for sign in (1, -1))
        np.testing.assert_allclose(slopes[i], (up - down) / (2.0 * step), rtol=1e-5, atol=1e-6)


def test_networks_that_agree_do_not_disagree():
    energy = np.array([-50.0, -1.0, 0.0, 2.0, 1e8])
    np.testing.assert_array_equal(disagreement(components(2.0), energy[None]), 0.0)
    both = disagreement(components(2.0, 2.0), np.stack([energy, energy]))
    np.testing.assert_array_equal(both, 0.0)


def test_disagreement_is_the_deviation_of_the_networks_surprisals():
    energies = np.array([[2.0, 6.0], [4.0, 6.0]])
    np.testing.assert_allclose(disagreement(components(1.0, 1.0), energies), [1.0, 0.0])
    np.testing.assert_allclose(disagreement(components(1.0, 2.0), energies), [0.0, 1.5])


def of_rows(weight):
    return Component(Identity(), FirstCoordinate(), exponential(1.0), weight)


def test_densities_of_encoded_rows_keep_their_weight_and_networks_share_what_is_left():
    one, other = (Component(network, FirstCoordinate()) for network in NETWORKS[:2])
    parts = with_shares([one, replace(other, weight=2.0), of_rows(0.25), of_rows(0.5)])
    weights = [part.weight for part in parts]
    np.testing.assert_allclose(weights, [0.25 / 3.0, 0.5 / 3.0, 0.25, 0.5])


def test_only_networks_disagree():
    parts = with_shares([*components(1.0, 1.0), of_rows(0.25)])
    energies = np.array([[2.0], [2.0], [9.0]])
    np.testing.assert_array_equal(disagreement(parts, energies), [0.0])


def test_densities_of_one_network_have_no_say_against_each_other():
    network = NETWORKS[0]
    one = Component(network, FirstCoordinate(), exponential(1.0))
    two = with_shares([one, replace(one)])
    np.testing.assert_array_equal(disagreement(two, np.array([[2.0], [9.0]])), [0.0])
    assert networks_of(two) == (network,)


def own_tanh(x):
    return jnp.tanh(x)


@pytest.fixture
def trained():
    rng = np.random.default_rng(0)
    parameters = np.asarray(flatten(ARCHITECTURE.build(rng)))
    return TrainedNetwork(ARCHITECTURE, parameters)


def test_a_network_makes_z_once_for_all_its_densities(trained, monkeypatch):
    started = []

    def seen(self, shown, n_rows):
        started.append(n_rows)
        return real(self, shown, n_rows)

    real = DenseNetworks.seen
    monkeypatch.setattr(DenseNetworks, "seen", seen)
    rows = correlated_rows(n_rows=70)
    components = [Component(trained, FirstCoordinate()) for _ in range(3)] + [of_rows(0.5)]
    energies = energies_of(components, rows)
    assert started == [70]
    z, _, _ = outputs_of(ARCHITECTURE, trained.parameters, rows)
    np.testing.assert_array_equal(energies, [z[0], z[0], z[0], rows[:, 0]])


def test_energies_of_many_rows_are_made_part_by_part(trained):
    rows = correlated_rows(n_rows=CHUNK_ROWS + 77)
    components = (Component(trained, FirstCoordinate()), of_rows(0.5))
    picked = RowSubset(rows, np.arange(len(rows))[::-1])
    np.testing.assert_array_equal(
        energies_of_all(components, picked), energies_of(components, rows)[:, ::-1]
    )


def test_a_row_that_overflows_the_network_is_as_far_as_can_be(trained):
    far = TrainedNetwork(ARCHITECTURE, np.full_like(trained.parameters, 1e30))
    energy = energies_of([Component(far, FirstCoordinate())], np.full((1, 6), 1e6, np.float32))
    assert np.isfinite(energy).all()
    assert abs(energy[0, 0]) > 1e30


def test_a_copy_of_a_network_takes_nothing_from_the_device_along(trained):
    own = replace(trained, architecture=replace(ARCHITECTURE, comp_activation=own_tanh))
    rows = correlated_rows(3, 10)
    z = own.latent(rows)
    copied = pickle.loads(pickle.dumps(own))
    assert "compiled" in vars(own)
    assert "compiled" not in vars(copied)
    np.testing.assert_array_equal(copied.latent(rows), z)
    np.testing.assert_allclose(z, trained.latent(rows), rtol=1e-4, atol=1e-5)
