import numpy as np
import pytest

from dagmm.preprocessing.columns.identifiers import IdentifierTest

N = 200
ODD = np.random.default_rng(0).permutation(N)


@pytest.mark.parametrize("size", [1, 50, 200])
def test_the_finding_is_the_same_in_any_chunks(size):
    for values in (ODD, np.arange(N), np.r_[ODD, 7], -np.arange(N), np.r_[np.arange(N), 0]):
        counts = IdentifierTest.empty()
        for i in range(0, len(values), size):
            counts.merge(IdentifierTest.of(values[i : i + size]))
        assert counts.in_words == IdentifierTest.of(values).in_words
