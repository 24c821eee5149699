import math

import numpy as np
import pytest
from scipy.integrate import quad

from dagmm.inference.drift.evidence import N_BETS, Evidence, log_gains


def narrow(place):
    """Ends so close to a place that a bet gains its density there."""
    return np.maximum(place - 1e-7, 0.0), np.minimum(place + 1e-7, 1.0)


def test_each_bet_is_a_density_that_falls():
    grid = np.linspace(1e-6, 1.0 - 1e-6, 200)
    gains = log_gains(*narrow(grid))
    assert (np.diff(gains, axis=0) < 1e-9).all()
    for i in range(N_BETS):
        # From 0 to 1 in one step is the whole density.
        assert log_gains(np.zeros(1), np.ones(1))[0, i] == pytest.approx(0.0, abs=1e-12)

        def density(x, i=i):
            return math.exp(log_gains(*narrow(np.array([x])))[0, i])

        from_one_to_nine_tenths = quad(density, 0.1, 0.9)[0]
        whole = np.exp(log_gains(np.array([0.1]), np.array([0.9]))[0, i]) * 0.8
        assert from_one_to_nine_tenths == pytest.approx(whole, rel=1e-5)


def by_hand(gains):
    """Capital after each row: all bets from all rows on, added up."""
    n = len(gains)
    kept = [1.0 / (1.0 + math.log(1.0 + t)) for t in range(n + 1)]
    capital, since = [], []
    for t in range(n):
        stakes = np.array(
            [
                (kept[s] - kept[s + 1]) / N_BETS * np.exp(gains[s : t + 1].sum(axis=0))
                for s in range(t + 1)
            ]
        )
        capital.append(kept[t + 1] + stakes.sum())
        since.append(int(np.unravel_index(np.argmax(stakes), stakes.shape)[0]))
    return np.log(capital), np.array(since)


@pytest.mark.parametrize("at_once", [1, 13, 200])
def test_capital_is_that_of_all_bets_from_all_rows_on(at_once):
    rng = np.random.default_rng(0)
    place = np.concatenate([rng.random(60), rng.beta(0.4, 2.0, size=60)])
    low, high = 0.98 * place, 0.98 * place + 0.02
    evidence, parts = Evidence(), []
    for i in range(0, len(low), at_once):
        parts.append(evidence.add(low[i : i + at_once], high[i : i + at_once]))
    capital, since = (np.concatenate(part) for part in zip(*parts, strict=True))
    expected, expected_since = by_hand(log_gains(low, high))
    np.testing.assert_allclose(capital, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(since, expected_since)
    assert evidence.n_rows == 120


def test_capital_of_uniform_places_keeps_its_mean():
    """A martingale: over many streams its mean stays what it was at the start."""
    rng, ends = np.random.default_rng(1), []
    for _ in range(4000):
        cells = rng.integers(0, 50, size=5) / 50.0
        ends.append(math.exp(Evidence().add(cells, cells + 0.02)[0][-1]))
    assert np.mean(ends) == pytest.approx(1.0, abs=4.0 * np.std(ends) / math.sqrt(len(ends)))


def test_quiet_rows_cost_little_however_many_they_are():
    rng = np.random.default_rng(2)
    place = 0.999 * rng.random(200_000)
    evidence = Evidence()
    log_capital = evidence.add(place, place + 0.001)[0]
    # What is kept alone is worth as much.
    assert log_capital[-1] >= -math.log(1.0 + math.log(200_001.0))
    low = np.zeros(20)
    log_capital, since = evidence.add(low, low + 0.001)
    assert log_capital[-1] > math.log(100.0)
    assert since[-1] == pytest.approx(200_000, abs=2)


def test_places_as_far_out_as_can_be_do_not_overflow():
    evidence = Evidence()
    low = np.zeros(3000)
    assert np.isfinite(evidence.add(low, low + 1e-9)[0]).all()
    assert np.isfinite(evidence.add(low + 1.0 - 1e-9, low + 1.0)[0]).all()
