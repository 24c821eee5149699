import numpy as np
import pytest
from scipy.stats import spearmanr

from dagmm._core.ranks import rank_correlation


def test_it_is_the_correlation_of_spearman_with_ties_at_their_mean_rank():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 40).astype(float), rng.normal(size=40)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_one_value_only_goes_along_with_nothing():
    assert rank_correlation(np.zeros(4), np.arange(4.0)) == 0.0
