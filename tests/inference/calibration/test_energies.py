import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm.inference.calibration.energies import MAX_KEPT, EmpiricalDistribution

quick = settings(deadline=None, derandomize=True, max_examples=50)
energies = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(np.array)


@quick
@given(energies, st.floats(0.001, 0.999))
def test_the_energy_at_a_share_is_numpys_percentile(energy, share):
    expected = np.percentile(energy, 100.0 * (1.0 - share))
    got = EmpiricalDistribution.of(energy).energy_at(share)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-6)


@quick
@given(energies, energies)
def test_rows_that_reach_an_energy_are_counted(energy, asked):
    asked = np.concatenate([asked, energy])  # ties
    expected = (energy[None, :] >= asked[:, None]).sum(axis=1)
    np.testing.assert_array_equal(EmpiricalDistribution.of(energy).reaching(asked), expected)


@pytest.fixture(scope="module")
def long():
    return np.random.default_rng(0).normal(size=3 * MAX_KEPT + 7)


def test_of_a_long_table_the_highest_are_kept_one_by_one(long):
    sample = EmpiricalDistribution.of(long)
    assert (len(sample.energy), sample.n_rows) == (MAX_KEPT, len(long))
    np.testing.assert_array_equal(sample.highest(MAX_KEPT), np.sort(long)[-MAX_KEPT // 2 :])
    np.testing.assert_array_equal(sample.highest(5), np.sort(long)[-5:])
    np.testing.assert_array_equal(sample.energy, np.sort(long)[sample.rank])
    for share in (1e-4, 0.01, 0.1):
        expected = np.percentile(long, 100.0 * (1.0 - share))
        np.testing.assert_allclose(sample.energy_at(share), expected, rtol=1e-12)


def test_of_a_long_table_the_others_are_counted_to_a_few_rows_and_never_too_low(long):
    sample = EmpiricalDistribution.of(long)
    asked = np.linspace(-6.0, 6.0, 500)
    exact = (long[None, :] >= asked[:, None]).sum(axis=1)
    extra = sample.reaching(asked) - exact
    assert extra.min() == 0
    assert extra.max() <= 6
    assert (extra[asked > np.sort(long)[-MAX_KEPT // 2]] == 0).all()
    np.testing.assert_allclose(sample.energy_at(0.7), np.percentile(long, 30.0), atol=1e-3)


def test_the_highest_of_a_short_table_are_no_more_than_there_are():
    np.testing.assert_array_equal(
        EmpiricalDistribution.of(np.array([3.0, 1.0])).highest(9), [1.0, 3.0]
    )
