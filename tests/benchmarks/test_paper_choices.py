"""How readers of the paper have split and counted, on rows few enough to count by hand."""

import numpy as np
import pytest

from paper_choices import called_together, half_of_normal


def test_half_of_the_normal_rows_are_trained_on_and_all_anomalies_tested():
    anomaly = np.arange(100) % 4 == 0
    train, test = half_of_normal(anomaly, None, 0)
    assert not anomaly[train].any()
    assert len(train) == 37
    assert sorted([*train, *test]) == list(range(100))
    _, fewer = half_of_normal(anomaly, 0.2, 0)
    assert anomaly[fewer].sum() == 15


def test_the_quantile_is_of_training_and_test_rows_together():
    energy, of_training = np.arange(10.0), np.full(10, -1.0)
    anomaly = energy >= 6
    # The highest fifth of twenty rows are four, and all four are anomalies.
    assert called_together(energy, of_training, anomaly, 0.2) == 1.0
    # The highest tenth are two of the four.
    assert called_together(energy, of_training, anomaly, 0.1) == pytest.approx(2 * 2 / (2 + 4))
