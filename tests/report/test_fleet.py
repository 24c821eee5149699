"""The report of a fleet: what it counts of each asset, in what order, and what the page says."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dagmm import ArgumentError, InputError, make_report
from dagmm.data.convert import as_rows
from dagmm.inference.fleet.fitted_fleet import Asset, FittedFleet
from dagmm.report.fleet_collect import FleetReportData
from dagmm.report.fleet_contents import fleet_contents_of
from dagmm.report.fleet_make import finish_fleet_report
from dagmm.report.language import Language, format_count
from fleets import fleet_table, of_asset, tiny_fleet
from reports import HOSTILE, check_page

FEW = "scored by the model of all assets"


@pytest.fixture(scope="module")
def fleet():
    train = pa.concat_tables([fleet_table(), fleet_table(("p9",), 30)])
    with pytest.warns(UserWarning, match=FEW):
        return tiny_fleet(unseen="all").fit(train)


def scored() -> pa.Table:
    """New rows of all assets but p4, of an asset that is new, and a fault of many rows of p2."""
    table = fleet_table(("p1", "p2", "p3", "p5", "p8", "p9"), 60, seed=5)
    places = np.flatnonzero(pc.equal(table["pump"], "p2"))[:40]
    flow = np.array(table["flow"].to_pylist(), float)
    flow[places] += 30.0
    table = table.set_column(table.column_names.index("flow"), "flow", pa.array(flow))
    days = np.datetime64("2026-05-01T00:00", "us") + np.arange(len(table)) * np.timedelta64(1, "h")
    return table.append_column("when", pa.array(days)).append_column(
        "fault", pa.array(np.isin(np.arange(len(table)), places))
    )


def test_the_numbers_are_those_of_the_models(fleet):
    table = scored()
    labels = table["fault"].to_numpy(zero_copy_only=False)
    made = make_report(fleet, table, time="when", labels=labels, gap=2)
    k, energy = made.contents, fleet.energy(table)
    alarm = fleet.predict(table) == -1
    pump = np.array(table["pump"].to_pylist())
    assert (k.n_rows, k.n_alarms, k.n_fitted) == (len(table), alarm.sum(), 6)
    assert {one.asset for one in k.assets} == {"p1", "p2", "p3", "p5", "p8", "p9"}
    assert k.absent == ["p4"]
    for one in k.assets:
        own = pump == one.asset
        assert (one.n_rows, one.n_alarms) == (own.sum(), alarm[own].sum())
        assert one.peak_energy == energy[own].max() == energy[one.peak_row]
        assert pump[one.peak_row] == one.asset
        assert one.threshold == fleet.detector(one.asset).threshold_["energy"]
    worst = k.assets[0]
    assert (worst.asset, worst.has_more, worst.severity) == ("p2", True, "far")
    assert k.details[0].strangest[0].first_reason == "flow"
    assert k.details[0].strangest[0].event.peak_energy == worst.peak_energy
    assert k.details[0].strangest[0].reasons[0].value == table["flow"][worst.peak_row].as_py()
    assert [one.asset for one in k.by_all] == [
        one.asset for one in k.assets if one.asset in ("p8", "p9")
    ]
    assert k.quality.n_found == 40
    assert k.quality.n_false == alarm.sum() - 40


def test_an_asset_becomes_a_row_of_a_table(fleet):
    made = make_report(fleet, scored())
    assert repr(made) == "Report of 360 rows of 6 assets; save(path) writes the page."
    first, *others = made.to_table().to_pylist()
    assert (first["asset"], first["rows"], first["top_feature"]) == ("p2", 60, "flow")
    assert first["scored_by"] == "own"
    assert {one["asset"] for one in others if one["scored_by"] == "all"} == {"p8", "p9"}
    above = [one["has_more"] for one in (first, *others)]
    assert above == sorted(above, reverse=True)
    assert 0.0 < first["promised"] < first["alarms"]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_in_both_languages(fleet, lang):
    table = scored()
    made = make_report(
        fleet, table, lang=lang, time="when", labels=table["fault"], table_name="may.csv"
    )
    page, text = check_page(made.html), Language(lang)
    assert f'<html lang="{lang}">' in made.html
    for key in ("fleet_title", "assets_title", "fleet_reasons_title", "by_all_title"):
        assert text(key) in page.said
    assert text("say_absent", n=format_count(1), names="p4") in page.said
    assert text("say_unseen", n=format_count(1), names="p8") in page.said
    assert text("why_few", rows=30, least=100) in page.said
    assert text("why_unseen") in page.said
    assert text("labels_found") in page.said
    assert "may.csv" in page.said
    assert "2026-05-" in page.said
    assert {f"asset-{i + 1}" for i in range(len(made.contents.details))} <= set(page.ids)
    assert page.figures == 1


def test_rows_in_parts_are_counted_as_in_one(fleet):
    table = scored()

    def contents_of(size):
        data = FleetReportData(fleet.fleet_, unseen_by_all=True, time="when", gap=2)
        for chunk in as_rows(table).chunks(size):
            data.add(chunk)
        return fleet_contents_of(data)

    assert contents_of(50).assets == contents_of(10**6).assets
    assert contents_of(50).to_table().equals(contents_of(10**6).to_table())


def test_nothing_strange_is_said_to_be_so(fleet):
    calm = fleet_table(("p1", "p3"), 5, seed=7)
    with_room = tiny_fleet()
    with_room.__dict__ |= fleet.__dict__ | {"unseen": "error"}
    made = make_report(with_room.set_threshold(energy=1e6), calm)
    assert made.contents.n_alarms == 0
    page = check_page(made.html)
    assert Language("en")("say_none") in page.said
    assert page.figures == 0
    assert "#reasons" not in page.links


def test_a_thousand_assets_make_a_page_that_can_be_sent(fleet):
    """A fleet of one model by a thousand names, some of them hostile; half of the rows alarms."""
    names = [f"{HOSTILE if i % 100 == 0 else 'pump'} {i}" for i in range(1100)]
    model = fleet.fleet_.of_all
    many = FittedFleet(
        "pump", {name: Asset(200) for name in names}, dict.fromkeys(names, model), model
    )
    row = of_asset(fleet_table(("p1",), 2, seed=3), "p1").drop_columns(["pump"])
    table = pa.concat_tables([row.set_column(0, "load", [[0.0, 99.0]])] * len(names))
    table = table.append_column("pump", pa.array(np.repeat(names, 2)))
    data = FleetReportData(many, unseen_by_all=False)
    data.add(as_rows(table).chunk(0, len(table)))
    made = finish_fleet_report(data, "en", "t", "m")
    assert made.contents.n_alarms >= 1100
    assert len(made.html) < 2_000_000
    page = check_page(made.html)
    assert "The first 1,000 of 1,100 assets are listed." in page.said
    assert HOSTILE in page.said
    assert HOSTILE not in made.html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group": "mode"}, "group='mode' differs from column 'pump', which names the assets"),
        ({"every": "1s"}, "every belongs to the report of one model; that of a fleet counts"),
        ({"time": "whem"}, "time names column 'whem', which the table does not have. Did you"),
    ],
)
def test_arguments_that_a_fleet_does_not_take(fleet, arguments, message):
    with pytest.raises(ArgumentError, match="^" + re.escape(message)):
        make_report(fleet, scored(), **arguments)


def test_what_is_wrong_with_rows_is_said_of_the_asset(fleet):
    table = scored().to_pandas()
    table.loc[table["pump"] == "p3", "load"] = np.inf
    message = "pump 'p3', whose rows are counted by themselves: column 'load' holds"
    with pytest.raises(InputError, match="^" + re.escape(message)):
        make_report(fleet, table)
    with pytest.raises(InputError, match=r"^report: expected at least 1 row, got none\.$"):
        make_report(fleet, scored().slice(0, 0))
