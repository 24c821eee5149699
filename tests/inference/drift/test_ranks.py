import numpy as np
import pytest
from scipy import stats

from dagmm.inference.calibration.energies import MAX_KEPT, EmpiricalDistribution
from dagmm.inference.drift.ranks import ConformalRanks


def places(known, new, at_once=10_000):
    ranks = ConformalRanks(EmpiricalDistribution.of(known))
    parts = [ranks.add(new[i : i + at_once]) for i in range(0, len(new), at_once)]
    return (np.concatenate(ends) for ends in zip(*parts, strict=True))


def counted(known, new):
    """Ends of each place by counting, the energies of a gap as one bin, as one would by hand."""
    cuts, low, high = np.sort(known), [], []
    before = list(np.arange(len(known) + 1))  # a place of its own in each gap
    for energy in new:
        gap = int((cuts < energy).sum())
        above, own = sum(b > gap for b in before), sum(b == gap for b in before)
        low.append(above / len(before))
        high.append((above + own) / len(before))
        before.append(gap)
    return np.array(low), np.array(high)


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_places_are_those_counted_by_hand(at_once):
    rng = np.random.default_rng(0)
    known, new = rng.normal(size=30), rng.normal(1.0, size=100)
    for found, expected in zip(places(known, new, at_once), counted(known, new), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_parts_of_a_long_table_are_compared_with_each_other():
    rng = np.random.default_rng(1)
    known, new = rng.normal(size=20), rng.normal(size=1100)  # more than are looked at together
    for found, expected in zip(places(known, new), counted(known, new), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["continuous", "tied"])
@pytest.mark.parametrize("n_known", [5, 100])
def test_places_of_exchangeable_rows_are_uniform_and_independent(kind, n_known):
    """Over many tables: of each of the first rows, and of each with the row before it."""
    rng, drawn = np.random.default_rng(2), []
    for _ in range(1000):
        energy = rng.exponential(size=n_known + 3)
        if kind == "tied":
            # In thirds, so that few tables are alike: who has the same energies draws the same.
            energy = np.floor(3.0 * energy) + rng.random()
        ranks = ConformalRanks(EmpiricalDistribution.of(energy[:n_known]))
        low, high = ranks.add(energy[n_known:])
        drawn.append(low + (high - low) * rng.random(3))
    drawn = np.array(drawn)
    for place in drawn.T:
        assert stats.kstest(place, "uniform").pvalue > 1e-3
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert abs(stats.spearmanr(drawn[:, one], drawn[:, other]).statistic) < 0.11


def test_a_gap_of_energies_that_are_not_kept_counts_for_all_in_it():
    known = np.arange(3.0 * MAX_KEPT)
    low, high = places(known, np.array([-1.0, len(known) + 1.0, 10.0]))
    assert low[0] == pytest.approx(1.0 - 1.0 / (len(known) + 1))
    assert high[1] == pytest.approx(1.0 / (len(known) + 2))
    # Of the lower part of the energies one in five is kept.
    assert 4.0 < (high[2] - low[2]) * len(known) < 6.0
    assert low[2] < 1.0 - 10.0 / len(known) < high[2] + 1e-3


def test_no_rows_have_no_places():
    low, high = ConformalRanks(EmpiricalDistribution.of(np.zeros(3))).add(np.empty(0))
    assert low.shape == high.shape == (0,)
