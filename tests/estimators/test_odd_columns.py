"""Odd but valid columns: a row's energy is the same by itself as among others."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest

from dagmm import InputError, TableWarning
from small_fits import tiny_config, tiny_detector

N_ROWS = 40


def with_column(values, name="o"):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N_ROWS, 2)), columns=["a", "b"])
    made = [values[i % len(values)] for i in range(N_ROWS)]
    frame[name] = pd.Series(made, dtype=object)
    return frame


def fitted(frame, monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        return tiny_detector(n_members=1).fit(frame)


@pytest.mark.parametrize(
    "values",
    [
        [2**53 + 1, 2**53 + 7, 2**60],
        [2**53 + 2, 1.5],
        [2**64, -(2**64), 3],
        ["a\ud800", "b"],
        [1, "x"],
        [True, "1", "u"],
        [True, 2],
        [pd.Timestamp("2020-01-01"), "x"],
        [datetime.time(3), "x", 1.0],
    ],
    ids=repr,
)
def test_a_row_has_the_same_energy_by_itself(values, monkeypatch):
    frame = with_column(values)
    detector = fitted(frame, monkeypatch)
    together = detector.energy(frame)
    alone = [detector.energy(frame.iloc[[i]])[0] for i in range(6)]
    assert np.isfinite(together).all()
    np.testing.assert_allclose(alone, together[:6], rtol=1e-12)
    assert "o" in detector.model_.encoder.columns


@pytest.mark.parametrize(
    "names",
    [[0, "a", 1.5], [None, "a", "b"], [pd.Timestamp("2020-01-01"), "a", 1], [True, 2, "x"]],
)
def test_names_of_several_types_are_taken_as_text(names, monkeypatch):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(N_ROWS, 3)))
    frame.columns = pd.Index(names, dtype=object)
    detector = fitted(frame, monkeypatch)
    assert list(detector.feature_names_in_) == [str(name) for name in frame.columns]
    assert np.isfinite(detector.energy(frame)).all()


def test_names_that_are_one_text_are_refused(monkeypatch):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(N_ROWS, 2)), columns=["1", 1])
    with pytest.raises(InputError) as caught:
        fitted(frame, monkeypatch)
    assert str(caught.value) == (
        "column '1' appears 2 times; each column needs a name of its own."
    )
