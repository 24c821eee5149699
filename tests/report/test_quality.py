import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score, roc_auc_score

from dagmm.report.quality import detection_quality


def test_alarms_are_counted_against_labels():
    rng = np.random.default_rng(0)
    labels = rng.random(300) < 0.2
    energy = rng.normal(size=300) + labels
    found = detection_quality(energy, labels, 1.0)
    alarm = energy > 1.0
    assert found.n_anomalies + found.n_normal == 300
    assert (found.n_found, found.n_false) == ((alarm & labels).sum(), (alarm & ~labels).sum())
    assert found.recall == pytest.approx(recall_score(labels, alarm))
    assert found.precision == pytest.approx(precision_score(labels, alarm))
    assert found.auroc == pytest.approx(roc_auc_score(labels, energy))


@pytest.mark.parametrize("anomalous", [True, False])
def test_labels_of_one_kind_tell_nothing(anomalous):
    found = detection_quality(np.arange(5.0), np.full(5, anomalous), 9.0)
    assert (found.auroc, found.average_precision, found.precision) == (None, None, None)
    assert found.recall == (0.0 if anomalous else None)


def test_without_a_threshold_nothing_is_found():
    found = detection_quality(np.arange(4.0), np.arange(4) > 2, None)
    assert (found.n_found, found.n_false, found.recall, found.precision) == (
        None,
        None,
        None,
        None,
    )
    assert found.auroc == 1.0
