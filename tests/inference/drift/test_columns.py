import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from dagmm.data.convert import as_rows
from dagmm.preprocessing.reference_values import reference_values_of
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.inference.drift.columns import LEVELS, DriftCounts


def counted(train, scored, size=50):
    """Count scored rows against what is remembered of the training rows."""
    encoder = fit_table_encoder(as_rows(train))
    features = np.concatenate([encoder.encode(chunk) for chunk in as_rows(train).chunks()])
    counts = DriftCounts(encoder, reference_values_of(features, encoder.feature_columns))
    for chunk in as_rows(scored).chunks(size):
        numbers = chunk.numbers(encoder.numbers.names)
        holes = dict(zip(encoder.numbers.names, np.isnan(numbers).T, strict=True))
        holes |= {t.name: np.asarray(chunk.text(t.name).is_null()) for t in encoder.texts}
        counts.add(encoder.encode(chunk), holes)
    return counts


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(0, 99),
    st.sampled_from(["normal", "integers", "mostly zero"]),
    st.floats(-2.0, 2.0),
    st.floats(0.3, 3.0),
)
def test_the_distance_is_never_more_than_kolmogorov_and_smirnov_say(seed, kind, shift, stretch):
    rng = np.random.default_rng(seed)
    train = rng.normal(size=400)
    if kind == "integers":
        train = np.round(train)
    if kind == "mostly zero":
        train = np.where(rng.random(400) < 0.8, 0.0, train)
    scored = stretch * rng.permutation(train) + shift
    found = counted(pd.DataFrame({"a": train}), pd.DataFrame({"a": scored})).distances()["a"]
    # One row of 400 may lie on either side of a percentile.
    assert found <= ks_2samp(train, scored, method="asymp").statistic + 1 / 400 + 1e-9


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 1.0, 5.0])
def test_the_distance_of_a_shift_is_nearly_that_of_kolmogorov_and_smirnov(shift):
    train = np.random.default_rng(0).normal(size=5000)
    scored = np.random.default_rng(1).normal(shift, size=5000)
    found = counted(pd.DataFrame({"a": train}), pd.DataFrame({"a": scored})).distances()["a"]
    assert found == pytest.approx(ks_2samp(train, scored, method="asymp").statistic, abs=0.03)


def test_holes_are_not_counted():
    train = pd.DataFrame({"a": np.arange(100.0), "b": np.arange(100.0) % 7})
    scored = train.assign(a=np.where(np.arange(100) % 2, np.nan, np.arange(100.0)))
    assert counted(train, scored).distances()["a"] <= 0.02
    assert counted(train, train.assign(a=np.nan)).distances() == {"a": None, "b": 0.0}


def test_the_same_rows_have_not_moved():
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"a": rng.normal(size=300), "b": rng.integers(0, 2, 300).astype(float)})
    assert max(counted(train, train).distances().values()) <= 1 / 300 + 1e-9


def test_texts_are_as_far_as_their_frequencies():
    train = pd.DataFrame({"tool": ["drill"] * 60 + ["mill"] * 40, "a": np.arange(100.0) % 9})
    scored = pd.DataFrame({"tool": ["drill"] * 30 + ["mill"] * 60 + ["saw"] * 10, "a": 1.0})
    counts = counted(train, scored)
    assert counts.distances()["tool"] == pytest.approx(0.3)
    assert counts.unseen_share("tool") == pytest.approx(0.1)
    assert counts.unseen_share("a") is None


def test_without_what_is_usual_nothing_is_known():
    encoder = fit_table_encoder(as_rows(pd.DataFrame({"a": [1.0, 2.0, 4.0]})))
    counts = DriftCounts(encoder, None)
    counts.add(np.zeros((2, 1), np.float32), {"a": np.array([False, False])})
    assert counts.distances() == {"a": None}


def test_levels_are_those_of_the_usual_values():
    ordered = np.arange(1001, dtype=np.float32)[:, None]
    kept = reference_values_of(ordered, ["a"])[:, 0]
    assert kept / 1000 == pytest.approx(LEVELS, abs=1e-3)
