import numpy as np
import pytest

from dagmm.report.reservoir import Reservoir


def filled(most, n, size=7, seed=0):
    reservoir = Reservoir(most, seed)
    for start in range(0, n, size):
        row = np.arange(start, min(start + size, n))
        reservoir.add(row=row, twice=np.stack([row, 2 * row], axis=1))
    return reservoir


def test_few_rows_are_all_kept():
    reservoir = filled(50, 50)
    assert sorted(reservoir.first("row")) == list(range(50))
    assert (len(reservoir), reservoir.n_seen, reservoir.weight) == (50, 50, 1.0)


def test_parts_of_a_row_stay_together():
    reservoir = filled(20, 300)
    assert len(reservoir) == 20 == len(set(reservoir.first("row").tolist()))
    np.testing.assert_array_equal(reservoir.first("twice")[:, 1], 2 * reservoir.first("row"))
    assert reservoir.weight == 15.0
    np.testing.assert_array_equal(reservoir.first("row", 5), reservoir.first("row")[:5])


def test_each_row_has_the_same_chance():
    counts = np.zeros(40)
    for seed in range(2000):
        counts[filled(10, 40, seed=seed).first("row")] += 1
    assert counts / 2000 == pytest.approx(0.25, abs=0.05)


def test_nothing_comes_of_nothing():
    reservoir = Reservoir(3, 0)
    reservoir.add(row=np.empty(0, int))
    assert (len(reservoir), reservoir.n_seen, reservoir.weight) == (0, 0, 0.0)
    assert reservoir.first("row").shape == (0,)


def test_the_sample_does_not_depend_on_the_parts():
    found = [filled(20, 300, size=size).first("row") for size in (1, 7, 300)]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
