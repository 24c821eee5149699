from itertools import groupby

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagmm.data.convert import as_rows
from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.preprocessing.reference_values import reference_values_of
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.report.columns import FROZEN_ROWS, Column, ColumnTracker, run_lengths

cells = st.one_of(st.integers(0, 2).map(float), st.just(np.nan))


@given(st.lists(cells, max_size=30), st.integers(1, 30))
def test_runs_are_counted_across_parts(values, size):
    column = np.array(values).reshape(-1, 1)
    before, length = np.array([np.nan]), np.zeros(1, int)
    found = []
    for start in range(0, len(column), size):
        part = column[start : start + size]
        runs = run_lengths(part, before, length)
        before, length = part[-1], runs[-1]
        found += runs[:, 0].tolist()
    expected = []
    for value, run in groupby(values, key=lambda v: "hole" if np.isnan(v) else v):
        expected += [0 if value == "hole" else i + 1 for i, _ in enumerate(run)]
    assert found == expected


def tracked(train, scored, knows=True, group=None):
    encoder = fit_table_encoder(as_rows(train))
    features = np.concatenate([encoder.encode(chunk) for chunk in as_rows(train).chunks()])
    reference_values = reference_values_of(features, encoder.feature_columns)
    known = Calibration(reference_values, EmpiricalDistribution.of(np.zeros(3))) if knows else None
    tracker = ColumnTracker(encoder, known)
    for chunk in as_rows(scored).chunks(37):
        numbers = chunk.numbers(encoder.numbers.names)
        holes = dict(zip(encoder.numbers.names, np.isnan(numbers).T, strict=True))
        holes |= {t.name: np.asarray(chunk.text(t.name).is_null()) for t in encoder.texts}
        tracker.add(numbers, encoder.encode(chunk), holes)
        tracker.add_runs(group, numbers)
    return {column.name: column for column in tracker.finish()}


TRAIN = pd.DataFrame(
    {
        "level": np.random.default_rng(0).normal(size=200),
        "count": np.arange(200) % 3 * 1.0,
        "tool": np.where(np.arange(200) % 3 == 0, "mill", "drill"),
    }
)


def test_columns_are_summed_up():
    scored = TRAIN.copy()
    scored.loc[[3, 90, 150], "level"] = np.nan
    scored.loc[5, "tool"] = None
    found = tracked(TRAIN, scored)
    level = found["level"]
    assert (level.kind, level.n_missing, found["tool"].n_missing) == ("number", 3, 1)
    assert (level.low, level.high) == (scored["level"].min(), scored["level"].max())
    assert level.band == pytest.approx(TRAIN["level"].quantile([0.01, 0.99]), abs=0.2)
    assert (level.longest_run, level.is_frozen, level.is_constant) == (1, False, False)
    assert (found["tool"].kind, found["tool"].usual) == ("text", ("drill", "mill"))
    assert [column.moved for column in found.values()] == ["no", "no", "no"]


def test_a_sensor_that_stands_still_is_frozen_and_a_counter_is_not():
    scored = TRAIN.copy()
    scored.loc[20:60, "level"] = 0.1
    scored.loc[:, "count"] = 1.0
    found = tracked(TRAIN, scored)
    assert (found["level"].longest_run, found["level"].is_frozen) == (41, True)
    assert (found["count"].is_constant, found["count"].is_frozen) == (True, False)
    short = scored["level"].where(np.arange(200) > 20 + FROZEN_ROWS - 2, TRAIN["level"])
    assert not tracked(TRAIN, scored.assign(level=short.iloc[:60]).iloc[:60])["level"].is_frozen
    assert not tracked(TRAIN, scored, knows=False)["level"].is_frozen


def test_a_column_without_a_value_has_no_ends():
    found = tracked(TRAIN, TRAIN.assign(level=np.nan))["level"]
    assert (found.low, found.high, found.n_missing, found.distance) == (None, None, 200, None)
    assert (found.is_constant, found.moved) == (False, "unknown")


@pytest.mark.parametrize(
    ("distance", "noise", "moved"),
    [
        (None, 0.0, "unknown"),
        (0.09, 0.0, "no"),
        (0.1, 0.0, "some"),
        (0.2, 0.3, "no"),
        (0.3, 0.1, "far"),
    ],
)
def test_how_far_a_column_has_moved(distance, noise, moved):
    assert Column("a", "number", 0, distance=distance, noise=noise).moved == moved
