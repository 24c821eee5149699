"""Alarm logic against loops that follow its words, row by row."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm import ArgumentError
from dagmm._core.json_fields import JsonField
from dagmm.inference.calibration.alarm_rule import PLAIN, AlarmRule, AlarmState, signals_of

rules = st.builds(
    lambda n, k, hysteresis, hold, smoothing: AlarmRule(
        1 + k % n, n, hysteresis, hold, smoothing, 0.5
    ),
    st.integers(1, 6),
    st.integers(0, 5),
    st.sampled_from([0.0, 0.3, 2.0]),
    st.integers(1, 7),
    st.sampled_from([1.0, 0.4]),
)
energies = st.lists(st.floats(-1.0, 4.0), max_size=40).map(np.array)
FEW = settings(max_examples=150, derandomize=True, deadline=None)


def in_words(energy, rule, threshold):
    """Say of each row whether it is in alarm, as an operator would: by counting."""
    mean, seen, alarm, begun = rule.centre, [], [], None
    for row, value in enumerate(energy.tolist()):
        mean = mean + rule.smoothing * (value - mean) if rule.smoothing < 1.0 else value
        seen.append(mean)
        last = seen[-rule.n :]
        if sum(one > threshold for one in last) >= rule.k:
            begun = row if begun is None else begun
        elif begun is not None:
            still = sum(one > threshold - rule.hysteresis for one in last) >= rule.k
            if not still and row - begun >= rule.hold:
                begun = None
        alarm.append(begun is not None)
    return alarm


@FEW
@given(energies, rules, st.sampled_from([1.0, 2.5]))
def test_alarms_are_those_that_words_describe(energy, rule, threshold):
    assert AlarmState(rule, threshold).update(energy).tolist() == in_words(energy, rule, threshold)


@FEW
@given(energies, rules, st.lists(st.integers(1, 9), min_size=40, max_size=40))
def test_rows_in_parts_and_over_a_restart_have_the_alarms_of_the_whole(energy, rule, sizes):
    whole = AlarmState(rule, 1.5).update(energy)
    state, parts = AlarmState(rule, 1.5), [np.empty(0, bool)]
    for start, stop in pairwise(np.append(0, np.cumsum(sizes))):
        parts.append(state.update(energy[start:stop]))
        kept = json.loads(json.dumps(state.plain(), allow_nan=False))
        state = AlarmState.read(JsonField(kept, "state"), rule, 1.5)
    assert np.concatenate(parts).tolist() == whole.tolist()


@FEW
@given(energies, rules)
def test_a_signal_is_above_a_threshold_where_k_of_n_energies_are(energy, rule):
    rule = AlarmRule(rule.k, rule.n)
    signals = signals_of(energy, rule)
    assert len(signals) == max(0, len(energy) - rule.n + 1)
    for i, signal in enumerate(signals):
        assert signal == sorted(energy[i : i + rule.n])[-rule.k]


def test_as_it_is_each_row_above_the_threshold_is_an_alarm():
    assert PLAIN.is_plain
    assert AlarmRule.of() == PLAIN
    assert AlarmState(PLAIN, 1.0).update(np.array([0.5, 1.5, 1.0])).tolist() == [
        False,
        True,
        False,
    ]


def test_a_rule_says_itself_in_words():
    assert str(PLAIN) == "each row above the threshold"
    rule = AlarmRule.of((3, 5), 1.0, 10, 0.2)
    assert str(rule) == (
        "3 of 5 rows, energies smoothed by 0.2, until 1 nat below the threshold, for at least 10 "
        "rows"
    )
    assert AlarmRule.read(JsonField(json.loads(json.dumps(rule.plain())), "rule")) == rule


PAIR = (
    "k_of_n must be two whole numbers, the rows that must be above the threshold and the last "
    "rows that are looked at, 1 <= k <= n <= 10000, such as (3, 5), got {}."
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k_of_n": (5, 3)}, PAIR.format("(5, 3)")),
        ({"k_of_n": "3/5"}, PAIR.format("'3/5'")),
        ({"k_of_n": (0, 3)}, PAIR.format("(0, 3)")),
        ({"k_of_n": (1, 10_001)}, PAIR.format("(1, 10001)")),
        ({"hysteresis": -1.0}, "hysteresis must be a finite number >= 0, got -1.0."),
        ({"hold": 0}, "hold must be an int >= 1, got 0."),
        ({"smoothing": 1.0}, "smoothing must be in (0, 1), got 1.0."),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(ArgumentError) as caught:
        AlarmRule.of(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 9}, "rule.k must be at most n, got 9"),
        ({"smoothing": 0.0}, "rule.smoothing must be in (0, 1], got 0.0"),
        ({"hysteresis": -0.5}, "rule.hysteresis must be at least 0, got -0.5"),
        ({"n": 10**9}, "rule.n must be from 1 to 10000, got 1000000000"),
    ],
)
def test_a_damaged_rule_is_refused(change, message):
    plain = AlarmRule(3, 5, 1.0, 2, 0.5).plain() | change
    with pytest.raises(ValueError, match="rule") as caught:
        AlarmRule.read(JsonField(plain, "rule"))
    assert str(caught.value) == message
