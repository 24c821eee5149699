from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.threshold import p_value_of
from dagmm.report.alarms import (
    Expected,
    budget_of,
    expected_alarms,
    is_far_more,
    is_more,
    share_interval,
)


@pytest.mark.parametrize(("n", "of"), [(0, 10), (3, 100), (100, 100), (40, 4000)])
def test_intervals_are_those_of_clopper_and_pearson(n, of):
    interval = binomtest(n, of).proportion_ci(0.95, "exact")
    assert share_interval(n, of) == pytest.approx((interval.low, interval.high), abs=1e-12)


def calibration_of(energy, held_out=None):
    known = Calibration(np.zeros((8, 1), np.float32), EmpiricalDistribution.of(energy))
    return known if held_out is None else known.with_held_out(held_out, "rows held out of the fit")


def test_normal_rows_above_the_threshold_are_counted():
    energy = np.random.default_rng(0).permutation(1000).astype(np.float64)
    found = expected_alarms(calibration_of(energy), 989.0, 60.0)
    assert (found.n_above, found.n_rows, found.rows_are) == (10, 1000, "training rows")
    assert found.share == 0.01
    assert (found.low, found.high) == share_interval(10, 1000)
    assert found.per("week") == pytest.approx(
        [0.01 * 10080, found.low * 10080, found.high * 10080]
    )
    assert replace(found, step=None).per("week") is None
    held_out = expected_alarms(calibration_of(energy, energy + 500.0), 989.0, None)
    assert (held_out.n_above, held_out.rows_are) == (510, "rows held out of the fit")


def test_beyond_all_normal_rows_the_tail_says_more_than_nothing():
    energy = np.random.default_rng(0).exponential(size=2000)
    known = calibration_of(energy)
    found = expected_alarms(known, energy.max() + 1.0, None)
    assert found.n_above == 0
    assert found.share == p_value_of(known, np.array([energy.max() + 1.0]))[0] > 0.0
    assert found.low <= found.share <= found.high


def test_without_threshold_nothing_is_expected():
    assert expected_alarms(calibration_of(np.arange(9.0)), None, 1.0) is None


def test_more_alarms_than_normal_rows_would_have():
    expected = Expected(0.01, 0.007, 0.014, 10, 1000, "training rows", None, 1000.0, 1.0)
    assert not is_more(0, 2000, expected)
    assert not is_more(20, 2000, expected)
    assert not is_more(40, 2000, expected)
    assert is_more(100, 2000, expected)


def test_far_more_alarms_than_promised():
    expected = Expected(0.01, 0.007, 0.014, 10, 1000, "training rows", None, 1000.0, 1.0)
    found = {n: is_far_more(n, 1000, expected) for n in (0, 50, 100, 101, 990, 1000)}
    assert found == {0: False, 50: False, 100: False, 101: True, 990: True, 1000: True}
    # Where much was to be expected, nearly all rows still are far more.
    much = Expected(0.3, 0.25, 0.36, 30, 100, "training rows", None, 100.0, 1.0)
    assert not is_far_more(600, 1000, much)
    assert is_far_more(990, 1000, much)


@pytest.mark.parametrize("threshold", [None, 2.0, 50.0, -9.0])
def test_the_curve_falls_and_reaches_the_threshold(threshold):
    energy = np.random.default_rng(0).exponential(size=3000)
    budget = budget_of(calibration_of(energy), threshold)
    assert (np.diff(budget.energy) > 0.0).all()
    assert (np.diff(budget.low) <= 0.0).all()
    assert (budget.low <= budget.high).all()
    assert (budget.share > 0.0).all()
    if threshold is not None:
        assert budget.energy[0] <= threshold + 1e-9
        assert threshold - 1e-9 <= budget.energy[-1]
    counted = np.array([(energy > at).mean() for at in budget.energy])
    many = counted >= 10 / 3000
    np.testing.assert_allclose(budget.share[many], counted[many])


def test_alarms_of_rows_that_follow_each_other_come_in_events():
    # Every thousand rows a run of twenty that are high.
    energy = np.random.default_rng(0).exponential(size=20_000)
    energy += (20.0 + np.arange(20_000) // 1000) * (np.arange(20_000) % 1000 < 20)
    found = expected_alarms(calibration_of(energy), 15.0, 60.0)
    assert (found.n_above, found.event_rows) == (400, 20.0)
    assert found.events_per("week") == pytest.approx(10_080 / 1000)
    assert replace(found, step=None).events_per("week") is None
