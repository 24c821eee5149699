from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from dagmm.evaluation.metrics import (
    f1_at_true_share,
    mean_over,
    n_top_of,
    overlap_of,
    quality_of,
    stability_of,
)

labelled = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=8)


def drawn(n_rows=50, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n_rows), rng.random(n_rows) < 0.2


def test_quality_is_that_of_scikit_learn():
    strangeness, anomalous = drawn()
    quality = quality_of(strangeness, anomalous)
    called = strangeness >= np.sort(strangeness)[-anomalous.sum()]
    assert quality == {
        "auroc": pytest.approx(roc_auc_score(anomalous, strangeness)),
        "average_precision": pytest.approx(average_precision_score(anomalous, strangeness)),
        "f1": pytest.approx(f1_score(anomalous, called)),
    }


@pytest.mark.parametrize("kind", [True, False])
def test_rows_of_one_kind_say_nothing_about_quality(kind):
    quality = quality_of(np.arange(5.0), np.full(5, kind))
    assert quality == {"auroc": None, "average_precision": None, "f1": None}


@given(labelled)
def test_f1_is_the_mean_over_all_ways_to_call_as_many_as_there_are(rows):
    strangeness, anomalous = (np.array(part) for part in zip(*rows, strict=True))
    n_called = int(anomalous.sum())
    if not n_called:
        return
    chosen = list(combinations(range(len(rows)), n_called))
    highest = max(strangeness[list(index)].sum() for index in chosen)
    hits = [
        anomalous[list(index)].sum()
        for index in chosen
        if strangeness[list(index)].sum() == highest
    ]
    f1 = f1_at_true_share(strangeness.astype(float), anomalous)
    assert f1 == pytest.approx(np.mean(hits) / n_called)


def test_how_many_of_the_strangest_are_looked_at():
    assert n_top_of(50, drawn()[1]) == drawn()[1].sum()
    assert n_top_of(5000, None) == 50
    assert n_top_of(100, None) == 10
    assert n_top_of(8, None) == 4
    assert n_top_of(8, np.zeros(8, bool)) == 4
    assert n_top_of(8, np.ones(8, bool)) == 4


def test_overlap_counts_rows_that_both_find_strangest():
    a, b = np.arange(10.0), np.array([0, 0, 0, 0, 0, 0, 9, 0, 9, 9.0])
    assert overlap_of(a, b, 3) == pytest.approx(2 / 3)
    assert overlap_of(a, a, 3) == 1.0
    assert overlap_of(a, -a, 3) == 0.0


def test_stability_is_the_mean_rank_correlation_of_pairs():
    runs = np.random.default_rng(0).normal(size=(3, 20)) + np.arange(20.0)
    expected = np.mean([spearmanr(runs[i], runs[j])[0] for i, j in ((0, 1), (0, 2), (1, 2))])
    assert stability_of(runs) == pytest.approx(expected)
    assert stability_of(runs[:1]) is None


def test_a_mean_is_over_what_is_there():
    assert mean_over([1.0, None, 3.0]) == 2.0
    assert mean_over([None]) is None
