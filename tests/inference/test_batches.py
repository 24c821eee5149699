"""Energies of a table in pieces: those of the whole, beside what passes through."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from dagmm import ArgumentError, InputError, ModelFileError
from dagmm.data.images import ImageRows
from dagmm.inference import score_batches
from dagmm.inference.explain.attribution import explain
from images import as_bytes, blobs, tiny_image_config
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


def test_empty_batches_have_the_schema_of_others(windows, table):
    empty = table.slice(0, 0)
    given = [empty, table.slice(0, 60), empty]
    options = {"passed": ["id"], "p_value": True, "explain": 2}
    scored = list(score_batches(windows.model_, given, **options))
    assert [batch.num_rows for batch in scored] == [0, 60, 0]
    assert scored[0].schema == scored[1].schema == scored[2].schema
    assert scored[0].schema.field("energy").type == pa.float64()
    assert scored[0].schema.names == [
        *("id", "energy", "is_anomaly", "p_value"),
        *("is_explained", "top_feature_1", "top_feature_2"),
    ]
    assert list(score_batches(windows.model_, [])) == []


def test_reasons_of_windows_are_those_of_the_estimator(windows, table):
    model = replace(windows.model_, decision=None)  # every row is explained
    joined = pa.Table.from_batches(list(score_batches(model, pieces(table), explain=1)))
    top = windows.explain(table.select(list("tabc"))).top_features(1)
    assert any(top[:, 0])
    assert joined["top_feature_1"].to_pylist() == top[:, 0].tolist()


def test_without_a_threshold_every_row_has_reasons(detector, table):
    model = replace(detector.model_, decision=None)
    (scored,) = score_batches(model, [table], explain=1)
    assert scored.schema.names == ["energy", "is_explained", "top_feature_1"]
    explanation = explain(model, table.select(list("abc")))
    assert scored["is_explained"].to_pylist() == explanation.is_explained.tolist()
    top = explanation.top_features(1)
    assert scored["top_feature_1"].to_pylist() == top[:, 0].tolist()


# Images


@pytest.fixture(scope="module")
def images():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)
        yield tiny_detector(n_members=1).fit(as_bytes(blobs()))


def test_stacks_of_images_have_the_energies_of_the_whole(images):
    stack = as_bytes(blobs(n=10, seed=1))
    parts = [stack[:4], stack[4:4], ImageRows(stack[4:5]), list(stack[5:])]
    scored = list(score_batches(images.model_, parts, p_value=True))
    assert [batch.num_rows for batch in scored] == [4, 0, 1, 5]
    joined = pa.Table.from_batches(scored)
    assert joined.column_names == ["energy", "is_anomaly", "p_value"]
    np.testing.assert_array_equal(joined["energy"].to_numpy(), images.energy(stack))
    np.testing.assert_array_equal(joined["p_value"].to_numpy(), images.p_value(stack))


def test_images_are_counted_through_all_batches(images):
    stack = blobs(n=6)
    stack[5, 2, 3] = np.nan
    with pytest.raises(InputError) as caught:
        list(score_batches(images.model_, [stack[:4], stack[4:]]))
    assert str(caught.value) == (
        "batch 1, from row 4 on: image 5 holds nan in row 2, column 3; expected finite pixels "
        "within +-1e6."
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            3,
            "expected a stack of images, such as an array of shape (n, height, width), got an "
            "object of type int.",
        ),
        (
            np.zeros((2, 12, 8)),
            "X has images of 12 x 8 pixels; this model was fitted on images of 9 x 8 pixels.",
        ),
    ],
)
def test_what_is_no_stack_of_that_size_is_refused(images, given, said):
    with pytest.raises(InputError) as caught:
        list(score_batches(images.model_, [given]))
    assert str(caught.value) == f"batch 0, from row 0 on: {said}"


def test_images_have_neither_columns_nor_top_features(images):
    with pytest.raises(ArgumentError) as caught:
        score_batches(images.model_, [], passed=["id"])
    assert str(caught.value) == "passed must be empty, as images have no columns; got ['id']."
    with pytest.raises(ArgumentError, match="explain_images explains them"):
        score_batches(images.model_, [], explain=1)


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"passed": ["energy"]},
            "the result would have two columns 'energy'; choose other "
            "columns for passed, or rename one.",
        ),
        (
            {"passed": ["id", "id"]},
            "the result would have two columns 'id'; choose other columns "
            "for passed, or rename one.",
        ),
        (
            {"passed": ["top_feature_2"], "explain": 2},
            "the result would have two columns "
            "'top_feature_2'; choose other columns for passed, or rename one.",
        ),
        ({"passed": "id"}, "passed must be a sequence of column names, got 'id'."),
        ({"explain": -1}, "explain must be an int >= 0, got -1."),
        ({"explain": True}, "explain must be an int >= 0, got True."),
    ],
)
def test_wrong_arguments_are_refused_at_once(detector, options, said):
    with pytest.raises(ArgumentError) as caught:
        score_batches(detector.model_, [], **options)
    assert str(caught.value) == said


def named(table, **columns):
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    return table


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (3, "expected an Arrow record batch or table, got an object of type int."),
        (
            pa.table([[1.0], [2.0]], names=["a", "a"]),
            "column 'a' appears 2 times; each column needs a name of its own.",
        ),
        (
            table_of(9).drop_columns(["b"]),
            "X has 4 columns, this model was fitted with 3; missing: 'b'.",
        ),
        (
            table_of(9).drop_columns(["id"]),
            "there is no column 'id', which passed names. It has 't', 'a', 'b', 'c'.",
        ),
        (
            named(table_of(9), id=range(9)),
            "column 'id' has type int64, in the batches before it "
            "has string; a column that passes through keeps its type.",
        ),
        (
            named(table_of(9), b=list("uvwxyz123")),
            "column 'b', row 50: expected a number, got 'u'; convert it, or replace it by NaN if "
            "it stands for a hole.",
        ),
    ],
)
def test_a_wrong_batch_is_named_by_its_number_and_first_row(detector, table, second, said):
    scored = score_batches(detector.model_, [table.slice(0, 50), second], passed=["id"])
    assert next(scored).num_rows == 50
    with pytest.raises(InputError) as caught:
        next(scored)
    assert str(caught.value) == f"batch 1, from row 50 on: {said}"


def test_rows_are_counted_through_all_batches(windows, table):
    clock = table["t"].to_pylist()
    clock[70] = None
    wrong = named(table, t=clock)
    with pytest.raises(InputError) as caught:
        list(score_batches(windows.model_, [wrong.slice(0, 60), wrong.slice(60)]))
    assert str(caught.value) == (
        "batch 1, from row 60 on: column 't' has no time in row 70; each row needs one where "
        "windows are asked for. Fill it, or leave the row out."
    )


def test_a_path_of_no_model_is_refused_at_once(tmp_path):
    with pytest.raises(ModelFileError):
        score_batches(tmp_path, [])
