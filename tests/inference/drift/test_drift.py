from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dagmm import ArgumentError, DAGMMDetector, InputError, TableWarning
from dagmm.inference.drift.drift import drift_of
from dagmm.inference.drift.monitor import DriftMonitor
from dagmm.inference.streaming import Stream
from small_fits import TINY, normal, tiny_detector


@pytest.fixture(scope="module")
def detector():
    return tiny_detector(config=TINY).fit(pd.DataFrame(normal(400), columns=["a", "b", "c"]))


def rows(n_rows=300, seed=1):
    return pd.DataFrame(normal(n_rows, seed=seed), columns=["a", "b", "c"])


def test_a_table_is_watched_by_its_energies_in_order(detector):
    table = rows()
    table.loc[200:, "b"] += 4.0
    found = detector.drift(table)
    monitor = DriftMonitor(detector.model_.calibration, 0.01)
    expected = monitor.follow(detector.energy(table))
    np.testing.assert_allclose(found.log_evidence, expected, rtol=1e-9)
    assert found.has_drifted
    assert 200 <= found.row <= 215
    assert found.since == pytest.approx(200, abs=6)
    assert [column.name for column in found.moved] == ["b"]
    assert found.share_above == (detector.energy(table) > detector.threshold_["energy"]).mean()
    assert (found.share_expected, found.known_rows, found.n_rows) == (0.01, 200, 300)
    assert found.p_value == pytest.approx(np.exp(-expected.max()))
    plain = found.plain()
    assert plain["columns"][1]["name"] == "b"
    assert "log_evidence" not in plain


def test_rows_of_the_same_kind_have_not_drifted(detector):
    found = detector.drift(rows())
    assert (found.has_drifted, found.row, found.since, found.moved) == (False, None, None, ())


def test_a_column_that_moves_within_what_is_known_is_no_drift(detector):
    table = rows(1000)
    table["a"] = 0.6 * table["a"].abs()
    found = detector.drift(table)
    assert not found.has_drifted
    assert [column.name for column in found.moved] == ["a"]


def test_a_stream_is_watched_as_a_table_is(detector):
    table = rows(100)
    table.loc[60:, "c"] -= 5.0
    stream = detector.stream()
    for i in range(0, 100, 3):
        stream.update(table[i : i + 3])
    found = detector.drift(table)
    assert stream.drift.n_rows == 100
    assert (stream.drift.row, stream.drift.since) == (found.row, found.since)
    assert stream.drift.p_value == pytest.approx(found.p_value, rel=1e-6)


def test_rows_that_were_fitted_to_are_no_measure(detector):
    known = replace(detector.model_.calibration, held_out=None)
    model = replace(detector.model_, calibration=known)
    message = (
        "drift: this model keeps energies of rows only that it was fitted to, which are lower "
        "than those of new rows; calibrate it with normal rows first."
    )
    for asked in (lambda: drift_of(model, rows(5)), lambda: Stream(model).drift):
        with pytest.raises(ArgumentError) as caught:
            asked()
        assert str(caught.value) == message
    assert len(Stream(model).update(rows(5))) == 5  # which does without
    assert not drift_of(model.calibrated(rows(100, seed=5)), rows(50, seed=6)).has_drifted


def test_no_rows_are_refused(detector):
    with pytest.raises(InputError, match=r"^drift: expected at least 1 row, got none\.$"):
        drift_of(detector.model_, rows()[:0])


def test_a_bound_in_doubt_is_warned_of(detector):
    slow = detector.model_.calibration.with_held_out(
        np.repeat(np.random.default_rng(0).exponential(size=40), 25), "rows of a calibration table"
    )
    doubtful = DAGMMDetector()
    doubtful._take(replace(detector.model_, calibration=slow))
    doubtful.n_features_in_ = 3
    with pytest.warns(TableWarning, match=r"^drift: 1000 rows of a calibration table follow each"):
        found = doubtful.drift(rows())
    assert len(found.warnings) == 1
