import numpy as np
import pytest

from dagmm.errors import ArgumentError
from dagmm.threshold import (
    AUTO_CONTAMINATION,
    check_contamination,
    is_anomaly,
    label_of,
    score_of,
    threshold_of,
)


@pytest.mark.parametrize(
    ("value", "share"),
    [("auto", AUTO_CONTAMINATION), (0.1, 0.1), (0.5, 0.5), (np.float64(0.2), 0.2)],
)
def test_contamination_is_a_share(value, share):
    assert check_contamination(value) == share


@pytest.mark.parametrize("value", ["Auto", 0, 0.0, 0.51, 1, -0.1, True, None, float("nan"), [0.1]])
def test_any_other_contamination_is_refused(value):
    with pytest.raises(ArgumentError) as caught:
        check_contamination(value)
    assert str(caught.value) == f"contamination must be 'auto' or in (0, 0.5], got {value!r}."


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.25, 0.5])
def test_the_stated_share_of_training_rows_lies_above_the_threshold(contamination):
    energy = np.random.default_rng(0).normal(size=1000)
    above = is_anomaly(energy, threshold_of(energy, contamination))
    assert above.sum() == round(1000 * contamination)


def test_equal_energies_are_no_anomalies():
    energy = np.full(10, 3.0)
    assert not is_anomaly(energy, threshold_of(energy, 0.5)).any()


def test_scores_are_higher_for_the_more_normal():
    np.testing.assert_array_equal(score_of(np.array([-1.0, 5.0])), [1.0, -5.0])


def test_labels_are_scikit_learns():
    np.testing.assert_array_equal(label_of(np.array([-1e-9, 0.0, 2.0])), [-1, 1, 1])


def test_a_row_is_an_anomaly_exactly_where_its_label_is_minus_one():
    energy = np.array([1.0, 2.0, 3.0])
    decision = score_of(energy) + 2.0
    np.testing.assert_array_equal(is_anomaly(energy, 2.0), label_of(decision) == -1)
