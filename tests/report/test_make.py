"""Whole reports: what every page keeps to, and tables at the edge of what can come."""

import re
import sys
from importlib.resources import files

import numpy as np
import pandas as pd
import polars as pl
import pytest

import dagmm
from dagmm import ArgumentError, InputError, TableWarning
from dagmm._core.errors import MissingExtraError
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.threshold import (
    Threshold,
    ThresholdWarning,
)
from dagmm.inference.explain.events import EventExplainer
from dagmm.report.axes import axes_of
from dagmm.report.collect import ReportData
from dagmm.report.comparison import drawn
from dagmm.report.language import Language
from dagmm.report.make import described, make_report
from reports import HOSTILE, JAPANESE, N_ROWS, Page, check_page, fitted, sensors, with_faults
from small_fits import tiny_dagmm


@pytest.fixture(scope="module")
def train():
    return sensors()


@pytest.fixture(scope="module")
def detector(train):
    return fitted(train)


@pytest.fixture(scope="module")
def scored():
    return with_faults(sensors(seed=1))


def report(model, table, **arguments):
    return make_report(model, table, **({"compare": False} | arguments))


def test_the_numbers_of_a_report(detector, scored):
    made = report(detector, scored, labels=scored["temp"] > 5.0)
    k = made.contents
    energy = detector.energy(scored)
    alarm = detector.predict(scored) == -1
    assert (k.n_rows, k.n_alarms, k.n_sampled) == (N_ROWS, alarm.sum(), N_ROWS)
    assert alarm[[40, 41, 44, 120]].all()
    assert k.strangest[0].event.peak_row in (40, 41, 44)
    assert k.strangest[0].event.peak_energy == energy.max()
    reasons = {one.event.peak_row: one.reasons[0].column for one in k.strangest if one.reasons}
    assert reasons[k.strangest[0].event.peak_row] == "temp"
    assert reasons[120] == "torque"
    for one in k.strangest:
        explained = detector.explain(scored.iloc[[one.event.peak_row]])
        gap = one.event.peak_energy - one.reference_energy
        assert explained.reference_energy[0] == pytest.approx(one.reference_energy)
        listed = sum(reason.contribution for reason in one.reasons)
        assert one.n_more or listed == pytest.approx(gap)
        if one.reasons:
            reason = one.reasons[0]
            assert reason.value == scored[reason.column][one.event.peak_row]
    assert k.uses_time
    assert (k.timing.step, k.expected.step) == (60.0, 60.0)
    assert k.threshold["energy"] == detector.threshold_["energy"]
    assert k.series.high.max() == energy.max()
    assert k.histogram.share[k.histogram.edges[1:] > detector.threshold_["energy"]].sum() == (
        pytest.approx(alarm.mean())
    )
    assert k.quality.n_found == 3
    assert {name for name, _ in k.blamed} >= {"temp", "torque"}
    assert [trace.column.name for trace in k.traces] == [
        name for name, _ in k.blamed if name != "tool"
    ]
    assert k.latent.strange.sum() == alarm.sum()


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_in_both_languages(detector, scored, lang):
    made = report(detector, scored, lang=lang, table_name="pump.csv", model_name="m")
    page = check_page(made.html)
    text = Language(lang)
    assert f'<html lang="{lang}">' in made.html
    for section in ("summary", "series", "reasons", "threshold", "latent", "data", "drift"):
        assert text(f"{section}_title") in page.said
    assert page.figures == 5 + len(made.contents.traces)
    assert "pump.csv" in page.said
    assert "2026-01-05 00:00" in page.said
    assert text("compare_skipped") in page.said
    assert made.contents.model_card.fingerprint in page.said
    assert report(detector, scored, lang=lang, table_name="pump.csv", model_name="m").html == (
        made.html
    )


def test_a_report_is_saved_whole(detector, scored, tmp_path):
    made = report(detector, scored)
    target = tmp_path / "r.html"
    made.save(target)
    assert target.read_text("utf-8") == made.html
    with pytest.raises(ArgumentError, match=r"exists already; choose another name"):
        made.save(target)
    made.save(target, force=True)


def test_events_become_a_table(detector, scored, train):
    made = report(detector, scored, gap=2)
    table = made.to_table()
    events = [one.event for one in made.contents.strangest]
    assert table["row"].to_pylist() == [event.peak_row for event in events]
    assert table["energy"].to_pylist() == sorted(table["energy"].to_pylist(), reverse=True)
    assert sum(table["alarms"].to_pylist()) == made.contents.n_alarms
    first = table.slice(0, 1).to_pylist()[0]
    # Another row shortly before it may be an alarm as well.
    assert (first["asset"], first["row"] in (40, 41, 44), first["last_row"]) == (None, True, 44)
    assert first["first_row"] <= 40
    assert first["first_time"] == scored["when"][first["first_row"]]
    assert first["top_feature"] == "temp"
    assert 0.0 < first["contribution"] <= first["energy"] - first["reference_energy"] + 1e-9
    without = report(
        detector.model_.with_threshold(Threshold(1e9, "a stated energy")),
        train.drop(columns="when"),
    ).to_table()
    assert without["first_time"].null_count == without.num_rows == 10
    assert set(without["alarms"].to_pylist()) == {0}
    numbers = report(detector, scored.assign(second=np.arange(N_ROWS) * 0.5), time="second")
    assert numbers.to_table()["last_time"].to_pylist()[0] == 22.0


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(detector, scored):
    made = report(detector, scored, table_name='"></iframe><b>')
    frame = Page(made._repr_html_())
    assert frame.tags == ["iframe"]
    assert frame.attributes["sandbox"] is None
    page = frame.attributes["srcdoc"]
    assert page.replace('\n<base href="about:srcdoc">', "") == made.html
    assert "<head>" in page


def test_tables_of_all_libraries_make_the_same_report(detector, scored):
    frame = report(detector, scored).html
    assert report(detector, pl.from_pandas(scored)).html == frame
    assert report(detector.model_, scored).html != ""


def test_no_alarms(detector, train):
    quiet = detector.model_.with_threshold(Threshold(1e9, "a stated energy"))
    made = report(quiet, train)
    assert (made.contents.n_alarms, made.contents.n_events) == (0, 0)
    assert not made.contents.are_events
    said = check_page(made.html).said
    assert "No row is above the threshold. These are the strangest rows all the same" in said
    assert "There is no event to list." in said
    assert len(made.contents.strangest) == 10


def test_all_rows_are_alarms(detector, train):
    loud = detector.model_.with_threshold(Threshold(-1e9, "a stated energy"))
    made = report(loud, train, labels=np.ones(N_ROWS))
    assert (made.contents.n_alarms, made.contents.n_events) == (N_ROWS, 1)
    said = check_page(made.html).said
    assert "Every row is above the threshold." in said
    assert "All rows have the same label" in said
    assert made.contents.quality.recall == 1.0


def test_a_tail_that_fits_poorly_is_said(detector, train):
    warning = ThresholdWarning("poor_tail_fit", "said in the language of the page")
    threshold = Threshold(detector.model_.threshold, "quantile 0.9999", warnings=(warning,))
    text = Language("en")("threshold_poor_tail")
    made = report(detector.model_.with_threshold(threshold), train)
    assert text in check_page(made.html).said
    assert text not in check_page(report(detector, train).html).said


def test_an_alarm_that_a_few_columns_do_not_explain_says_so(detector, train):
    everything = train.assign(temp=90.0, torque=-90.0, load=90.0).iloc[:20]
    explained = detector.explain(everything)
    row = int(explained.energy.argmax())
    # A threshold a nat below the best that was found.
    threshold = float(explained.reference_energy[row]) - 1.0
    model = detector.model_.with_threshold(Threshold(threshold, "a stated energy"))
    made = report(model, everything)
    (one,) = made.contents.strangest
    assert one.event.peak_row == row
    assert not one.is_explained
    assert one.first_reason is None
    assert made.contents.unexplained == [one]
    assert made.contents.blamed == []
    assert len(one.reasons) > 0
    for reason in one.reasons:
        assert reason.share <= reason.contribution / (one.event.peak_energy - threshold) + 1e-9
    said = check_page(made.html).said
    assert "1 of the 1 strangest events is not explained by a few columns." in said
    written = f"{threshold:.1f}".replace("-", "\N{MINUS SIGN}")
    assert (
        "A few columns do not explain this alarm: with the best replacement that was found, of up "
        f"to 6 columns, the energy is still 1.0 above the threshold of {written}." in said
    )
    assert made.to_table()["is_explained"].to_pylist() == [False]


def test_an_alarm_that_no_replacement_lowers_says_so(detector, train, monkeypatch):
    monkeypatch.setattr("dagmm.inference.explain.counterfactual.LEAST_DROP", 1e9)
    made = report(detector, with_faults(train))
    assert made.contents.n_events > 0
    assert len(made.contents.unexplained) == made.contents.n_events
    assert all(one.reasons == () for one in made.contents.strangest)
    said = check_page(made.html).said
    assert said.count("and no replacement of a column that was tried takes half a nat away.") == (
        min(8, made.contents.n_events)
    )
    ja = check_page(report(detector, with_faults(train), lang="ja").html).said
    assert "このアラームは少数の列では説明できません。" in ja


def test_what_to_look_at_first_stands_on_the_first_screen(detector, scored):
    made = report(detector, scored, gap=2)
    page = check_page(made.html)
    start = page.said.index("Look here first")
    assert start < page.said.index("Alarms over time")
    first = made.contents.strangest[0]
    excess = first.event.peak_energy - detector.threshold_["energy"]
    # From a thousand on the first decimal says nothing.
    energy, above = (
        f"{x:,.1f}" if x < 1000.0 else f"{x:,.0f}" for x in (first.event.peak_energy, excess)
    )
    assert f"energy {energy}, {above} above the threshold" in page.said
    assert made.contents.severity(first.event.peak_energy) == "far"
    began = scored["when"][first.event.first_row].strftime("%Y-%m-%d %H:%M")
    assert f"Event 1 far above the threshold temp {began}" in page.said
    median, threshold = made.contents.median, detector.threshold_["energy"]
    severities = [
        made.contents.severity(median + n * (threshold - median)) for n in (1.1, 1.6, 3.1)
    ]
    assert severities == ["near", "clear", "far"]
    quiet = report(detector.model_.with_threshold(Threshold(1e9, "a stated energy")), scored)
    assert "Look here first" not in check_page(quiet.html).said


def test_many_names_are_counted_and_folded(train):
    names = tuple(f"x{i}" for i in range(40))
    model = fitted(sensors(names))
    made = report(model, sensors(names, seed=1).assign(**dict.fromkeys(names, 1.0)))
    assert len(made.contents.constant) == 40
    page = check_page(made.html)
    assert page.tags.count("details") == 3  # constant, frozen, and all columns
    assert "x11 and 28 more" in page.said
    assert (
        "40 sensors stood still for 30 rows or more though they moved in training: " in page.said
    )


def test_one_row(detector, train):
    made = report(detector, train.iloc[:1])
    assert made.contents.n_rows == 1
    check_page(made.html)


def test_missing_values_and_unseen_texts(detector, train):
    table = train.copy()
    table.loc[5:20, "temp"] = np.nan
    table["torque"] = np.nan
    table.loc[30:50, "tool"] = None
    table.loc[60:99, "tool"] = "saw"
    with pytest.warns(TableWarning, match=r"^column 'torque' has no value in 100 rows and more, "):
        made = report(detector, table)
    columns = {column.name: column for column in made.contents.columns}
    assert [columns[name].n_missing for name in ("temp", "torque", "tool")] == [16, N_ROWS, 21]
    assert columns["tool"].unseen_share == pytest.approx(40 / (N_ROWS - 21))
    said = check_page(made.html).said
    assert "3 columns have missing values." in said
    assert "texts never seen in training" in said


def test_no_value_is_expected_where_normal_rows_have_none(train):
    seldom = train.assign(lab=train["load"].where(np.arange(N_ROWS) % 40 == 0))
    made = report(
        fitted(seldom), train.assign(lab=seldom["load"].where(np.arange(N_ROWS) == 7, np.nan) + 9)
    )
    one = next(one for one in made.contents.strangest if one.event.peak_row == 7)
    (reason,) = [reason for reason in one.reasons if reason.column == "lab"]
    assert reason.expected == ""
    assert not re.search(r"\bnan\b", check_page(made.html).said)


def test_a_sensor_that_stands_still_is_named(detector, train):
    table = train.assign(load=np.where(np.arange(N_ROWS) < 50, 0.3, train["load"]))
    made = report(detector, table)
    assert [column.name for column in made.contents.suspicious] == ["load"]
    assert "1 sensor stood still for 30 rows or more though it moved" in check_page(made.html).said


def test_hostile_and_japanese_names_stay_text():
    names = (HOSTILE, JAPANESE[0], "a&b\"'>")
    model = fitted(sensors(names))
    table = with_faults(sensors(names, seed=1)).assign(tool="</style><b>")
    made = report(model, table, table_name=HOSTILE, lang="ja")
    page = check_page(made.html)
    assert HOSTILE not in made.html
    assert made.html.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 3
    assert HOSTILE in page.said
    assert JAPANESE[0] in page.said
    # The large numbers, and of each event to look at first severity and columns: not the table's.
    assert page.tags.count("b") == 4 + 2 * min(3, made.contents.n_events)
    # The text that was never seen is a reason as well, and may be the only one of some row.
    reasons = [reason for one in made.contents.strangest for reason in one.reasons]
    assert {reason.column for reason in reasons} & set(names)


def test_many_rows_are_sampled_and_the_page_says_so(detector, scored):
    whole = report(detector, scored).contents
    made = report(detector, scored, sample_rows=20)
    k = made.contents
    assert (k.n_rows, k.n_alarms, k.n_events) == (N_ROWS, whole.n_alarms, whole.n_events)
    assert k.n_sampled == 20 + min(20, whole.n_alarms)
    assert k.columns == whole.columns
    assert "chosen at random." in check_page(made.html).said
    assert f"All counts are of all {N_ROWS} rows." in check_page(made.html).said
    assert "chosen at random" not in check_page(report(detector, scored).html).said


def test_hundreds_of_columns_and_no_threshold():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 300))
    x[:, 7] = np.where(np.arange(120) < 60, 1.0, x[:, 7])
    model = tiny_dagmm().fit(rng.normal(size=(120, 300)))
    made = report(model, x)
    k = made.contents
    assert len(k.columns) == 300
    assert (k.threshold, k.n_alarms, k.are_events, k.expected) == (None, 0, False, None)
    assert k.model_card.estimator == "DAGMM"
    page = check_page(made.html)
    assert "120 of 300 columns are listed" in page.said
    assert "and 90 more" in page.said
    assert "The 15 furthest of " in page.said
    assert "x7 " in page.said
    assert "This model sets no threshold" in page.said
    assert len(made.html) < 2_000_000


def test_assets_have_events_of_their_own(train):
    table = train.assign(pump=np.where(np.arange(N_ROWS) % 2, "P1", "P2"))
    model = fitted(table, group="pump")
    scored = with_faults(table)
    made = report(model, scored)
    assert made.contents.n_groups == 2
    assert not made.contents.uses_time
    found = {(one.event.group, one.event.peak_row) for one in made.contents.strangest}
    assert {("P2", 120), ("P1", 41)} <= found
    said = check_page(made.html).said
    assert "P1" in said
    assert "they belong to several assets" in said
    assert "for each of the 2 assets" in said


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_how_an_event_began_stands_on_the_page(detector, scored, lang):
    made = report(detector, scored, lang=lang)
    one, single = (
        next(s for s in made.contents.strangest if s.event.peak_row in rows)
        for rows in ((40, 41, 44), (120,))
    )
    assert one.movers == EventExplainer(detector.model_).movers(one.event, 5)
    leads = max(one.movers, key=lambda mover: mover.share)
    assert (leads.column, leads.row) == ("temp", 40)
    # An event of one row has no beginning of its own.
    assert single.event.n_alarms > 1 or single.movers == ()
    text, said = Language(lang), check_page(made.html).said
    titles = made.html.count(f"<h4>{text('movers_title')}</h4>")
    assert titles == sum(bool(one.movers) for one in made.contents.strangest)
    assert f"{one.movers[0].beyond:.2f}" in said


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_alarm_logic_is_followed_and_said(detector, scored, lang):
    model = detector.model_
    try:
        detector.set_threshold(energy=detector.threshold_["energy"], k_of_n=(2, 2), hold=3)
        made, alarm = report(detector, scored, lang=lang), detector.alarm(scored)
    finally:
        detector.model_ = model
    k, text = made.contents, Language(lang)
    assert k.n_alarms == alarm.sum()
    # Rows 40 and 41 are strange together, row 120 is alone.
    assert np.flatnonzero(alarm).tolist() == [41, 42, 43]
    assert (k.n_events, k.strangest[0].event.first_row) == (1, 41)
    logic = text.logic(k.logic)
    assert check_page(made.html).said.count(logic) == 3
    assert (
        logic
        == {
            "en": "2 of the last 2 rows above the threshold, an alarm lasts at least 3 rows",
            "ja": "直近 2 行のうち 2 行がしきい値を超える、少なくとも 3 行続く",
        }[lang]
    )


def test_a_report_without_the_asset_that_alarm_logic_counts_by_is_refused(train):
    table = train.assign(pump=np.where(np.arange(N_ROWS) % 2, "P1", "P2"))
    model = fitted(table, group="pump").set_threshold(energy=3.0, k_of_n=(2, 3))
    with pytest.raises(InputError, match=r"^X has no column 'pump', which names the asset;"):
        report(model, table.drop(columns="pump"))


def test_labels_and_comparison(detector, scored, monkeypatch):
    monkeypatch.setattr("dagmm.report.comparison.METHODS", ("mahalanobis", "knn"))
    labels = np.isin(np.arange(N_ROWS), [40, 41, 44, 120])
    made = report(detector, scored, labels=labels, compare=True)
    assert made.contents.compared.result.has_quality
    said = check_page(made.html).said
    assert "Mahalanobis distance (MT method)" in said
    assert made.contents.quality.auroc > 0.9
    plain = report(detector, scored, compare=True)
    assert not plain.contents.compared.result.has_quality
    assert "Without labels nobody can say which method is right." in check_page(plain.html).said
    few = report(detector, scored.iloc[:5], compare=True)
    assert "The comparison could not be made: " in check_page(few.html).said


def test_the_sample_of_the_comparison_has_alarms_in_proportion(detector):
    data = ReportData(detector.model_, sample_rows=50)
    for part in range(10):
        table = with_faults(sensors(seed=part))
        data.add(as_rows(table).chunk(0, N_ROWS), detector.energy(table))
    features, labels = drawn(data, 40)
    share = data.events.n_alarms / data.n_rows
    assert len(features) == len(labels) == 40
    energy = detector.model_.energy_of_features(features)
    assert (energy > detector.model_.threshold).sum() == round(40 * share)
    features, _ = drawn(data, 10_000)
    assert 50 <= len(features) <= 60


def test_rows_in_parts_are_counted_as_in_one(detector, scored):
    rows, energy = as_rows(scored), detector.energy(scored)
    found = []
    for size in (7, 64, N_ROWS):
        data = ReportData(detector.model_, "when")
        for start in range(0, N_ROWS, size):
            stop = min(start + size, N_ROWS)
            data.add(rows.chunk(start, stop), energy[start:stop])
        events = [(e.first_row, e.last_row, e.n_alarms) for e in data.events.strangest()]
        found.append((events, data.columns.finish(), data.timing.finish()))
    assert found[0] == found[1] == found[2]


def test_times_with_holes_or_out_of_order_are_no_axis_of_a_figure(detector, scored):
    holes = scored.assign(when=scored["when"].mask(np.arange(N_ROWS) % 3 == 0))
    backwards = scored.assign(when=scored["when"].to_numpy()[::-1])
    for table in (holes, backwards, scored.assign(when=pd.NaT)):
        made = report(detector, table)
        assert not made.contents.uses_time
        assert "The rows are drawn in the order of the table" in check_page(made.html).said


def test_time_axis_and_asset_are_found(detector, train):
    encoder = detector.model_.encoder
    names = tuple(train.columns)
    assert axes_of(encoder, names, None, None) == ("when", None)
    assert axes_of(encoder, names, "load", "tool") == ("load", "tool")
    assert axes_of(encoder, ("temp",), None, None) == (None, None)
    with pytest.raises(
        ArgumentError,
        match=r"^time names column 'wen', which the table does not have\. Did you mean 'when'\?$",
    ):
        axes_of(encoder, names, "wen", None)


def test_numbers_as_a_time_axis(detector, scored):
    made = report(detector, scored.assign(second=np.arange(N_ROWS) * 0.5), time="second")
    assert made.contents.uses_time
    assert made.contents.expected.step is None
    assert "0 to 79.5" in check_page(made.html).said
    every = report(detector, scored.drop(columns="when"), every="10 s")
    assert every.contents.expected.per("day")[0] == pytest.approx(
        8640 * every.contents.expected.share
    )


def test_what_a_report_can_be_made_of(detector, train, tmp_path):
    detector.save(tmp_path / "m")
    saved, card = described(tmp_path / "m")
    assert (card.estimator, card.model_version) == ("DAGMMDetector", dagmm.__version__)
    assert "contamination=0.02" in card.said_arguments
    assert described(detector.model_)[1].estimator is None
    message = (
        r"^model must be a fitted DAGMMDetector, DAGMM or DAGMMFleet, a FittedModel or the path "
        r"of a saved one, got DAGMMDetector\.$"
    )
    with pytest.raises(ArgumentError, match=message):
        described(dagmm.DAGMMDetector())
    with pytest.raises(InputError, match=r"^report: expected at least 1 row, got none\.$"):
        report(detector, train.iloc[:0])
    with pytest.raises(ArgumentError, match=r"^lang must be one of 'en', 'ja', got 'fr'\.$"):
        report(detector, train, lang="fr")
    with pytest.raises(ArgumentError, match=r"^gap must be an int >= 0, got -1\.$"):
        report(detector, train, gap=-1)
    assert saved.threshold == detector.model_.threshold


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_the_extra_it_is_named(detector, train, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    message = r'^report needs the \'report\' extra: pip install "dagmm\[report\]"\.$'
    with pytest.raises(MissingExtraError, match=message):
        report(detector, train)


def test_templates_and_texts_are_part_of_the_package():
    root = files("dagmm.report")
    assert (root / "templates" / "report.html").is_file()
    assert (root / "templates" / "style.css").is_file()
    assert (root / "texts" / "ja.toml").is_file()


def test_one_frame_stays_as_it_was(detector, scored):
    before = scored.copy()
    report(detector, scored)
    pd.testing.assert_frame_equal(scored, before)
