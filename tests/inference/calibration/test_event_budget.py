"""False alarms counted as events, on series whose later rows are known."""

import numpy as np
import pytest
from scipy.signal import lfilter

from dagmm import ArgumentError
from dagmm.inference.calibration.alarm_rule import PLAIN, AlarmRule, AlarmState
from dagmm.inference.calibration.calibration import OF_A_TABLE, Calibration
from dagmm.inference.calibration.dependence import n_events, runs_of
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.event_budget import EventBudget
from dagmm.inference.calibration.threshold_rules import choose_threshold

RULES = {
    "each": PLAIN,
    "3 of 5": AlarmRule(3, 5),
    "smoothed": AlarmRule(smoothing=0.2),
    "hysteresis": AlarmRule(hysteresis=1.0),
    "all": AlarmRule(2, 3, 0.5, 30, 0.5),
}


def energies(n_rows, seed, memory=0.8):
    """Surprisals of rows that follow each other: minus the log of a share, as an energy is."""
    noise = np.random.default_rng(seed).normal(size=n_rows)
    return lfilter([np.sqrt(1.0 - memory**2)], [1.0, -memory], noise) ** 2 / 2.0


def calibration_of(energy, **arguments):
    empty = Calibration(np.empty((8, 0), np.float32), EmpiricalDistribution.of(energy))
    return empty.with_held_out(energy, OF_A_TABLE, **arguments)


def events_of(found, energy):
    alarm = AlarmState(found.alarm_rule, found.energy).update(energy)
    return n_events(np.flatnonzero(alarm))


@pytest.mark.parametrize("name", RULES)
def test_a_budget_of_events_holds_on_new_rows(name):
    """Ten events or more are counted: 3 a day of minutes in seven days of normal rows."""
    known = calibration_of(energies(7 * 1440, 0))
    budget = {"alarms": 3, "per": "day", "every": "1 min", "per_event": True}
    found = choose_threshold(known, **budget, alarm_rule=RULES[name])
    assert found.method == "quantile"
    assert found.low < found.energy < found.high
    a_day = events_of(found, energies(70 * 1440, 1)) / 70
    # 21 events are counted, one in five less or more of them by chance.
    assert 1.8 < a_day < 4.5


@pytest.mark.parametrize("name", ["each", "smoothed"])
def test_rarer_events_come_from_the_tail_of_events(name):
    """One a week, of which the rows have seen two, is known to a factor."""
    known = calibration_of(energies(14 * 1440, 0))
    budget = {"alarms": 1, "per": "week", "every": "1 min", "per_event": True}
    found = choose_threshold(known, **budget, alarm_rule=RULES[name])
    assert found.method == "tail"
    a_week = events_of(found, energies(30 * 10_080, 5)) / 30
    assert 0.25 < a_week < 3.0


def test_the_interval_holds_the_energy_of_the_true_rate():
    """Of 20 tables, the interval of 3 events a day misses what ninety days say but seldom."""
    budget = {"alarms": 3, "per": "day", "every": "1 min", "per_event": True}
    truth = choose_threshold(calibration_of(energies(90 * 1440, 99)), **budget).energy
    within = 0
    for seed in range(20):
        found = choose_threshold(calibration_of(energies(7 * 1440, seed)), **budget)
        within += found.low <= truth <= found.high
    assert within >= 16


def test_events_are_counted_as_they_are():
    signals = np.zeros(100)
    signals[[10, 12, 40, 70]] = 3.0
    signals[41:60] = 1.0  # hysteresis holds the second until the third is near
    assert EventBudget(signals, PLAIN).n_at(2.0) == 3
    assert EventBudget(signals, AlarmRule(hysteresis=1.5)).n_at(2.0) == 2
    assert [run.tolist() for run in runs_of(np.array([10, 12, 40]))] == [[10, 12], [40]]
    assert runs_of(np.empty(0, np.int64)) == []


def test_where_rows_are_in_no_order_logic_that_counts_rows_is_refused():
    known = calibration_of(energies(2000, 0), is_series=False)
    with pytest.raises(ArgumentError) as caught:
        choose_threshold(known, quantile=0.99, alarm_rule=AlarmRule(3, 5))
    assert str(caught.value) == (
        "k_of_n and smoothing need energies of rows that follow one another, and this model knows "
        "those of rows of a calibration table, which do not; calibrate with normal rows in their "
        "order."
    )
    # What looks at one row at a time needs no order, and a stated energy nothing at all.
    assert choose_threshold(known, quantile=0.99, alarm_rule=AlarmRule(hysteresis=1.0)).energy > 0
    assert choose_threshold(known, energy=2.0, alarm_rule=AlarmRule(3, 5)).alarm_rule.n == 5


def test_a_share_of_the_training_rows_and_logic_exclude_each_other():
    with pytest.raises(ArgumentError) as caught:
        choose_threshold(
            calibration_of(energies(500, 0)), contamination=0.1, alarm_rule=AlarmRule(3, 5)
        )
    assert str(caught.value) == (
        "contamination counts the training rows one by one; with k_of_n or smoothing say quantile "
        "or alarms."
    )


def test_more_rows_than_are_known_are_refused():
    with pytest.raises(ArgumentError) as caught:
        choose_threshold(
            calibration_of(energies(20, 0)), quantile=0.9, alarm_rule=AlarmRule(3, 50)
        )
    assert str(caught.value) == (
        "k_of_n looks at 50 rows, and this model knows the energies of 20; calibrate with more "
        "normal rows, or choose fewer."
    )


def test_the_quantile_of_logic_is_that_of_its_signals():
    known = calibration_of(energies(20_000, 0))
    found = choose_threshold(known, quantile=0.95, alarm_rule=AlarmRule(3, 5))
    later = AlarmState(found.alarm_rule, found.energy).update(energies(100_000, 1))
    assert later.mean() == pytest.approx(0.05, abs=0.01)
