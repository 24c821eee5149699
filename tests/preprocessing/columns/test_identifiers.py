import numpy as np
import pytest

from dagmm.preprocessing.columns.identifiers import IdentifierTest

N = 200
ODD = np.random.default_rng(0).permutation(N)


@pytest.mark.parametrize("size", [1, 50, 200])
def test_the_finding_is_the_same_in_any_chunks(size):
    for values in (ODD, np.arange(N), np.r_[ODD, 7]):
        counts = IdentifierTest.empty()
        for i in range(0, len(values), size):
            counts.add(values[i : i + size])
        whole = IdentifierTest.empty()
        whole.add(values)
        assert counts.in_words == whole.in_words
