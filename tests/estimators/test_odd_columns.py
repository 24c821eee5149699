"""Odd but valid columns: a row's energy is the same by itself as among others."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
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


def test_names_that_are_equal_but_not_as_text_are_two(monkeypatch):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(N_ROWS, 2)))
    frame.columns = pd.Index([1, True], dtype=object)
    detector = fitted(frame, monkeypatch)
    assert detector.model_.encoder.columns == ("1", "True")
    assert not hasattr(detector, "feature_names_in_")
    assert detector.n_features_in_ == 2


def test_names_that_are_one_text_are_refused(monkeypatch):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(N_ROWS, 2)), columns=["1", 1])
    with pytest.raises(InputError) as caught:
        fitted(frame, monkeypatch)
    assert str(caught.value) == (
        "column '1' appears 2 times; each column needs a name of its own."
    )


def test_names_with_half_a_surrogate_pair_are_written_out(monkeypatch):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(N_ROWS, 2)))
    frame.columns = pd.Index(["a\ud800", "b"], dtype=object)
    detector = fitted(frame, monkeypatch)
    assert list(detector.feature_names_in_) == ["a\\ud800", "b"]
    assert np.isfinite(detector.energy(frame)).all()


def test_polars_names_with_a_zero_byte_are_read(monkeypatch):
    frame = pl.DataFrame({"\x00": ["u", "v"] * (N_ROWS // 2), "a": np.arange(N_ROWS) % 7 * 1.5})
    detector = fitted(frame, monkeypatch)
    assert detector.model_.encoder.columns == ("\x00", "a")
    assert np.isfinite(detector.energy(frame)).all()


def test_whole_numbers_of_128_bits_are_numbers(monkeypatch):
    values = [2**70 + i % 5 * 2**68 for i in range(N_ROWS)]
    frame = pl.DataFrame({"a": pl.Series(values, dtype=pl.Int128)})
    detector = fitted(frame, monkeypatch)
    assert np.isfinite(detector.energy(frame)).all()


@pytest.mark.parametrize(
    "values",
    [
        [datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1)],
        [pd.Timestamp("2020-01-01"), "x"],
        [1, "x", True],
    ],
    ids=repr,
)
def test_categories_of_several_types_are_texts_by_themselves(values, monkeypatch):
    frame = with_column(values)
    frame["o"] = frame["o"].astype("category")
    detector = fitted(frame, monkeypatch)
    together = detector.energy(frame)
    alone = [detector.energy(frame.iloc[[i]])[0] for i in range(4)]
    np.testing.assert_allclose(alone, together[:4], rtol=1e-12)


def test_complex_numbers_are_refused(monkeypatch):
    frame = with_column([1.0])
    frame["o"] = np.arange(N_ROWS) * 1j
    with pytest.raises(InputError) as caught:
        fitted(frame, monkeypatch)
    assert str(caught.value) == (
        "column 'o' has type complex128; expected numbers, booleans, text or dates. Convert it, "
        "or leave it out."
    )


def test_lists_where_texts_were_are_refused(monkeypatch):
    detector = fitted(pl.DataFrame({"o": ["u", "v"] * (N_ROWS // 2)}), monkeypatch)
    with pytest.raises(InputError) as caught:
        detector.energy(pl.DataFrame({"o": [[1], [2, 3]]}))
    assert str(caught.value) == (
        "column 'o' has type List(Int64); expected numbers, booleans, text or dates. Convert it, "
        "or leave it out."
    )
