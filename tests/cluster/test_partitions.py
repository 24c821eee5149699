"""What engines are given: it travels, reads a model once, and says what it cannot do."""

import pickle
import re

import pyarrow as pa
import pytest

from cluster_tables import check_fleet_scores, check_scores, cut, cut_evenly, plant
from dagmm import ArgumentError, DAGMMDetector, DAGMMFleet, InputError
from dagmm.cluster import packed
from dagmm.cluster.partitions import PartitionScorer
from fleets import fleet_table
from small_fits import TINY


def test_plain_iterators_score_partitions_as_one_process_does(folder, table):
    scorer = PartitionScorer.of(folder, table.column_names)
    found = [batch for part in cut(table) for batch in scorer(part.to_batches())]
    check_scores(pa.Table.from_batches(found), folder, table, ["id"], ["id", "line"])


def test_a_scorer_travels_and_its_model_is_read_once(folder, table, monkeypatch):
    scorer = pickle.loads(pickle.dumps(PartitionScorer.of(folder, table.column_names)))
    packed._read.clear()
    read, whole = [], packed.load_model
    monkeypatch.setattr(packed, "load_model", lambda path: read.append(path) or whole(path))
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


def test_a_fleet_travels_and_reads_each_model_once(fleet_folder, fleet_rows, monkeypatch):
    scorer = PartitionScorer.of(fleet_folder, fleet_rows.column_names, p_value=True, explain=1)
    scorer = pickle.loads(pickle.dumps(scorer))
    assert scorer.order == []
    packed._read.clear()
    read, whole = [], packed.load_model
    monkeypatch.setattr(packed, "load_model", lambda path: read.append(path) or whole(path))
    parts = [scorer.one(part) for part in cut_evenly(fleet_rows)]
    assert len(read) == 6  # those of the assets, and that of all
    assert parts[0].column_names == ["pump", "id", *scorer.added]
    types = {name: parts[0].schema.field(name).type for name in scorer.added}
    assert types == scorer.added
    assert all(part.schema.equals(parts[0].schema) for part in parts)
    check_fleet_scores(pa.concat_tables(parts), fleet_folder, fleet_rows)


def test_an_asset_that_is_new_is_an_error_or_scored_by_the_model_of_all(fleet_folder):
    new = fleet_table(("p7",), 5)
    scorer = PartitionScorer.of(fleet_folder, new.column_names)
    with pytest.raises(InputError, match=r"^pump 'p7' is none of the 6 that the fleet was fitted"):
        scorer.one(new)
    by_all = PartitionScorer.of(fleet_folder, new.column_names, unseen="all").one(new)
    expected = DAGMMFleet.load(fleet_folder).set_params(unseen="all").energy(new)
    assert by_all["energy"].to_pylist() == expected.tolist()
    assert set(by_all["scored_by"].to_pylist()) == {"all"}


@pytest.mark.filterwarnings("ignore::dagmm.TableWarning")  # of rows that follow each other
def test_windows_of_a_fleet_are_brought_together_by_its_column(tmp_path, series):
    fleet = DAGMMFleet("pump", n_members=1, config=TINY, n_jobs=1, time="t", window=4)
    fleet.fit(series).save(tmp_path / "f")
    scorer = PartitionScorer.of(tmp_path / "f", series.column_names)
    assert scorer.order == ["pump", "t"]
    halves = [series.slice(0, 120), series.slice(120)]
    found = pa.concat_tables([scorer.one(part) for part in halves])
    assert found["energy"].to_pylist() == fleet.energy(series).tolist()


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        (["load", "flow", "heat", "mode"], {}, "the table has no column 'pump', which the model"),
        (None, {"unseen": "al"}, "unseen must be one of 'error', 'all', got 'al'."),
        (["energy"], {}, "the result would have two columns 'energy'; choose other columns for p"),
    ],
)
def test_what_a_fleet_cannot_do_is_said_before_too(fleet_folder, columns, arguments, message):
    names = fleet_table().column_names
    given = [*names, *columns] if columns == ["energy"] else columns or names
    with pytest.raises((ArgumentError, InputError), match="^" + re.escape(message)):
        PartitionScorer.of(fleet_folder, given, **arguments)


def test_one_model_knows_no_assets(folder, table):
    with pytest.raises(ArgumentError, match=r"^unseen='all' belongs to a fleet, and "):
        PartitionScorer.of(folder, table.column_names, unseen="all")


def test_a_column_of_another_kind_is_an_error(folder):
    wrong = plant().drop_columns(["load"]).append_column("load", pa.array(["x"] * 400))
    scorer = PartitionScorer.of(folder, wrong.column_names)
    with pytest.raises(InputError, match=r"^batch 0, from row 0 on: column 'load' holds text"):
        list(scorer(wrong.to_batches()))
