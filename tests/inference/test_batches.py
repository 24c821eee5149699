"""Energies of a table in pieces: those of the whole, beside what passes through."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from dagmm import ArgumentError, InputError
from dagmm.inference import score_batches
from small_fits import normal, tiny_config, tiny_detector, tiny_window_config

CUTS = (0, 7, 7, 50, 51, 120)


def table_of(n_rows=120, seed=0):
    x = normal(n_rows, 3, seed)
    x[5] = 30.0
    columns = {name: x[:, i] for i, name in enumerate("abc")}
    clock = np.arange(float(n_rows))
    return pa.table({"id": [f"r{i}" for i in range(n_rows)], "t": clock, **columns})


def pieces(table):
    """Cut unevenly; one piece is empty, some are tables."""
    parts = [table.slice(i, j - i) for i, j in pairwise(CUTS)]
    return [
        part.to_batches()[0] if i % 2 and part.num_rows else part for i, part in enumerate(parts)
    ]


@pytest.fixture(scope="module")
def table():
    return table_of()


@pytest.fixture(scope="module")
def detector(table):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        yield tiny_detector().fit(table.select(list("abc")))


@pytest.fixture(scope="module")
def windows(table):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        yield tiny_detector(time="t", window=4).fit(table.select(list("tabc")))


def test_pieces_have_the_energies_of_the_whole(detector, table):
    scored = list(score_batches(detector.model_, pieces(table), passed=["id"]))
    assert [batch.num_rows for batch in scored] == [7, 0, 43, 1, 69]
    joined = pa.Table.from_batches(scored)
    assert joined.column_names == ["id", "energy", "is_anomaly"]
    assert joined["id"].equals(table["id"])
    features = table.select(list("abc"))
    np.testing.assert_array_equal(joined["energy"].to_numpy(), detector.energy(features))


def test_windows_reach_across_pieces(windows, table):
    joined = pa.Table.from_batches(list(score_batches(windows.model_, pieces(table), explain=1)))
    energy = windows.energy(table.select(list("tabc")))
    np.testing.assert_array_equal(joined["energy"].to_numpy(), energy)


def test_p_values_and_reasons_are_those_of_the_estimator(detector, table):
    scored = score_batches(detector.model_, pieces(table), p_value=True, explain=2)
    joined = pa.Table.from_batches(list(scored))
    features = table.select(list("abc"))
    np.testing.assert_array_equal(joined["p_value"].to_numpy(), detector.p_value(features))
    top = detector.explain(features).top_features(2)
    strange = joined["is_anomaly"].to_numpy()
    assert strange[5]
    for i in range(2):
        expected = np.where(strange, top[:, i], None).tolist()
        assert joined[f"top_feature_{i + 1}"].to_pylist() == expected


def test_one_batch_is_read_for_each_result(detector, table):
    taken = []
    source = (taken.append(i) or part for i, part in enumerate(pieces(table)))
    scored = score_batches(detector.model_, source)
    assert taken == []
    next(scored)
    assert taken == [0]


def test_a_saved_model_is_named_by_its_path(detector, table, tmp_path):
    detector.save(tmp_path / "model")
    (scored,) = score_batches(tmp_path / "model", [table])
    expected = detector.energy(table.select(list("abc")))
    np.testing.assert_array_equal(scored["energy"].to_numpy(), expected)


def test_names_that_clash_are_refused_at_once(detector):
    with pytest.raises(ArgumentError) as caught:
        score_batches(detector.model_, [], passed=["energy"])
    assert str(caught.value) == (
        "the result would have two columns 'energy'; choose other columns for passed, or rename "
        "one."
    )


def test_missing_columns_are_named(detector, table):
    with pytest.raises(InputError, match="'b'"):
        list(score_batches(detector.model_, [table.drop_columns(["b"])]))
    with pytest.raises(InputError, match=r"^batches have no column 'ix', which passed names"):
        list(score_batches(detector.model_, [table], passed=["ix"]))


def test_what_is_no_batch_is_refused(detector):
    with pytest.raises(InputError) as caught:
        list(score_batches(detector.model_, [3]))
    assert str(caught.value) == (
        "batches must hold Arrow record batches or tables, got an object of type int."
    )
