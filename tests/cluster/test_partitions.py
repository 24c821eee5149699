"""What engines are given: it travels, reads a model once, and says what it cannot do."""

import pickle
import re

import pyarrow as pa
import pytest

from cluster_tables import check_scores, cut, plant
from dagmm import ArgumentError, DAGMMDetector, InputError
from dagmm.cluster import partitions
from dagmm.cluster.partitions import PackedModel, PartitionScorer


def test_plain_iterators_score_partitions_as_one_process_does(folder, table):
    scorer = PartitionScorer.of(folder, table.column_names)
    found = [batch for part in cut(table) for batch in scorer(part.to_batches())]
    check_scores(pa.Table.from_batches(found), folder, table, ["id"], ["id", "line"])


def test_a_scorer_travels_and_its_model_is_read_once(folder, table, monkeypatch):
    scorer = pickle.loads(pickle.dumps(PartitionScorer.of(folder, table.column_names)))
    partitions._models.clear()
    read, whole = [], partitions.load_model
    monkeypatch.setattr(partitions, "load_model", lambda path: read.append(path) or whole(path))
    for part in cut(table):
        list(scorer(part.to_batches()))
    assert len(read) == 1


def test_asked_for_columns_are_added_and_typed(folder, table):
    scorer = PartitionScorer.of(folder, table.column_names, ["id"], p_value=True, explain=2)
    found = scorer.one(table)
    assert found.column_names == ["id", *scorer.added]
    assert [found.schema.field(name).type for name in scorer.added] == [*scorer.added.values()]
    empty = scorer.one(table.slice(0, 0))
    assert empty.schema.equals(found.schema)


def test_windows_of_one_asset_are_refused(tmp_path, series):
    one = series.slice(0, 120).drop_columns(["pump"])
    config = {"cycles": 1, "epochs": 1, "steps_per_epoch": 2}
    DAGMMDetector(n_members=1, config=config, time="t", window=4).fit(one).save(tmp_path / "m")
    scorer = PartitionScorer.of(tmp_path / "m", one.column_names)
    with pytest.raises(
        ArgumentError, match=r"^the model scores windows of a table of one asset, which cannot be"
    ):
        scorer.order  # noqa: B018


def test_alarm_logic_is_refused_where_rows_are_in_no_order(folder, tmp_path, table):
    DAGMMDetector.load(folder).set_threshold(energy=9.0, hold=3).save(tmp_path / "m")
    scorer = PartitionScorer.of(tmp_path / "m", table.column_names)
    with pytest.raises(
        ArgumentError,
        match=r"^the model has alarm logic \(.*\), which counts the rows of an asset",
    ):
        scorer.order  # noqa: B018


def test_windows_name_what_rows_are_brought_together_by(window_folder, series):
    scorer = PartitionScorer.of(window_folder, series.column_names)
    assert scorer.order == ["pump", "t"]
    assert scorer.passed == ("pump", "t")


@pytest.mark.parametrize(
    ("columns", "passed", "message"),
    [
        (["id", "flow"], None, "the table has no column 'load', which the model was fitted on."),
        (None, ["idd"], "passed names column 'idd', which the table does not have. Did you mean"),
        (["id", "energy"], None, "the result would have two columns 'energy'; choose other"),
    ],
)
def test_what_cannot_be_is_said_before_the_engine_begins(folder, table, columns, passed, message):
    given = table.column_names if columns is None else columns
    if "energy" in given:
        given = [*table.column_names, "energy"]
    with pytest.raises((ArgumentError, InputError), match=re.escape(message)):
        PartitionScorer.of(folder, given, passed)


def test_fleets_are_refused(tmp_path):
    (tmp_path / "fleet.json").write_text("{}")
    with pytest.raises(ArgumentError, match=r"is a fleet; engines score with one model\."):
        PackedModel.of(tmp_path)


def test_a_column_of_another_kind_is_an_error(folder):
    wrong = plant().drop_columns(["load"]).append_column("load", pa.array(["x"] * 400))
    scorer = PartitionScorer.of(folder, wrong.column_names)
    with pytest.raises(InputError, match=r"^batch 0, from row 0 on: column 'load' holds text"):
        list(scorer(wrong.to_batches()))
