"""The catalogues have the same keys and facts, and every key is used."""

import re
import string
from importlib.resources import files

import numpy as np
import pytest

from dagmm import ArgumentError
from dagmm.inference.calibration.alarm_budget import PERIODS
from dagmm.inference.calibration.calibration import (
    HELD_OUT,
    HELD_OUT_IN_TIME,
    OF_A_TABLE,
    OUT_OF_FOLD,
    OUT_OF_FOLD_IN_TIME,
    OUT_OF_FOLD_WINDOWS,
    TRAINING,
    Calibration,
)
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.threshold_rules import choose_threshold
from dagmm.inference.verdict import _SENTENCES, Finding
from dagmm.preprocessing.column_roles import REASONS
from dagmm.preprocessing.columns.numeric import SCALINGS
from dagmm.report import language
from dagmm.report.comparison import METHODS
from dagmm.report.language import Language
from dagmm.report.texts import LANGUAGES, catalogue

MINUS, SPACE, NOTHING = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}", "\N{EN DASH}"
ROWS_ARE = (
    *(TRAINING, OF_A_TABLE, HELD_OUT, HELD_OUT_IN_TIME),
    *(OUT_OF_FOLD, OUT_OF_FOLD_IN_TIME, OUT_OF_FOLD_WINDOWS),
)
ENGLISH, JAPANESE = (catalogue(language) for language in LANGUAGES)


def facts_of(text):
    """Facts that a text names; which word goes with a number is a matter of the language."""
    parts = string.Formatter().parse(text)
    return {name for _, name, spec, _ in parts if name is not None and "|" not in spec}


def test_catalogues_have_the_same_keys_in_the_same_order():
    assert list(ENGLISH) == list(JAPANESE)


@pytest.mark.parametrize("key", ENGLISH)
def test_texts_name_the_same_facts(key):
    assert facts_of(ENGLISH[key]) == facts_of(JAPANESE[key])
    assert JAPANESE[key].strip()


@pytest.mark.parametrize("code", LANGUAGES)
def test_any_text_takes_a_fact_as_it_is_written_and_chooses_the_word_by_it(code):
    text = Language(code)
    for key in ENGLISH:
        names = {name for _, name, _, _ in string.Formatter().parse(ENGLISH[key]) if name}
        facts = dict.fromkeys(names, "1.3")
        assert "|" not in text(key, **facts)
    if code == "en":
        assert "0.5 events a week" in text("per_week_events", n="0.5", rows="2.00")
        assert "1 event a week" in text("per_week_events", n="1", rows=2.0)


def test_japanese_texts_are_japanese():
    same = {key for key in ENGLISH if ENGLISH[key] == JAPANESE[key]}
    assert same <= {
        *("head_auroc", "labels_auroc", "head_f1", "method_dagmm", "method_one_class_svm"),
    }


def test_every_text_is_used():
    root = files("dagmm.report")
    sources = [*root.iterdir(), *(root / "templates").iterdir()]
    text = "".join(file.read_text("utf-8") for file in sources if file.is_file())
    words = set(re.findall(r"\w+", text))
    built = re.compile(
        r"(rule|period|rows|find|method|unit|reason|kind|side|moved|note|limit|scaling|word|axis|"
        r"figure|severity)_\w+"
    )
    unused = {key for key in ENGLISH if key not in words and not built.fullmatch(key)}
    assert unused == set()


def test_keys_that_are_put_together_are_there():
    wanted = {f"reason_{reason}" for reason in REASONS}
    wanted |= {f"scaling_{scaling}" for scaling in SCALINGS}
    wanted |= {f"period_{period}" for period in PERIODS}
    wanted |= {f"method_{method}" for method in METHODS}
    wanted |= {f"find_{kind}" for kind in _SENTENCES}
    wanted |= {f"moved_{moved}" for moved in ("far", "some", "no")}
    assert wanted <= set(ENGLISH)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_finding_can_be_said(code):
    text = Language(code)
    names = ("before", "after", "high", "low", "correlation", "together", "shuffled")
    facts = dict.fromkeys(names, 0.25)
    facts |= {"n": 2, "of": 4, "members": "0", "arrays": "x"}
    for kind in _SENTENCES:
        for member in (None, 3):
            said = text.finding(Finding(kind, facts | {"member": member}))
            assert "{" not in said
            assert ("3" in said) == (member == 3 and "{member}" in _SENTENCES[kind])


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_rule_and_kind_of_rows_can_be_said(code):
    text = Language(code)
    energy = EmpiricalDistribution.of(np.arange(5000.0))
    known = Calibration(np.zeros((8, 1), "float32"), energy)
    rules = [
        ({"contamination": 0.02}, "2"),
        ({"quantile": 0.99}, "0.99"),
        ({"alarms": 50, "per": "day", "every": "10 s"}, "10 s"),
        ({"alarms": 50, "per": "week", "every": 60}, "60 s"),
        ({"energy": 3.0}, ""),
    ]
    for rule, named in rules:
        chosen = choose_threshold(known, **rule)
        said = text.rule(chosen.rule)
        assert said != chosen.rule or code == "en"
        assert named in said
    assert text.rule("not recorded") == text("rule_unknown")
    assert text.rule("by a rule of another version") == "by a rule of another version"
    for rows in ROWS_ARE:
        said = text.rows_are(rows)
        assert said in text._texts.values()
        assert code == "en" or said != rows
    assert text.rows_are("other rows") == "other rows"


def test_an_unknown_language_is_refused():
    with pytest.raises(ArgumentError, match=r"^lang must be one of 'en', 'ja', got 'de'\.$"):
        Language("de")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (language.format_count(1234567), "1,234,567"),
        (language.format_count(None), NOTHING),
        (language.format_percent(0.506), f"50.6{SPACE}%"),
        (language.format_percent(1.0), f"100{SPACE}%"),
        (language.format_percent(0.0), f"0{SPACE}%"),
        (language.format_percent(4.96e-7), f"0.0000496{SPACE}%"),
        (language.format_percent(None), NOTHING),
        (language.format_nats(-2.799), f"{MINUS}2.8"),
        (language.format_nats(1234.5), "1,234"),
        (language.format_nats(1.554e6), "1.55\N{MULTIPLICATION SIGN}10⁶"),
        (language.format_nats(None), NOTHING),
        (language.format_value(0.926870001), "0.92687"),
        (language.format_value("<b>"), "<b>"),
        (language.format_value(-1e-9), f"{MINUS}1\N{MULTIPLICATION SIGN}10⁻⁹"),
        (language.format_value(None), NOTHING),
        (language.format_rough(0.9999904), "1"),
        (language.format_rough("mill"), "mill"),
        (language.format_figure(0.98765), "0.988"),
        (language.format_figure(-0.5, 2), f"{MINUS}0.50"),
        (language.format_figure(None), NOTHING),
        (language.format_rate(1234.4), "1,234"),
        (language.format_rate(14.4), "14"),
        (language.format_rate(0.123), "0.12"),
        (language.format_rate(2.6e-5), "0.000026"),
        (language.format_moment(0.0), "1970-01-01 00:00"),
        (language.format_moment(1767571205.0), "2026-01-05 00:00:05"),
        (language.format_moment(60.0, 1.0), "1970-01-01 00:01:00"),
        (language.format_moment(60.0, 3600.0), "1970-01-01 00:01"),
        (language.format_moment(np.nan), NOTHING),
        (language.format_moment(1e30), NOTHING),
    ],
)
def test_numbers_are_written(made, text):
    assert made == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (1.0, "1 s"), (90.0, "1.5 min"), (3600.0, "1 h"), (604800.0, "7 d")],
)
def test_durations_are_written_in_the_largest_unit(seconds, text):
    units = {unit: unit for unit in ("s", "min", "h", "d")}
    assert language.format_duration(seconds, units) == text.replace(" ", SPACE)


def test_words_go_with_the_number_that_they_stand_beside():
    text = Language("en")
    one, several = language.format_count(1), language.format_count(1200)
    assert (text("tile_alarms", n=one), text("tile_alarms", n=several)) == ("alarm", "alarms")
    assert text("subtitle_plain", rows=one, table="t.csv") == "1 row of t.csv"
    assert text("subtitle_plain", rows=several, table="t.csv") == "1,200 rows of t.csv"
    facts = {"alarms": one, "rows": several, "share": "0.1 %", "events": one}
    assert text("say_alarms", **facts) == "1 of 1,200 rows is an alarm (0.1 %), in 1 event."
    assert Language("ja")("tile_alarms", n=one) == "アラーム"
