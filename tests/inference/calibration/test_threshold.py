import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, expon, kstest

from dagmm._core.errors import ArgumentError
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.threshold import is_anomaly, label_of, p_value_of, score_of
from dagmm.inference.calibration.threshold_rules import (
    AUTO_CONTAMINATION,
    check_contamination,
    choose_threshold,
    threshold_of,
)

ENERGY = np.random.default_rng(0).exponential(size=2000)
TRAINING = Calibration(np.zeros((8, 1), np.float32), EmpiricalDistribution.of(ENERGY[:1000]))
UNSEEN = TRAINING.with_held_out(ENERGY[1000:], "rows held out of the fit")


@pytest.mark.parametrize(
    ("value", "share"),
    [("auto", AUTO_CONTAMINATION), (0.1, 0.1), (0.5, 0.5), (np.float64(0.2), 0.2)],
)
def test_contamination_is_a_share(value, share):
    assert check_contamination(value) == share


def test_one_odd_row_is_part_of_many_windows():
    shares = [check_contamination("auto", n_steps) for n_steps in (1, 2, 5, 60)]
    assert shares == [0.01, 0.02, 0.05, 0.05]
    assert check_contamination(0.01, 60) == 0.01


@pytest.mark.parametrize("value", ["Auto", 0, 0.0, 0.51, 1, -0.1, True, None, float("nan"), [0.1]])
def test_any_other_contamination_is_refused(value):
    with pytest.raises(ArgumentError) as caught:
        check_contamination(value)
    assert str(caught.value) == f"contamination must be 'auto' or in (0, 0.5], got {value!r}."


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.25, 0.5])
def test_the_stated_share_of_training_rows_lies_above_the_threshold(contamination):
    energy = np.random.default_rng(0).normal(size=1000)
    above = is_anomaly(energy, threshold_of(energy, contamination))
    assert above.sum() == round(1000 * contamination)


def test_equal_energies_are_no_anomalies():
    energy = np.full(10, 3.0)
    assert not is_anomaly(energy, threshold_of(energy, 0.5)).any()


def test_scores_are_higher_for_the_more_normal():
    np.testing.assert_array_equal(score_of(np.array([-1.0, 5.0])), [1.0, -5.0])


def test_labels_are_scikit_learns():
    np.testing.assert_array_equal(label_of(np.array([-1e-9, 0.0, 2.0])), [-1, 1, 1])


def test_a_row_is_an_anomaly_exactly_where_its_label_is_minus_one():
    energy = np.array([1.0, 2.0, 3.0])
    decision = score_of(energy) + 2.0
    np.testing.assert_array_equal(is_anomaly(energy, 2.0), label_of(decision) == -1)


# Rules that move a threshold


def test_contamination_is_of_the_training_rows():
    for share in (0.01, 0.1, 0.5):
        chosen = choose_threshold(UNSEEN, contamination=share)
        assert chosen.energy == pytest.approx(threshold_of(ENERGY[:1000], share), rel=1e-12)
        assert (chosen.share, chosen.n_rows, chosen.rows_are) == (share, 1000, "training rows")
        assert chosen.low < chosen.energy < chosen.high
        assert (chosen.rule, chosen.warnings) == (f"contamination {share:g}", ())


def test_quantile_is_of_rows_that_were_not_fitted_to():
    chosen = choose_threshold(UNSEEN, quantile=0.98)
    assert chosen.energy == pytest.approx(np.percentile(ENERGY[1000:], 98.0), rel=1e-12)
    assert chosen.share == pytest.approx(0.02)
    assert (chosen.method, chosen.warnings) == ("quantile", ())
    assert (chosen.n_rows, chosen.rows_are) == (1000, "rows held out of the fit")


def test_a_quantile_of_training_rows_comes_with_a_warning():
    chosen = choose_threshold(TRAINING, quantile=0.98)
    (warning,) = chosen.warnings
    assert warning.kind == "training_rows"
    assert warning.text == (
        "the energies are those of rows the model was fitted to; new rows have higher ones, so "
        "expect more alarms than stated, or calibrate with normal rows that it was not fitted to"
    )
    assert chosen.plain()["warnings"] == [{"kind": warning.kind, "text": warning.text}]


def test_the_interval_of_a_quantile_is_that_of_its_ranks():
    chosen = choose_threshold(UNSEEN, quantile=0.95)
    ordered = np.sort(ENERGY[1000:])
    low, high = binom.ppf([0.025, 0.975], 1000, 0.95).astype(int)
    assert (chosen.low, chosen.high) == (ordered[low], ordered[high + 1])
    assert binom.cdf(high, 1000, 0.95) - binom.cdf(low - 1, 1000, 0.95) > 0.95
    few = replace(UNSEEN, held_out=EmpiricalDistribution.of(ENERGY[:50]))
    assert choose_threshold(few, quantile=0.9).high is None  # may lie beyond all 50


def test_a_budget_within_the_rows_is_a_quantile():
    # One row a minute: 14.4 alarms a day are one in a hundred rows.
    chosen = choose_threshold(UNSEEN, alarms=14.4, per="day", every="1 min")
    same = choose_threshold(UNSEEN, quantile=0.99)
    assert chosen.energy == pytest.approx(same.energy, rel=1e-9)
    assert chosen.rule == "at most 14.4 false alarms a day at a row every 1 min"


def test_a_budget_beyond_the_rows_is_found_from_their_tail():
    chosen = choose_threshold(UNSEEN, alarms=3, every=1.0)
    true = expon.isf(3 / 604800)
    assert (chosen.method, chosen.rule) == (
        "tail",
        "at most 3 false alarms a week at a row every 1 s",
    )
    assert chosen.energy > ENERGY.max()
    assert chosen.low < true < chosen.high
    assert chosen.low < chosen.energy < chosen.high
    assert chosen.warnings == ()


def test_a_tail_that_does_not_fit_is_warned_of():
    heaps = np.random.default_rng(1).permutation(
        np.concatenate([ENERGY[:970], 50.0 + 0.1 * ENERGY[:30]])
    )
    chosen = choose_threshold(TRAINING.with_held_out(heaps, "heaps"), quantile=0.9999)
    (warning,) = chosen.warnings
    assert warning.kind == "poor_tail_fit"
    assert warning.text == (
        "the highest energies do not follow a generalised Pareto distribution (p = 0.01): what "
        "lies beyond them is a guess; calibrate with more normal rows, or allow more alarms"
    )


def test_few_rows_give_what_they_show_and_no_more():
    few = TRAINING.with_held_out(ENERGY[:200], "rows of a calibration table")
    assert choose_threshold(few, quantile=0.99).method == "quantile"
    with pytest.raises(ArgumentError) as caught:
        choose_threshold(few, quantile=0.999)
    assert str(caught.value) == (
        "one alarm in 1e+03 rows is rarer than 200 rows of a calibration table can show; "
        "calibrate with at least 500 normal rows of different energies, or allow more alarms."
    )


def test_an_energy_is_taken_as_it_is():
    chosen = choose_threshold(UNSEEN, energy=-3.5)
    assert (chosen.energy, chosen.rule, chosen.share) == (-3.5, "a stated energy", None)


@pytest.mark.parametrize(
    ("known", "arguments", "message"),
    [
        (
            UNSEEN,
            {},
            "expected one of contamination, quantile, alarms and energy, got none of them.",
        ),
        (
            UNSEEN,
            {"quantile": 0.9, "energy": 1.0},
            "expected one of contamination, quantile, alarms and energy, got quantile and energy.",
        ),
        (UNSEEN, {"quantile": 0.9, "every": 1}, "every belongs to alarms, and there are none."),
        (
            UNSEEN,
            {"alarms": 3},
            "alarms needs every, the time from one row to the next, such as every='1s'.",
        ),
        (UNSEEN, {"quantile": 1.0}, "quantile must be in (0, 1), got 1.0."),
        (UNSEEN, {"energy": np.nan}, "energy must be a finite number >= -inf, got nan."),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(known, arguments, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        choose_threshold(known, **arguments)


# P-values


def test_p_values_of_few_rows_are_counted_with_the_row_itself():
    few = TRAINING.with_held_out(np.array([1.0, 2.0, 3.0]), "three rows")
    p_value = p_value_of(few, np.array([0.0, 1.0, 1.5, 3.0, 9.0]))
    np.testing.assert_allclose(p_value, [1.0, 1.0, 0.75, 0.5, 0.25])


def test_p_values_of_normal_rows_are_uniform():
    p_value = p_value_of(UNSEEN, np.random.default_rng(9).exponential(size=500))
    assert kstest(p_value, "uniform").pvalue > 0.01


def test_p_values_fall_as_energies_rise_beyond_the_data_too():
    p_value = p_value_of(UNSEEN, np.linspace(-1.0, 30.0, 4000))
    assert (np.diff(p_value) <= 0.0).all()
    assert p_value[0] == 1.0
    # exp(-12) is six in a million.
    assert 1e-8 < p_value_of(UNSEEN, np.array([12.0]))[0] < 1e-4


@pytest.mark.parametrize("n_rows", range(2, 16))
@pytest.mark.parametrize("rule", [{"contamination": "auto"}, {"contamination": 0.3}])
def test_the_interval_of_a_few_rows_holds_its_energy(n_rows, rule):
    sample = EmpiricalDistribution.of(ENERGY[:n_rows])
    known = Calibration(np.zeros((8, 1), np.float32), sample)
    found = choose_threshold(known, **rule)
    assert found.low <= found.energy
    assert found.high is None or found.high >= found.energy
