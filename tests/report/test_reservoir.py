import numpy as np
import pytest

from dagmm.report.reservoir import Sample


def filled(most, n, size=7, seed=0):
    sample = Sample(most, seed)
    for start in range(0, n, size):
        row = np.arange(start, min(start + size, n))
        sample.add(row=row, twice=np.stack([row, 2 * row], axis=1))
    return sample


def test_few_rows_are_all_kept():
    sample = filled(50, 50)
    assert sorted(sample.first("row")) == list(range(50))
    assert (len(sample), sample.n_seen, sample.weight) == (50, 50, 1.0)


def test_parts_of_a_row_stay_together():
    sample = filled(20, 300)
    assert len(sample) == 20 == len(set(sample.first("row").tolist()))
    np.testing.assert_array_equal(sample.first("twice")[:, 1], 2 * sample.first("row"))
    assert sample.weight == 15.0
    np.testing.assert_array_equal(sample.first("row", 5), sample.first("row")[:5])


def test_each_row_has_the_same_chance():
    counts = np.zeros(40)
    for seed in range(2000):
        counts[filled(10, 40, seed=seed).first("row")] += 1
    assert counts / 2000 == pytest.approx(0.25, abs=0.05)


def test_nothing_comes_of_nothing():
    sample = Sample(3, 0)
    sample.add(row=np.empty(0, int))
    assert (len(sample), sample.n_seen, sample.weight) == (0, 0, 0.0)
    assert sample.first("row").shape == (0,)
