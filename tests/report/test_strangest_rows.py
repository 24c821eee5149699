import numpy as np
import pytest

from dagmm.report.strangest_rows import StrangestRows


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_strangest_rows_are_kept(size):
    energy = np.random.default_rng(0).normal(size=100)
    kept = StrangestRows(5)
    for start in range(0, 100, size):
        kept.add(start, energy[start : start + size], lambda row: f"row {row}")
    expected = np.argsort(-energy)[:5]
    assert [(row, what) for row, _, what in kept] == [(int(i), f"row {i}") for i in expected]
    assert [value for _, value, _ in kept] == energy[expected].tolist()


def test_of_equal_energies_the_first_rows_are_kept():
    kept = StrangestRows(2)
    for start in (0, 2, 4):
        kept.add(start, np.zeros(2), lambda row: row)
    assert [row for row, _, _ in kept] == [0, 1]
