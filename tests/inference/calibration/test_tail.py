"""The tail: against scipy's distributions, whose quantiles are known."""

import numpy as np
import pytest
from scipy.stats import chi2, genpareto, norm

from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.tail import LEAST_ROWS, fit_tail


def tail_of(energy):
    tail = fit_tail(EmpiricalDistribution.of(energy))
    assert tail is not None
    return tail


@pytest.fixture(scope="module")
def chi_square():
    """Return energies as of a Gaussian in ten dimensions, and their tail."""
    energy = 0.5 * np.random.default_rng(1).chisquare(10, size=4000)
    return energy, tail_of(energy)


def test_the_level_is_that_of_the_highest_twentieth(chi_square):
    energy, tail = chi_square
    assert (len(tail.excess), tail.share) == (200, 0.05)
    np.testing.assert_allclose(tail.level + tail.excess, np.sort(energy)[-200:], rtol=1e-12)
    assert tail.level == np.sort(energy)[-201]


def test_shape_and_scale_are_recovered():
    excess = genpareto.rvs(0.3, scale=2.0, size=20_000, random_state=1)
    tail = tail_of(excess)
    assert tail.shape == pytest.approx(0.3, abs=0.1)
    # What exceeds a level of a generalised Pareto variable has the scale grown by shape * level.
    assert tail.scale == pytest.approx(2.0 + 0.3 * tail.level, rel=0.1)


def test_share_and_energy_are_each_others_inverse():
    tail = tail_of(genpareto.rvs(0.3, scale=2.0, size=2000, random_state=1))
    for share in (0.04, 1e-3, 1e-6):
        energy = np.array([tail.energy_at(share)])
        np.testing.assert_allclose(tail.share_above(energy), [share], rtol=1e-9)
    assert tail.energy_at(tail.share) == pytest.approx(tail.level)


def test_beyond_the_end_of_a_tail_rows_are_rare_not_impossible():
    tail = tail_of(np.random.default_rng(0).uniform(size=2000))
    assert tail.shape < -0.5
    assert tail.energy_at(1e-9) < 1.02
    assert (tail.share_above(np.array([1.1, 1.2])) > 0.0).all()
    mean = tail.excess.mean()
    expected = tail.share * np.exp(-(1.1 - tail.level) / mean)
    np.testing.assert_allclose(tail.share_above(np.array([1.1])), [expected], rtol=1e-12)


def test_a_rare_energy_is_found_beyond_the_data(chi_square):
    energy, tail = chi_square
    true = 0.5 * chi2.isf(1e-5, 10)
    low, high = tail.interval(1e-5)
    assert true > energy.max()
    assert low < tail.energy_at(1e-5) < high
    assert low < true < high


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(5)
    true = norm.isf(1e-4)
    covered = 0
    for _ in range(30):
        low, high = tail_of(rng.normal(size=1000)).interval(1e-4)
        covered += low <= true <= high
    assert covered >= 25  # of 30; fewer have a chance of 0.3 % at 95 %


def test_a_wider_interval_is_surer(chi_square):
    _, tail = chi_square
    (low, high), (lower, higher) = tail.interval(1e-5, 0.5), tail.interval(1e-5, 0.99)
    assert lower < low < high < higher


def test_a_tail_that_fits_is_believed_and_one_that_does_not_is_not(chi_square):
    assert chi_square[1].p_fit > 0.1
    rng = np.random.default_rng(0)
    two_heaps = np.concatenate([rng.normal(size=970), 50.0 + 0.1 * rng.normal(size=30)])
    two_heaps = rng.permutation(two_heaps)
    assert tail_of(two_heaps).p_fit == 0.01


@pytest.mark.parametrize(
    "energy",
    [
        np.random.default_rng(0).normal(size=LEAST_ROWS - 1),
        np.zeros(1000),
        np.repeat([1.0, 2.0, 3.0], 1000),
        np.concatenate([np.zeros(1000), np.arange(49.0) + 1.0]),
    ],
    ids=["few rows", "one energy", "few energies", "few above the level"],
)
def test_too_few_energies_have_no_tail(energy):
    assert fit_tail(EmpiricalDistribution.of(energy)) is None
