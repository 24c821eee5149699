import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dagmm import ArgumentError
from dagmm.inference.calibration.calibration import OUT_OF_FOLD
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.drift.monitor import DriftMonitor, bound_on, doubts_about
from small_tables import CALIBRATION


def known(energy):
    return CALIBRATION.with_held_out(energy, "rows held out of the fit")


@pytest.mark.parametrize("n_known", [20, 200])
@pytest.mark.parametrize("kind", ["continuous", "tied"])
def test_false_alarms_stay_under_the_bound_however_few_rows_are_known(n_known, kind):
    """One bound for a whole stream of 1,000 rows, which is looked at after each."""
    rng, alpha, n_streams = np.random.default_rng(n_known), 0.2, 200
    n_called = 0
    for _ in range(n_streams):
        energy = rng.standard_gamma(2.0, size=n_known + 1000)
        energy = np.round(energy) if kind == "tied" else energy
        monitor = DriftMonitor(known(energy[:n_known]), alpha)
        monitor.update(energy[n_known:])
        n_called += monitor.has_drifted
    # Not more than chance allows for at the bound itself.
    assert stats.binom.sf(n_called - 1, n_streams, alpha) > 1e-3


def test_counting_p_values_in_the_known_rows_alone_would_break_the_bound():
    """Why ranks have to include the stream: the same bets on ordinary conformal p-values."""
    from dagmm.inference.drift.evidence import Evidence

    rng, n_called = np.random.default_rng(0), 0
    for _ in range(60):
        energy = rng.standard_gamma(2.0, size=20 + 2000)
        above = (energy[:20, None] > energy[None, 20:]).sum(axis=0)
        capital = Evidence().add(above / 21.0, (above + 1.0) / 21.0)[0]
        n_called += bool(capital.max() >= -math.log(0.05))
    assert n_called > 15  # at a bound of 3


@pytest.mark.parametrize(("shift", "most_rows"), [(1.0, 60), (5.0, 15)])
def test_a_shift_is_called_soon_and_dated(shift, most_rows):
    rng = np.random.default_rng(1)
    monitor = DriftMonitor(known(rng.exponential(size=500)), 0.01)
    energy = rng.exponential(size=1500)
    energy[1000:] += shift
    monitor.update(energy)
    assert monitor.has_drifted
    assert 1000 <= monitor.row < 1000 + most_rows
    assert monitor.since == pytest.approx(1000, abs=8)
    assert monitor.p_value < 1e-6


def test_drift_is_not_taken_back_and_evidence_is_remembered():
    rng = np.random.default_rng(2)
    monitor = DriftMonitor(known(rng.exponential(size=300)))
    monitor.update(np.full(30, 50.0))
    row, evidence = monitor.row, monitor.log_evidence
    after = monitor.follow(rng.exponential(size=2000))
    assert after[-1] < evidence
    assert (monitor.row, monitor.log_evidence) == (row, evidence)
    assert monitor.n_rows == 2030


def test_rows_that_are_more_normal_bring_no_evidence():
    rng = np.random.default_rng(3)
    monitor = DriftMonitor(known(rng.exponential(size=300)))
    monitor.update(0.2 * rng.exponential(size=3000))
    assert not monitor.has_drifted
    assert monitor.p_value == 1.0


def test_rows_one_by_one_are_seen_as_all_at_once():
    rng = np.random.default_rng(4)
    energy = np.round(rng.exponential(size=700), 1)
    energy[500:] += 1.0
    one, all_at_once = (DriftMonitor(known(energy[:300])) for _ in range(2))
    for i in range(300, 700):
        one.update(energy[i : i + 1])
    assert one.n_rows == 400  # even before they are looked at
    all_at_once.update(energy[300:])
    assert (one.row, one.since) == (all_at_once.row, all_at_once.since)
    assert one.log_evidence == pytest.approx(all_at_once.log_evidence, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1, "x", None])
def test_a_bound_that_is_none_is_refused(alpha):
    with pytest.raises(ArgumentError, match=r"^alpha must be in \(0, 1\), got "):
        DriftMonitor(known(np.arange(5.0)), alpha)


def test_rows_that_depend_are_doubted():
    rng = np.random.default_rng(5)
    assert doubts_about(known(rng.normal(size=2000))) == ()
    assert bound_on(known(rng.normal(size=2000))) == "proven"
    parts = replace(known(rng.normal(size=2000)), held_out_are=OUT_OF_FOLD)
    assert bound_on(parts) == "approximate"
    slow = np.repeat(rng.normal(size=40), 50)
    calibration = replace(known(slow), held_out=EmpiricalDistribution.of(slow))
    (said,) = doubts_about(calibration)
    worth = calibration.reference.n_effective
    assert said == (
        "2000 rows held out of the fit follow each other so closely that they say as much as "
        f"about {worth:.0f} independent ones: such rows are not exchangeable, and the bound on "
        "false alarms does not hold; drift may be called where there is none"
    )
    assert bound_on(calibration) == "none"
