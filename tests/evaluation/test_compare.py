import json
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import rankdata, spearmanr

import dagmm
from dagmm import ArgumentError, InputError, compare
from dagmm.evaluation import compare as module
from dagmm.evaluation.baselines.method import Method
from dagmm.evaluation.baselines.registry import FIELD, METHODS
from small_fits import tiny_config, tiny_detector

CHEAP = ["mahalanobis", "knn", "lof"]


def sensors(n_rows=200, seed=0):
    """Two columns that follow one another, and in every tenth row do not; a text column."""
    rng = np.random.default_rng(seed)
    load, strange = rng.normal(size=n_rows), np.arange(n_rows) % 10 == 9
    return pd.DataFrame(
        {
            "load": load,
            "torque": np.where(strange, -load, load) + 0.1 * rng.normal(size=n_rows),
            "tool": np.where(rng.random(n_rows) < 0.5, "drill", "mill"),
            "fault": strange.astype(int),
        }
    )


def by_length(name="length", factor=1.0):
    return Method(name, name, lambda x, seed: lambda r: factor * (r**2).sum(axis=1), "here")


def told(error, *arguments, **options):
    with pytest.raises(error) as caught:
        compare(*arguments, **options)
    return str(caught.value)


@pytest.fixture(scope="module")
def compared():
    return compare(sensors(), "fault", CHEAP, n_runs=2)


def test_methods_that_the_field_knows_come_beside_dagmm():
    names = [method.name for method in module.chosen_methods(None)]
    assert names == ["dagmm", *FIELD]
    everything = [method.name for method in module.chosen_methods("all")]
    assert everything == ["dagmm", *METHODS]
    own = by_length()
    assert module.chosen_methods(["knn", own]) == (METHODS["knn"], own)


def test_the_protocol_is_said(compared):
    assert compared.protocol == {
        "rows": 200,
        "features": 5,
        "train_rows": 90,
        "test_rows": 110,
        "test_anomalies": 20,
        "learnt_from": "normal rows",
        "rows_per_run": 72,
        "runs": 2,
        "seed": 209652396,
        "top_rows": 20,
    }
    assert compared.notes == (
        "2 runs of 72 rows each, drawn from 90 (normal rows); all score the same 110 other rows. "
        "Nothing was tuned.",
        "20 of the test rows are labelled anomalies.",
    )


def test_figures_are_those_of_the_strangeness(compared):
    labels = sensors()["fault"].to_numpy()[compared.test]
    ranks = {}
    for method in compared.methods:
        assert method.error is None
        assert method.strangeness.shape == (2, 110)
        for run, strangeness in zip(method.runs, method.strangeness, strict=True):
            pairs = strangeness[labels == 1][:, None] - strangeness[labels == 0][None]
            expected = (pairs > 0).mean() + 0.5 * (pairs == 0).mean()
            assert run["auroc"] == pytest.approx(expected)
            assert run["fit_seconds"] >= 0.0
            assert run["score_seconds"] > 0.0
        assert method.mean("auroc") > 0.8
        assert method.stability == pytest.approx(spearmanr(*method.strangeness)[0])
        ranks[method.name] = rankdata(method.strangeness, axis=1).mean(axis=0)
    for a, rank in ranks.items():
        others = [spearmanr(rank, ranks[b])[0] for b in ranks if b != a]
        assert compared[a].agreement == pytest.approx(np.mean(others))
        assert compared.rank_correlation[a][a] == pytest.approx(1.0)
        assert compared.top_overlap[a][a] == 1.0
        assert 0.0 < compared[a].overlap < 1.0


def test_the_same_seed_is_the_same_comparison(compared):
    again = compare(sensors(), "fault", CHEAP, n_runs=2)
    other = compare(sensors(), "fault", CHEAP, n_runs=2, random_state=1)
    for name in CHEAP:
        np.testing.assert_array_equal(again[name].strangeness, compared[name].strangeness)
    assert not np.array_equal(other.test, compared.test)


def test_columns_of_the_table_and_their_types_do_not_matter(compared):
    table = sensors()
    labels = table.pop("fault").astype(bool)
    again = compare(pa.Table.from_pandas(table), labels, CHEAP, n_runs=2)
    for name in CHEAP:
        np.testing.assert_array_equal(again[name].strangeness, compared[name].strangeness)


def test_dagmm_sees_the_table_and_the_others_encoded_rows(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    table, seen = sensors().drop(columns="fault"), {}

    def look(x, seed):
        seen["x"] = x
        return lambda rows: rows[:, 0]

    result = compare(table, None, ["dagmm", Method("look", "look", look, "here")], n_runs=1)
    assert result["dagmm"].error is None
    assert seen["x"].dtype == np.float64
    assert seen["x"].shape == (80, 5)
    # Scaled by the rows of the run, and by no others.
    np.testing.assert_allclose(seen["x"][:, :2].mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(seen["x"][:, :2].std(axis=0), 1.0, rtol=1e-5)


def test_dagmm_is_the_default_detector(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    x = np.random.default_rng(0).normal(size=(80, 5))
    expected = tiny_detector(n_members=4, random_state=3).fit(x).energy(x)
    np.testing.assert_array_equal(module.dagmm(x, 3)(x), expected)


def test_learning_from_all_rows_is_one_word_away():
    result = compare(sensors(), "fault", ["knn"], train="all", n_runs=1)
    assert result.protocol["learnt_from"] == "all rows"
    assert (result.protocol["train_rows"], result.protocol["test_anomalies"]) == (100, 10)


def test_of_a_large_table_some_rows_are_drawn():
    table = sensors().drop(columns="fault")
    result = compare(table, None, ["knn"], n_runs=1, max_rows=50)
    assert (result.protocol["train_rows"], result.protocol["test_rows"]) == (50, 50)
    assert "100 of 200 rows were used, drawn at random (max_rows)." in result.notes


# Without labels, or with labels of one kind


def test_without_labels_there_is_agreement_stability_and_time():
    result = compare(sensors().drop(columns="fault"), None, CHEAP, n_runs=2)
    assert not result.has_quality
    assert result.protocol["test_anomalies"] is None
    assert result["knn"].mean("auroc") is None
    assert 0.0 < result["knn"].agreement < 1.0
    assert 0.0 < result["knn"].stability < 1.0
    assert result.notes[1].startswith("Without labels nothing says which method is right: ")


def test_labels_of_one_kind_are_said_to_be_of_no_use():
    table = sensors().drop(columns="fault")
    result = compare(table, np.zeros(200), ["knn", "lof"], n_runs=1)
    assert not result.has_quality
    assert result.notes[1] == (
        "Labels call all 100 test rows normal, so they cannot say how well anomalies are found."
    )
    result = compare(table, np.ones(200), ["knn"], train="all", n_runs=1)
    assert result.notes[1] == (
        "Labels call all 100 test rows anomalies, so they cannot say how well anomalies are found."
    )
    assert told(InputError, table, np.ones(200), ["knn"]) == (
        "compare learns from half of the normal rows and needs 26 of them, got 0 among 200 rows; "
        "check which label means normal, or learn from all rows, with train 'all'."
    )


def test_few_anomalies_and_more_columns_than_rows_are_said():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(60, 300)), np.arange(60) < 3
    x[labels] += 3.0
    result = compare(x, labels, ["mahalanobis", "pca", "knn"], n_runs=1)
    assert all(method.error is None for method in result.methods)
    assert result["knn"].mean("auroc") > 0.9
    assert result.notes[1:] == (
        "3 of the test rows are labelled anomalies: so few that the figures are rough.",
        "22 rows to learn from are few for 300 features: covariances are singular, and the "
        "Mahalanobis distance sees only directions in which the rows it learnt from vary.",
    )


# What goes wrong


def failing(error):
    def fit(x, seed):
        raise error

    return Method("broken", "Broken", fit, "here")


def test_a_method_that_fails_is_in_the_table_and_the_others_go_on():
    own = failing(MemoryError("no room for\n a matrix [of 9 GB]"))
    result = compare(sensors(), "fault", ["knn", own], n_runs=2)
    assert result["broken"].error == "MemoryError: no room for a matrix [of 9 GB]"
    assert result["broken"].strangeness is None
    assert result["broken"].runs == ()
    assert len(result["knn"].runs) == 2
    assert "broken" not in result.rank_correlation
    assert result.notes[-1] == "Broken failed: MemoryError: no room for a matrix [of 9 GB]"
    assert result.notes[-1] in str(result)
    assert result.ranked()[-1].name == "broken"


def test_a_failure_in_a_later_run_is_one_too():
    calls = []

    def fit(x, seed):
        calls.append(seed)
        if len(calls) == 2:
            raise ValueError("second time")
        return lambda rows: rows[:, 0]

    result = compare(sensors(), "fault", [Method("once", "once", fit, "here"), "knn"], n_runs=3)
    assert result["once"].error == "ValueError: second time"
    assert result["once"].runs == ()
    assert len(calls) == 2
    assert len(set(calls)) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda r: r, "InputError: own returned an array of shape (110, 5) for 110 rows."),
        (
            lambda r: np.where(np.arange(len(r)) < 2, np.nan, 1.0),
            "InputError: own is not finite on 2 of 110 test rows; their values may be too large "
            "for it.",
        ),
    ],
    ids=["shape", "not finite"],
)
def test_an_answer_that_is_none_is_a_failure(answer, message):
    own = Method("own", "Own", lambda x, seed: answer, "here")
    assert compare(sensors(), "fault", [own], n_runs=1)["own"].error == message


def test_an_interrupt_is_not_taken_for_a_failure():
    with pytest.raises(KeyboardInterrupt):
        compare(sensors(), "fault", [failing(KeyboardInterrupt())], n_runs=1)


def test_warnings_of_a_method_are_passed_on_once():
    def fit(x, seed):
        warnings.warn("rows are repeated", stacklevel=1)
        return lambda rows: rows[:, 0]

    result = compare(sensors(), "fault", [Method("own", "Own", fit, "here")], n_runs=3)
    assert result["own"].warnings == ("rows are repeated",)
    assert result.notes[-1] == "Own warned: rows are repeated"


def test_arguments_that_cannot_be_used_are_named():
    known = ", ".join(repr(name) for name in ("dagmm", *METHODS))
    assert told(ArgumentError, sensors(), "fault", ["knm"]) == (
        f"methods must be one of {known}, got 'knm'. Did you mean 'knn'?"
    )
    assert told(ArgumentError, sensors(), "fault", ["knn", "knn"]) == (
        "methods holds 'knn' twice; give it once."
    )
    assert told(ArgumentError, sensors(), "fault", []) == (
        "methods must hold at least one method, got none."
    )
    assert told(ArgumentError, sensors(), "fault", ["knn"], train="some") == (
        "train must be one of 'normal', 'all', got 'some'."
    )
    assert told(ArgumentError, sensors(), "fault", ["knn"], n_runs=0) == (
        "n_runs must be an int >= 1, got 0."
    )


def test_labels_among_the_columns_are_refused():
    table = sensors()
    assert told(InputError, table, table["fault"], ["knn"]) == (
        "column 'fault' holds the labels themselves, which no method may see; leave it out, or "
        "pass labels='fault'."
    )


def test_a_column_that_cannot_be_encoded_is_named_by_its_row_in_the_whole_table():
    table = sensors()
    table.loc[137, "load"] = np.inf
    message = told(InputError, table, "fault", ["knn"])
    assert "'load'" in message
    assert "137" in message


def test_it_can_be_found_at_the_top():
    assert dagmm.compare is compare
    assert json.dumps(compare(sensors(), "fault", ["knn"], n_runs=1).to_dict(), allow_nan=False)
