"""Several energies of a row made one, and how far they disagree."""

import pickle
from dataclasses import dataclass, replace

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
    disagreement,
    energies_of,
    energies_of_all,
    networks_of,
    with_shares,
)
from dagmm.inference.forward import outputs_of
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


def scales(*pairs):
    """A component on each of some scales, of networks of their own."""
    return with_shares(
        Component(network, FirstCoordinate(), *pair)
        for network, pair in zip(NETWORKS, pairs, strict=False)
    )


def test_one_member_alone_keeps_its_energies():
    energy = np.array([[3.0, -1e9, 7.5]])
    np.testing.assert_array_equal(combine(scales((1.0, 2.0)), energy), energy[0])


def test_members_that_agree_are_not_changed():
    energy = np.array([-50.0, -1.0, 0.0, 2.0, 1e8])
    both = combine(scales((1.0, 2.0), (1.0, 2.0)), np.stack([energy, energy]))
    np.testing.assert_allclose(both, energy, rtol=1e-9, atol=1e-12)


def test_energies_are_averaged_on_a_common_logarithmic_scale():
    members = scales((10.0, 2.0), (-4.0, 6.0))
    # 3 spreads above one's location and 7 above the other's: log 4 and log 8, mean log sqrt 32.
    combined = combine(members, np.array([[10.0 + 3 * 2.0], [-4.0 + 7 * 6.0]]))
    np.testing.assert_allclose(combined, [3.0 + 4.0 * (np.sqrt(32.0) - 1.0)], rtol=1e-12)
    # As far above as below is the middle.
    combined = combine(members, np.array([[10.0 + 5 * 2.0], [-4.0 - 5 * 6.0]]))
    np.testing.assert_allclose(combined, [3.0], rtol=1e-12)


def test_one_member_on_another_scale_changes_no_ranks():
    energy = np.random.default_rng(0).normal(size=(2, 100))
    plain = combine(scales((0.0, 1.0), (0.0, 1.0)), energy)
    moved = energy * [[1.0], [1000.0]] + [[0.0], [500.0]]
    other = combine(scales((0.0, 1.0), (500.0, 1000.0)), moved)
    np.testing.assert_array_equal(np.argsort(plain), np.argsort(other))


def test_the_order_of_members_does_not_matter():
    energy = np.random.default_rng(1).normal(size=(3, 50)) * [[1.0], [5.0], [9.0]]
    members = scales((0.0, 1.0), (3.0, 2.0), (-7.0, 9.0))
    backwards = combine(members[::-1], energy[::-1])
    np.testing.assert_allclose(combine(members, energy), backwards, rtol=1e-12, atol=1e-12)


def test_one_members_extreme_does_not_rule():
    members = scales((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0))
    one_says_so = combine(members, np.array([[1e9], [0.0], [0.0], [0.0]]))
    all_say_so = combine(members, np.full((4, 1), 1e3))
    assert 100.0 < one_says_so[0] < all_say_so[0] < 1e9 / 4


@quick
@given(
    energies=st.lists(st.floats(-1e12, 1e12), min_size=3, max_size=3),
    member=st.integers(0, 2),
    more=st.floats(0.0, 1e6),
)
def test_an_energy_that_rises_never_lowers_the_whole(energies, member, more):
    members = scales((0.0, 1.0), (100.0, 0.1), (-3.0, 1e4))
    energy = np.repeat(np.array(energies)[:, None], 2, axis=1)
    energy[member, 1] += more
    low, high = combine(members, energy)
    assert np.isfinite([low, high]).all()
    assert high >= low - 1e-9 * abs(low)


def test_the_whole_lies_between_its_members_where_they_share_a_scale():
    energy = np.random.default_rng(2).normal(size=(4, 200)) * 10.0
    combined = combine(scales((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)), energy)
    assert (combined >= energy.min(axis=0) - 1e-9).all()
    assert (combined <= energy.max(axis=0) + 1e-9).all()


def test_members_that_agree_do_not_disagree():
    energy = np.array([-50.0, -1.0, 0.0, 2.0, 1e8])
    one = disagreement(scales((1.0, 2.0)), energy[None])
    both = disagreement(scales((1.0, 2.0), (1.0, 2.0)), np.stack([energy, energy]))
    np.testing.assert_array_equal(one, 0.0)
    np.testing.assert_allclose(both, 0.0, atol=1e-6)


def test_disagreement_is_half_the_way_from_one_deviation_below_to_one_above():
    members = scales((10.0, 2.0), (-4.0, 6.0))
    energies = np.array([[10.0 + 3 * 2.0, 10.0], [-4.0 + 7 * 6.0, -4.0 + 0.5 * 6.0]])
    # Spreads above the location: 3 and 7 lie at log 4 and log 8; 0 and 0.5 at 0 and log 1.5.
    expected = [4.0 * (7 - 3) / 2, 4.0 * 0.5 / 2]
    np.testing.assert_allclose(disagreement(members, energies), expected, rtol=1e-12)


def of_rows(weight):
    return Component(Identity(), FirstCoordinate(), 0.0, 1.0, weight)


def test_densities_of_encoded_rows_keep_their_weight_and_networks_share_what_is_left():
    one, other = (Component(network, FirstCoordinate()) for network in NETWORKS[:2])
    components = with_shares([one, replace(other, weight=2.0), of_rows(0.25), of_rows(0.5)])
    weights = [component.weight for component in components]
    np.testing.assert_allclose(weights, [0.25 / 3.0, 0.5 / 3.0, 0.25, 0.5])
    # A spread of 1 above the location of the last is log 2 there, and half of it in the mean.
    energies = np.array([[0.0], [0.0], [0.0], [1.0]])
    np.testing.assert_allclose(combine(components, energies), [np.sqrt(2.0) - 1.0])


def test_only_networks_disagree():
    components = with_shares([*scales((0.0, 1.0), (0.0, 1.0)), of_rows(0.25)])
    energies = np.array([[2.0], [2.0], [9.0]])
    np.testing.assert_array_equal(disagreement(components, energies), [0.0])


def test_densities_of_one_network_have_no_say_against_each_other():
    network = NETWORKS[0]
    two = with_shares([Component(network, FirstCoordinate()) for _ in range(2)])
    np.testing.assert_array_equal(disagreement(two, np.array([[2.0], [9.0]])), [0.0])
    assert networks_of(two) == (network,)


@pytest.fixture
def trained():
    rng = np.random.default_rng(0)
    parameters = np.asarray(flatten(ARCHITECTURE.build(rng)))
    return TrainedNetwork(ARCHITECTURE, parameters)


def test_a_network_makes_z_once_for_all_its_densities(trained, monkeypatch):
    started = []

    def start(self, rows):
        started.append(self)
        return real(self, rows)

    real = TrainedNetwork.start
    monkeypatch.setattr(TrainedNetwork, "start", start)
    rows = correlated_rows(n_rows=70)
    components = [Component(trained, FirstCoordinate()) for _ in range(3)] + [of_rows(0.5)]
    energies = energies_of(components, rows)
    assert started == [trained]
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
    rows = correlated_rows(3, 10)
    z = trained.latent(rows)
    copied = pickle.loads(pickle.dumps(trained))
    assert "compiled" in vars(trained)
    assert "compiled" not in vars(copied)
    np.testing.assert_array_equal(copied.latent(rows), z)
