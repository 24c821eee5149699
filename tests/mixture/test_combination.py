import numpy as np
import pytest

from dagmm.mixture.combination import (
    combine_scores,
    combined_slopes,
    scale_of,
    symmetric_exp,
    symmetric_log,
)


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
    np.testing.assert_allclose(
        combine_scores(energies, location, spread, np.full(3, 1.0 / 3.0)), [expected]
    )


def test_energies_count_by_their_weights():
    location, spread = np.array([1.0, 10.0, -5.0]), np.array([2.0, 0.5, 4.0])
    energies = location[:, None] + spread[:, None] * np.array([[0.0], [1.0], [7.0]])
    weight = np.array([0.5, 0.25, 0.25])
    # Logarithms 0, log 2 and log 8 count a half, a quarter and a quarter: log 16 / 4 = log 2.
    expected = (0.5 + 2.5 - 1.25) + (1.0 + 0.125 + 1.0) * (2.0 - 1.0)
    np.testing.assert_allclose(combine_scores(energies, location, spread, weight), [expected])


@pytest.mark.parametrize("value", [-3.0, 0.0, 1e9])
def test_one_energy_alone_is_kept(value):
    got = combine_scores(np.array([[value]]), np.array([7.0]), np.array([3.0]), np.ones(1))
    assert got == value


@pytest.mark.parametrize("n_energies", [1, 3])
def test_slopes_are_those_of_finite_differences(n_energies):
    rng = np.random.default_rng(0)
    energies = 5.0 * rng.normal(size=(n_energies, 20))
    scales = rng.normal(size=n_energies), rng.uniform(0.5, 3.0, n_energies)
    weight = rng.dirichlet(np.ones(n_energies))
    slopes = combined_slopes(energies, *scales, weight)
    for i in range(n_energies):
        step = np.zeros((n_energies, 1))
        step[i] = 1e-6
        above, below = (
            combine_scores(energies + sign * step, *scales, weight) for sign in (1.0, -1.0)
        )
        np.testing.assert_allclose(slopes[i], (above - below) / 2e-6, rtol=1e-5, atol=1e-9)
