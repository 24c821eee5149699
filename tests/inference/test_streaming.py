"""Energies of windows: of a row and of earlier rows of its asset, and of nothing else."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm import DAGMMDetector, InputError
from dagmm.data.convert import as_rows
from dagmm.inference.streaming import Stream
from small_fits import normal, tiny_detector, tiny_window_config

FEW = settings(max_examples=10, derandomize=True, deadline=None)
N_STEPS = 4


def frame(n, seed=0, assets=("a", "b")):
    """Return readings of some assets, interleaved at random, now and then behind a gap."""
    rng = np.random.default_rng(seed)
    steps = np.where(rng.random(n) < 0.05, 60.0, 1.0)
    table = pd.DataFrame(normal(n, 3, seed), columns=["x", "y", "z"])
    table.loc[rng.random(n) < 0.1, "z"] = np.nan
    table["mode"] = rng.choice(["low", "high"], n)
    return table.assign(t=np.cumsum(steps), g=rng.choice(assets, n))


@pytest.fixture(scope="module")
def detector():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        return tiny_detector(time="t", group="g", window=N_STEPS).fit(frame(300))


tables = st.builds(frame, st.integers(1, 15), st.integers(0, 10**6))


@FEW
@given(tables, st.integers(0, 14))
def test_later_rows_do_not_matter(detector, table, n):
    whole = detector.energy(table)
    assert np.isfinite(whole).all()
    first = table.iloc[: max(1, n)]
    np.testing.assert_array_equal(detector.energy(first), whole[: len(first)])


@FEW
@given(tables, st.lists(st.integers(1, 7), min_size=15, max_size=15))
def test_rows_fed_in_one_by_one_or_a_few_have_the_energies_of_the_whole(detector, table, sizes):
    whole = detector.energy(table)
    for cuts in (np.arange(len(table) + 1), np.append(0, np.cumsum(sizes))):
        stream = detector.stream()
        parts = [stream.update(table.iloc[i:j]) for i, j in pairwise(cuts)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@FEW
@given(tables)
def test_each_asset_alone_has_the_same_energies(detector, table):
    whole = detector.energy(table)
    for name in table["g"].unique():
        own = (table["g"] == name).to_numpy()
        np.testing.assert_array_equal(detector.energy(table[own]), whole[own])


@FEW
@given(tables, st.integers(1, 14))
def test_a_gap_splits(detector, table, at):
    table = table.assign(g="a")
    table.loc[at:, "t"] += 1e6
    whole = detector.energy(table)
    parts = [detector.energy(part) for part in (table[:at], table[at:]) if len(part)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@FEW
@given(st.integers(0, 10**6))
def test_only_a_window_of_rows_matters(detector, seed):
    table = frame(30, seed).assign(g="a", t=np.arange(30.0))
    whole = detector.energy(table)
    changed = table.copy()
    changed.loc[10, ["x", "y", "z"]] += 5.0
    differs = detector.energy(changed) != whole
    assert not differs[:10].any()
    assert not differs[10 + N_STEPS :].any()
    assert differs[10]


def test_chunks_do_not_matter(detector, monkeypatch):
    table = frame(1500, 7)
    whole, deviation = detector.energy(table), detector.energy_deviation(table)
    monkeypatch.setattr("dagmm.inference.fitted_model.CHUNK_ROWS", 600)
    np.testing.assert_array_equal(detector.energy(table), whole)
    np.testing.assert_array_equal(detector.energy_deviation(table), deviation)
    monkeypatch.setattr("dagmm.inference.fitted_model._MOST_INPUTS", 1)
    np.testing.assert_array_equal(detector.energy(table), whole)


def test_an_asset_that_was_never_seen_is_scored(detector):
    table = frame(10, 3, assets=["new"])
    assert np.isfinite(detector.energy(table)).all()


def test_a_segment_does_not_begin_with_alarms():
    """Of the default as it is: the tiny one knows little of what is usual."""
    detector = tiny_detector(time="t", group="g", window=N_STEPS, random_state=0).fit(frame(300))
    table = frame(2000, 11).assign(t=np.arange(2000.0), g=np.repeat(np.arange(500), 4))
    alarm = (detector.predict(table) == -1).reshape(500, 4).mean(axis=0)
    assert (alarm[:3] <= alarm[3] + 0.02).all()


def test_a_stream_of_rows_by_themselves_is_scored_too():
    detector = DAGMMDetector(n_members=1).fit(normal(100))
    x = normal(5, seed=1)
    stream = detector.stream()
    one_by_one = np.concatenate([stream.update(x[i : i + 1]) for i in range(5)])
    np.testing.assert_array_equal(one_by_one, detector.energy(x))


# Refusals


def refused(message, call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert str(caught.value) == message


def test_a_refused_row_does_not_change_the_stream(detector):
    table = frame(12, 5).assign(g="a", t=np.arange(12.0))
    stream = Stream(detector.model_)
    before = stream.update(table[:6])
    message = (
        "column 't' runs backwards in row 0 for g 'a': 2 comes after 5. Sort the rows by 't', "
        "asset by asset."
    )
    refused(message, stream.update, table[2:3])
    after = stream.update(table[6:])
    np.testing.assert_array_equal(np.concatenate([before, after]), detector.energy(table))


def test_a_table_without_clock_or_asset_is_refused(detector):
    table = frame(5)
    message = "X has no column 't', the time of this model, which was fitted to windows."
    refused(message, detector.energy, table.drop(columns="t"))
    refused(message, detector.stream().update, table.drop(columns="t"))
    message = "X has no column 'g', the group of this model, which was fitted to windows."
    refused(message, detector.energy, table.drop(columns="g"))


def test_a_row_without_a_time_is_refused(detector):
    table = frame(5)
    table.loc[3, "t"] = np.nan
    message = (
        "column 't' has no time in row 3; each row needs one where windows are asked for. Fill "
        "it, or leave the row out."
    )
    refused(message, detector.energy, table)


def test_a_clock_that_runs_backwards_is_refused_across_chunks(detector, monkeypatch):
    table = frame(600, 2).assign(g="a", t=np.append(np.arange(599.0), 3.0))
    monkeypatch.setattr("dagmm.inference.fitted_model._MOST_INPUTS", 1)
    message = (
        "column 't' runs backwards in row 599 for g 'a': 3 comes after 598. Sort the rows by "
        "'t', asset by asset."
    )
    refused(message, detector.energy, table)
    assert as_rows(table).n_rows == 600
