import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp, kstwobign

from dagmm.data.convert import as_rows
from dagmm.inference.drift.columns import LEVELS, DriftCounts, holm
from dagmm.preprocessing.reference_values import reference_values_of
from dagmm.preprocessing.table_fit import fit_table_encoder


def counted(train, scored, size=50):
    """Count scored rows against what is remembered of the training rows."""
    encoder = fit_table_encoder(as_rows(train))
    features = np.concatenate([encoder.encode(chunk) for chunk in as_rows(train).chunks()])
    reference_values = reference_values_of(
        features, encoder.feature_columns, n_numbers=encoder.n_numbers
    )
    counts = DriftCounts(encoder, reference_values)
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


def test_a_column_that_had_holes_is_compared_with_its_holes_filled():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(size=(2000, 2)), columns=["a", "b"])
    rows.loc[rng.random(2000) < 0.4, "b"] = np.nan
    assert counted(rows[:1000], rows[1000:]).distances()["b"] < 0.05
    assert counted(rows[:300], rows[1000:]).distances()["b"] < 0.1
    gone = rows[1000:].assign(b=np.nan)
    assert counted(rows[:1000], gone).distances()["b"] > 0.25


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


def test_chances_of_distances_are_those_of_scipy():
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"a": rng.normal(size=1000), "tool": rng.choice(["x", "y", "z"], 1000)})
    scored = pd.DataFrame({"a": rng.normal(0.4, size=400), "tool": rng.choice(["x", "y"], 400)})
    counts = counted(train, scored)
    found = counts.p_values(1000)
    distance = counts.distances()["a"]
    assert found["a"] == pytest.approx(
        kstwobign.sf(distance * np.sqrt(1000 * 400 / 1400)), rel=1e-9
    )
    rows = [
        table["tool"].value_counts().reindex(["x", "y", "z"], fill_value=0)
        for table in (train, scored)
    ]
    assert found["tool"] == pytest.approx(
        chi2_contingency(np.array(rows), correction=False).pvalue, rel=1e-6
    )


def test_columns_that_did_not_move_are_seldom_said_to_have():
    """The chance of any of ten columns, over many tables, whatever the distance."""
    rng, n_said = np.random.default_rng(1), 0
    for _ in range(30):
        names = [f"c{i}" for i in range(9)]
        rows = pd.DataFrame(rng.normal(size=(500, 9)), columns=names).assign(
            tool=rng.choice(["x", "y", "z"], 500)
        )
        counts = counted(rows[:300], rows[300:])
        n_said += min(one.p_value for one in counts.moves(300, 0.1)) <= 0.1
    assert n_said <= 8


def test_columns_that_moved_are_told_from_those_that_did_not():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(rng.normal(size=(1500, 3)), columns=["a", "b", "c"]).assign(
        tool=rng.choice(["x", "y"], 1500)
    )
    scored = rows[1000:].assign(b=rows["b"][1000:] + 0.5)
    scored.loc[scored.index[:200], "tool"] = "saw"
    found = {one.name: one for one in counted(rows[:1000], scored).moves(1000, 0.01)}
    assert [name for name, one in found.items() if one.has_moved] == ["b", "tool"]
    assert found["tool"].unseen_share == pytest.approx(0.4)
    assert found["a"].unseen_share is None
    # Far from chance, but too little to matter.
    little = rows[1000:].assign(a=rows["a"][1000:] + 0.1)
    many = pd.concat([little] * 40)
    one = counted(rows[:1000], many).moves(10**6, 0.01)[0]
    assert (one.has_moved, one.p_value < 0.01) == (False, True)


def test_p_values_are_adjusted_as_holm_has_it():
    # p (m - rank + 1), never falling, at most 1.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
