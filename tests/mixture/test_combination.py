import jax.numpy as jnp
import numpy as np
import pytest

from dagmm.mixture.combination import combine_scores, scale_of, symmetric_exp, symmetric_log


def test_the_scale_is_median_and_interquartile_range():
    assert scale_of(np.array([5.0, 1.0, 2.0, 4.0, 3.0])) == (3.0, 2.0)


def test_energies_that_are_all_the_same_have_a_range_that_can_be_divided_by():
    assert scale_of(np.full(7, -2.5)) == (-2.5, 1.0)


def test_logarithm_and_exponential_are_odd_and_each_others_inverse():
    value = np.array([-1e8, -3.0, -1e-9, 0.0, 0.5, 7.0, 1e8])
    np.testing.assert_allclose(symmetric_exp(symmetric_log(value)), value, rtol=1e-12)
    np.testing.assert_array_equal(symmetric_log(-value), -symmetric_log(value))


def test_three_energies_are_averaged_on_one_scale():
    location, spread = np.array([1.0, 10.0, -5.0]), np.array([2.0, 0.5, 4.0])
    # 0, 1 and 7 spreads above: log 1, log 2 and log 8, whose mean is log 16 / 3.
    energies = location[:, None] + spread[:, None] * np.array([[0.0], [1.0], [7.0]])
    expected = 2.0 + 6.5 / 3.0 * (16.0 ** (1.0 / 3.0) - 1.0)
    np.testing.assert_allclose(combine_scores(energies, location, spread), [expected])


def test_energies_count_by_their_shares():
    location, spread = np.array([1.0, 10.0, -5.0]), np.array([2.0, 0.5, 4.0])
    energies = location[:, None] + spread[:, None] * np.array([[0.0], [1.0], [7.0]])
    share = np.array([0.5, 0.25, 0.25])
    # Logarithms 0, log 2 and log 8 count a half, a quarter and a quarter: log 16 / 4 = log 2.
    expected = (0.5 + 2.5 - 1.25) + (1.0 + 0.125 + 1.0) * (2.0 - 1.0)
    np.testing.assert_allclose(combine_scores(energies, location, spread, share), [expected])


def test_equal_shares_are_none():
    energies = np.random.default_rng(0).normal(size=(4, 50))
    scales = np.array([0.0, 0.1, -0.2, 3.0]), np.array([1.0, 2.0, 0.7, 9.0])
    got = combine_scores(energies, *scales, np.full(4, 0.25))
    np.testing.assert_allclose(got, combine_scores(energies, *scales), rtol=1e-12)


def test_jax_arrays_give_the_same():
    energies = np.random.default_rng(0).normal(size=(3, 50))
    location, spread = np.array([0.0, 0.1, -0.2]), np.array([1.0, 2.0, 0.7])
    got = combine_scores(*(jnp.asarray(part) for part in (energies, location, spread)))
    expected = combine_scores(energies, location, spread)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [-3.0, 0.0, 1e9])
def test_one_energy_alone_is_kept(value):
    got = combine_scores(np.array([[value]]), np.array([7.0]), np.array([3.0]))
    assert got == value
