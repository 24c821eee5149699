"""Several energies of a row made one, and how far they disagree."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.inference.ensemble import Member, combine, disagreement, shares_of
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.input_space import InputMixture
from dagmm.mixture.marginal import MarginalMixtures
from small_tables import ARCHITECTURE

quick = settings(deadline=None, derandomize=True, max_examples=50)


def scale(location, spread):
    mixture = GaussianMixture(np.ones(1), np.zeros((1, 4)), np.eye(4)[None])
    return Member(ARCHITECTURE, np.zeros(1, np.float32), mixture, location, spread)


def test_one_member_alone_keeps_its_energies():
    energy = np.array([[3.0, -1e9, 7.5]])
    np.testing.assert_array_equal(combine((scale(1.0, 2.0),), energy), energy[0])


def test_members_that_agree_are_not_changed():
    energy = np.array([-50.0, -1.0, 0.0, 2.0, 1e8])
    both = combine((scale(1.0, 2.0),) * 2, np.stack([energy, energy]))
    np.testing.assert_allclose(both, energy, rtol=1e-9, atol=1e-12)


def test_energies_are_averaged_on_a_common_logarithmic_scale():
    members = (scale(10.0, 2.0), scale(-4.0, 6.0))
    # 3 spreads above one's location and 7 above the other's: log 4 and log 8, mean log sqrt 32.
    combined = combine(members, np.array([[10.0 + 3 * 2.0], [-4.0 + 7 * 6.0]]))
    np.testing.assert_allclose(combined, [3.0 + 4.0 * (np.sqrt(32.0) - 1.0)], rtol=1e-12)
    # As far above as below is the middle.
    combined = combine(members, np.array([[10.0 + 5 * 2.0], [-4.0 - 5 * 6.0]]))
    np.testing.assert_allclose(combined, [3.0], rtol=1e-12)


def test_one_member_on_another_scale_changes_no_ranks():
    energy = np.random.default_rng(0).normal(size=(2, 100))
    plain = combine((scale(0.0, 1.0), scale(0.0, 1.0)), energy)
    moved = energy * [[1.0], [1000.0]] + [[0.0], [500.0]]
    other = combine((scale(0.0, 1.0), scale(500.0, 1000.0)), moved)
    np.testing.assert_array_equal(np.argsort(plain), np.argsort(other))


def test_the_order_of_members_does_not_matter():
    energy = np.random.default_rng(1).normal(size=(3, 50)) * [[1.0], [5.0], [9.0]]
    members = (scale(0.0, 1.0), scale(3.0, 2.0), scale(-7.0, 9.0))
    backwards = combine(members[::-1], energy[::-1])
    np.testing.assert_allclose(combine(members, energy), backwards, rtol=1e-12, atol=1e-12)


def test_one_members_extreme_does_not_rule():
    members = (scale(0.0, 1.0),) * 4
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
    members = (scale(0.0, 1.0), scale(100.0, 0.1), scale(-3.0, 1e4))
    energy = np.repeat(np.array(energies)[:, None], 2, axis=1)
    energy[member, 1] += more
    low, high = combine(members, energy)
    assert np.isfinite([low, high]).all()
    assert high >= low - 1e-9 * abs(low)


def test_the_whole_lies_between_its_members_where_they_share_a_scale():
    energy = np.random.default_rng(2).normal(size=(4, 200)) * 10.0
    combined = combine((scale(0.0, 1.0),) * 4, energy)
    assert (combined >= energy.min(axis=0) - 1e-9).all()
    assert (combined <= energy.max(axis=0) + 1e-9).all()


def test_members_that_agree_do_not_disagree():
    energy = np.array([-50.0, -1.0, 0.0, 2.0, 1e8])
    one = disagreement((scale(1.0, 2.0),), energy[None])
    both = disagreement((scale(1.0, 2.0),) * 2, np.stack([energy, energy]))
    np.testing.assert_array_equal(one, 0.0)
    np.testing.assert_allclose(both, 0.0, atol=1e-6)


def test_disagreement_is_half_the_way_from_one_deviation_below_to_one_above():
    members = (scale(10.0, 2.0), scale(-4.0, 6.0))
    energies = np.array([[10.0 + 3 * 2.0, 10.0], [-4.0 + 7 * 6.0, -4.0 + 0.5 * 6.0]])
    # Spreads above the location: 3 and 7 lie at log 4 and log 8; 0 and 0.5 at 0 and log 1.5.
    expected = [4.0 * (7 - 3) / 2, 4.0 * 0.5 / 2]
    np.testing.assert_allclose(disagreement(members, energies), expected, rtol=1e-12)


def beside(share, location, spread):
    """Mixtures of columns that count for a share."""
    none = np.zeros((1, 4))
    return MarginalMixtures(none, none, none, location, spread, share)


def test_what_stands_beside_the_members_counts_for_its_share():
    one = GaussianMixture(np.ones(1), np.zeros((1, 4)), np.eye(4)[None])
    of_rows = InputMixture(one, 0.0, 1.0, 0.5)
    judges = (scale(0.0, 1.0), scale(0.0, 1.0), beside(0.25, 0.0, 1.0), of_rows)
    np.testing.assert_allclose(shares_of(judges), [0.125, 0.125, 0.25, 0.5])
    assert shares_of(judges[:2]) is None
    # A spread of 1 above the location of the last is log 2 there, and half of it in the mean.
    energies = np.array([[0.0], [0.0], [0.0], [1.0]])
    np.testing.assert_allclose(combine(judges, energies), [np.sqrt(2.0) - 1.0])


def test_only_members_disagree():
    judges = (scale(0.0, 1.0), scale(0.0, 1.0), beside(0.25, 0.0, 1.0))
    np.testing.assert_array_equal(disagreement(judges, np.array([[2.0], [2.0], [9.0]])), [0.0])
