"""DAGMMDetector: decisions, arguments, and rows far outside the training range."""

import re

import numpy as np
import pytest

from dagmm import ArgumentError, DAGMMDetector
from estimators import normal, tiny_recipe


@pytest.fixture(scope="module")
def fitted():
    return DAGMMDetector(n_members=1, contamination=0.1).fit(normal(300))


def test_scores_labels_and_threshold_agree(fitted):
    x = normal(300)
    energy = fitted.energy(x)
    np.testing.assert_array_equal(fitted.score_samples(x), -energy)
    np.testing.assert_array_equal(fitted.decision_function(x), -energy - fitted.offset_)
    np.testing.assert_array_equal(fitted.predict(x) == -1, energy > -fitted.offset_)
    assert (fitted.predict(x) == -1).sum() == 30


def test_a_row_at_the_training_mean_is_normal(fitted):
    assert fitted.predict(normal(300).mean(axis=0, keepdims=True)).tolist() == [1]


@pytest.mark.parametrize("value", [1e3, 1e6, 1e30, -1e300, np.finfo(float).max])
def test_extreme_rows_are_stranger_than_any_training_row(fitted, value):
    rows = value * np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [1.0, 1.0, -1.0]])
    extreme = fitted.energy(rows)
    assert np.isfinite(extreme).all()
    assert extreme.min() > fitted.energy(normal(300)).max()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contamination": 0.6}, "contamination must be 'auto' or in (0, 0.5], got 0.6."),
        ({"contamination": "some"}, "contamination must be 'auto' or in (0, 0.5], got 'some'."),
        ({"contamination": np.nan}, "contamination must be 'auto' or in (0, 0.5], got nan."),
        ({"n_members": 0}, "n_members must be an int >= 1, got 0."),
        ({"n_members": True}, "n_members must be an int >= 1, got True."),
        ({"n_members": 2.0}, "n_members must be an int >= 1, got 2.0."),
    ],
)
def test_argument_that_cannot_be_used_is_named(arguments, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        DAGMMDetector(**arguments).fit(normal())


def test_same_seed_gives_the_same_energies(monkeypatch):
    monkeypatch.setattr("dagmm.detector.detector_recipe", tiny_recipe)
    first, same, other = (
        DAGMMDetector(n_members=2, random_state=seed).fit(normal()).energy(normal())
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
