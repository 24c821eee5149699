"""A fleet is a detector for each asset: the same as alone where it is asked to be, and as one."""

import re
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

from dagmm import (
    ArgumentError,
    DAGMMDetector,
    DAGMMFleet,
    InputError,
    TableWarning,
    make_report,
)
from dagmm.inference import score_batches
from dagmm.inference.fleet.batches import FleetScorer
from dagmm.inference.fleet.directory import model_path
from fleets import ASSETS, fleet_table, of_asset, rows_of, tiny_fleet
from small_fits import TINY

TABLE = fleet_table()
FEW = fleet_table(("p9",), 30)
WITH_FEW = pa.concat_tables([TABLE, FEW])
SAID = "pump 'p9' is scored by the model of all assets, without one of its own: 30 rows are fewer"


@pytest.fixture(scope="module")
def fleet():
    with pytest.warns(TableWarning, match=SAID):
        return tiny_fleet().fit(WITH_FEW)


def test_a_fleet_alone_is_the_detectors_of_its_assets_to_the_bit():
    fleet = tiny_fleet(together=False).fit(TABLE)
    alone = DAGMMDetector(n_members=2, config=TINY)
    for asset in ASSETS:
        rows = rows_of(TABLE, asset)
        alone.fit(rows)
        np.testing.assert_array_equal(fleet.detector(asset).energy(rows), alone.energy(rows))
        assert fleet.detector(asset).threshold_ == alone.threshold_


def test_processes_fit_the_same_models(fleet):
    beside = DAGMMFleet("pump", config=TINY, n_jobs=2)
    with pytest.warns(TableWarning, match=SAID):
        beside.fit(WITH_FEW)
    np.testing.assert_array_equal(beside.energy(TABLE), fleet.energy(TABLE))


def test_networks_begin_where_those_of_the_fleet_end(fleet):
    ((start, *_),) = fleet._start.networks.values()
    moved = [np.abs(fleet.fleet_.models[a].networks[0].parameters - start).mean() for a in ASSETS]
    assert max(moved) < 0.05 < np.abs(start).mean()
    assert min(moved) > 0.0


def test_each_row_is_scored_by_the_model_of_its_asset_in_the_order_of_the_table(fleet):
    energy = fleet.energy(WITH_FEW)
    for asset in ASSETS:
        places = np.asarray(pa.compute.equal(WITH_FEW["pump"], asset))
        own = fleet.fleet_.models[asset].energy(rows_of(WITH_FEW, asset))
        np.testing.assert_array_equal(energy[places], own)
    np.testing.assert_array_equal(energy[-30:], fleet.fleet_.of_all.energy(FEW))
    scored = fleet.score_table(WITH_FEW)
    assert scored["scored_by"].to_pylist() == ["own"] * TABLE.num_rows + ["all"] * 30
    assert scored["is_anomaly"].to_pylist() == (fleet.predict(WITH_FEW) < 0).tolist()
    np.testing.assert_array_equal(fleet.score_samples(WITH_FEW), -energy)
    p_value = fleet.p_value(WITH_FEW)
    assert p_value.min() > 0.0
    assert p_value.max() <= 1.0


def test_polars_and_pandas_are_scored_alike(fleet):
    energy = fleet.energy(TABLE)
    np.testing.assert_array_equal(fleet.energy(pl.from_arrow(TABLE)), energy)
    np.testing.assert_array_equal(fleet.energy(TABLE.to_pandas()), energy)
    scored = fleet.score_table(TABLE.to_pandas().iloc[5:8])
    assert scored.index.tolist() == [5, 6, 7]


def test_a_broken_relation_is_found_that_is_usual_for_another_asset(fleet):
    row = {"load": [1.0], "flow": [31.0], "heat": [-3.0], "mode": ["on"]}
    ours, other = (fleet.energy(pa.table({"pump": [name], **row})) for name in ("p3", "p1"))
    assert ours < fleet.detector("p3").model_.threshold
    assert other > fleet.detector("p1").model_.threshold


def test_explanations_are_those_of_each_asset(fleet):
    rows = pa.table(
        {"pump": ["p3", "p1"], "load": [1.0, 0.0], "flow": [50.0, 10.0], "heat": [-3.0, 40.0]}
        | {"mode": ["on", "on"]}
    )
    found = fleet.explain(rows)
    assert list(found) == ["p3", "p1"]
    assert found["p3"].top_features(1).tolist() == [["flow"]]
    assert found["p1"].top_features(1).tolist() == [["heat"]]


def test_an_unknown_asset_is_an_error_or_is_scored_by_the_model_of_all(fleet):
    unknown = fleet_table(("p7",), 4)
    with pytest.raises(
        InputError,
        match=re.escape(
            "pump 'p7' is none of the 6 that the fleet was fitted to. It has 'p3', 'p2', 'p4', "
            "'p5', 'p1', 'p9'. Add it to the fleet, or have such assets scored by the model "
            "of all with unseen='all' (--unseen all)."
        ),
    ):
        fleet.energy(unknown)
    fleet.unseen = "all"
    try:
        np.testing.assert_array_equal(fleet.energy(unknown), fleet.fleet_.of_all.energy(unknown))
        assert fleet.score_table(unknown)["scored_by"].to_pylist() == ["all"] * 4
    finally:
        fleet.unseen = "error"


def test_saved_fleets_are_what_they_were_and_open_one_by_one(fleet, tmp_path):
    fleet.save(tmp_path / "fleet")
    found = DAGMMFleet.load(tmp_path / "fleet")
    assert found.get_params() == {**fleet.get_params(), "n_jobs": None}
    np.testing.assert_array_equal(found.energy(WITH_FEW), fleet.energy(WITH_FEW))
    assert found.fallbacks_ == {"p9": "30 rows are fewer than 100"}
    one = DAGMMDetector().restore(model_path(tmp_path / "fleet", "p2"))
    rows = rows_of(TABLE, "p2")
    np.testing.assert_array_equal(one.energy(rows), fleet.fleet_.models["p2"].energy(rows))


def test_assets_that_come_later_are_fitted_alone_and_others_stay(fleet, tmp_path):
    fleet.save(tmp_path / "fleet")
    grown = DAGMMFleet.load(tmp_path / "fleet")
    new = fleet_table(("p6",), seed=3)
    grown.n_jobs = 1
    grown.add(new)
    grown.save(tmp_path / "fleet")
    again = DAGMMFleet.load(tmp_path / "fleet")
    assert again.assets_ == [*fleet.assets_, "p6"]
    np.testing.assert_array_equal(again.energy(TABLE), fleet.energy(TABLE))
    with pytest.warns(TableWarning, match=SAID):
        whole = tiny_fleet().fit(pa.concat_tables([WITH_FEW, new]))
    assert again.energy(new).shape == whole.energy(new).shape
    with pytest.raises(
        InputError, match=r"^pump 'p6' is part of the fleet already; add takes new"
    ):
        again.add(new)


def test_a_fit_that_was_stopped_goes_on(fleet, tmp_path, monkeypatch):
    from dagmm.estimators import fleet_fit

    place, fitted = tmp_path / "fleet", []
    whole = fleet_fit._fit_one

    def stops(job):
        if len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append(job.rows.asset)
        return whole(job)

    monkeypatch.setattr(fleet_fit, "_fit_one", stops)
    with pytest.raises(KeyboardInterrupt):
        tiny_fleet().fit(TABLE, checkpoint=place)
    with pytest.raises(ValueError, match=r"has not come to its end: 2 assets are fitted\."):
        DAGMMFleet.load(place)
    rest = []
    monkeypatch.setattr(
        fleet_fit, "_fit_one", lambda job: rest.append(job.rows.asset) or whole(job)
    )
    again = tiny_fleet().fit(TABLE, checkpoint=place)
    assert sorted(fitted + rest) == sorted(ASSETS)
    monkeypatch.undo()
    np.testing.assert_array_equal(DAGMMFleet.load(place).energy(TABLE), again.energy(TABLE))
    np.testing.assert_array_equal(tiny_fleet().fit(TABLE).energy(TABLE), again.energy(TABLE))
    with pytest.raises(ArgumentError, match=r"was fitted with n_members=2, this one is fitted wi"):
        tiny_fleet(n_members=3).fit(TABLE, checkpoint=place)


def test_thresholds_move_together_and_an_alarm_budget_is_that_of_the_fleet(fleet):
    before = fleet.fleet_
    try:
        fleet.set_threshold(quantile=0.9)
        for asset in ASSETS:
            expected = fleet.detector(asset).set_threshold(quantile=0.9).threshold_
            assert fleet.detector(asset).threshold_ == expected
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fleet.set_threshold(alarms=6 * 60, per="day", every="1 min")
            alone = fleet.detector("p1").set_threshold(alarms=60, per="day", every="1 min")
        assert fleet.detector("p1").threshold_["energy"] == alone.threshold_["energy"]
    finally:
        fleet.fleet_ = before


def test_a_fleet_follows_no_alarm_logic(fleet, tmp_path):
    with pytest.raises(ArgumentError, match=r"^hold is part of an alarm logic, which fleets do"):
        fleet.set_threshold(quantile=0.9, hold=3)
    fleet.save(tmp_path / "fleet")
    asset = model_path(tmp_path / "fleet", "p1")
    DAGMMDetector.load(asset).set_threshold(energy=9.0, hold=3).save(asset)
    scorer = FleetScorer(DAGMMFleet.load(tmp_path / "fleet").fleet_)
    with pytest.raises(ArgumentError, match=r"^the model has alarm logic \(.*a fleet scores rows"):
        scorer.score(TABLE)


def test_an_asset_that_cannot_be_fitted_says_why():
    silent = {name: pa.nulls(120, TABLE[name].type) for name in TABLE.column_names[1:]}
    silent = pa.table({"pump": ["p8"] * 120, **silent})
    with pytest.warns(TableWarning, match=r"^pump 'p8' is scored by the model of all assets"):
        fleet = tiny_fleet().fit(pa.concat_tables([TABLE, silent]))
    assert list(fleet.fallbacks_) == ["p8"]


def test_windows_are_those_of_each_asset_and_reach_across_batches():
    rng, n_rows = np.random.default_rng(4), 130
    level = rng.normal(size=4 * n_rows)
    series = pa.table(
        {
            "pump": np.tile(["a", "b", "c", "d"], n_rows),
            "t": np.repeat(np.arange(n_rows, dtype=float), 4),
            "x": level,
            "y": level + 0.1 * rng.normal(size=4 * n_rows),
        }
    )
    config = {**TINY, "densities": {"row_mixture": {"candidates": [1]}, "input_mixture": {}}}
    fleet = DAGMMFleet("pump", time="t", window=4, config=config, n_jobs=1)
    with pytest.warns(TableWarning, match=r"^pump 'a', 'b', 'c', 'd': the threshold: 64 train"):
        fleet.fit(series)
    rows = rows_of(series, "b")
    alone = DAGMMDetector(n_members=2, time="t", window=4, config=config).fit(rows)
    places = np.asarray(pa.compute.equal(series["pump"], "b"))
    energy = fleet.energy(series)
    np.testing.assert_array_equal(energy[places], alone.energy(rows))
    scorer = FleetScorer(fleet.fleet_)
    pieces = [scorer.score(series.slice(start, 70)) for start in range(0, 520, 70)]
    np.testing.assert_array_equal(pa.concat_tables(pieces)["energy"].to_numpy(), energy)


def test_scoring_needs_no_jax(fleet, tmp_path):
    fleet.save(tmp_path / "fleet")
    code = (
        "import sys, pyarrow as pa; from dagmm import DAGMMFleet\n"
        f"fleet = DAGMMFleet.load({str(tmp_path / 'fleet')!r})\n"
        "row = {'load': [1.0], 'flow': [31.0], 'heat': [-3.0], 'mode': ['on']}\n"
        "fleet.score_table(pa.table({'pump': ['p3'], **row}))\n"
        "sys.exit('jax' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("arguments", "table", "message"),
    [
        ({}, TABLE.drop_columns(["pump"]), "X has no column 'pump', which names the asset of a"),
        ({}, np.zeros((9, 2)), "X is an array, whose columns have no names; a fleet finds"),
        ({"least_rows": 1}, TABLE, "least_rows must be an int >= 2, got 1."),
        ({"unseen": "al"}, TABLE, "unseen must be one of 'error', 'all', got 'al'. Did you mean"),
        ({"random_state": None}, TABLE, "random_state must be an int >= 0, got None."),
        ({"window": 5}, TABLE, "window needs time"),
    ],
)
def test_what_cannot_be_used_is_named(arguments, table, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        tiny_fleet(**arguments).fit(table)


def test_a_row_without_an_asset_is_named(fleet):
    table = pa.table({**{n: TABLE[n][:2] for n in TABLE.column_names}, "pump": ["p1", None]})
    with pytest.raises(InputError, match=r"^column 'pump' names no asset in row 1; each row of a"):
        fleet.energy(table)


def test_before_a_fit_there_is_nothing():
    with pytest.raises(NotFittedError):
        DAGMMFleet("pump").energy(TABLE)


OTHERS = (
    "column 'pump' names 'p1' in row 3; this model is of a fleet, and was fitted to the rows of "
    "'p2' alone. Pass those rows, take the fleet for rows of several assets, or leave the column "
    "out to have them taken for rows of this one."
)


@pytest.mark.parametrize(
    "look",
    [
        lambda one, table: one.energy(table),
        lambda one, table: one.energy(table.to_pandas().set_index("pump")),
        lambda one, table: one.explain(table),
        lambda one, table: one.drift(table),
        lambda one, table: one.calibrate(table),
        lambda one, table: one.update(table),
        lambda one, table: one.stream().score(table),
        lambda one, table: list(score_batches(one.model_, table.to_batches())),
        lambda one, table: make_report(one, table, compare=False),
    ],
)
def test_a_model_of_one_asset_refuses_rows_of_another(fleet, tmp_path, look):
    table = pa.concat_tables([of_asset(TABLE, "p2")[:3], of_asset(TABLE, "p1"), TABLE])
    fleet.save(tmp_path)
    for one in (DAGMMDetector.load(model_path(tmp_path, "p2")), fleet.detector("p2")):
        with pytest.raises(InputError, match=re.escape(OTHERS)):
            look(one, table)


def test_a_model_of_one_asset_takes_its_own_rows_and_those_that_do_not_say(fleet):
    own, one = of_asset(TABLE, "p2"), fleet.detector("p2")
    np.testing.assert_array_equal(one.energy(own), fleet.energy(own))
    assert len(one.energy(TABLE.drop_columns(["pump"]))) == TABLE.num_rows
    nameless = own.set_column(0, "pump", pa.array(["p2"] * 2 + [None] * (len(own) - 2)))
    with pytest.raises(InputError, match=r"^column 'pump' names no asset in row 2; this model is"):
        one.energy(nameless)
