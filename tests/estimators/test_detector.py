"""DAGMMDetector: decisions, arguments, and rows far outside the training range."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from dagmm import ArgumentError, DAGMMDetector
from dagmm._core.errors import FewRowsWarning
from dagmm.data.convert import as_rows
from dagmm.datasets import breast_cancer
from dagmm.inference.ensemble import Identity
from dagmm.preprocessing.windows.auto_length import rows_of_window
from dagmm.training.presets.tables import table_config
from small_fits import normal, tiny_config


@pytest.fixture(scope="module")
def fitted():
    return DAGMMDetector(n_members=1, contamination=0.1).fit(normal(300))


def test_z_of_a_row_depends_on_the_row_alone_to_the_bit(fitted):
    x = normal(40)
    alone = np.concatenate([fitted.transform(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_array_equal(fitted.transform(x), alone)


def test_scores_labels_and_threshold_agree(fitted):
    x = normal(300)
    energy = fitted.energy(x)
    np.testing.assert_array_equal(fitted.score_samples(x), -energy)
    np.testing.assert_array_equal(fitted.decision_function(x), -energy - fitted.offset_)
    np.testing.assert_array_equal(fitted.predict(x) == -1, energy > -fitted.offset_)
    assert (fitted.predict(x) == -1).sum() == 30


def test_a_row_at_the_training_mean_is_normal(fitted):
    assert fitted.predict(normal(300).mean(axis=0, keepdims=True)).tolist() == [1]


@pytest.mark.parametrize("value", [1e3, 1e6, 1e30, -1e300, np.finfo(float).max])
def test_extreme_rows_are_stranger_than_any_training_row(fitted, value):
    rows = value * np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [1.0, 1.0, -1.0]])
    extreme = fitted.energy(rows)
    assert np.isfinite(extreme).all()
    assert extreme.min() > fitted.energy(normal(300)).max()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contamination": 0.6}, "contamination must be 'auto' or in (0, 0.5], got 0.6."),
        ({"contamination": "some"}, "contamination must be 'auto' or in (0, 0.5], got 'some'."),
        ({"contamination": np.nan}, "contamination must be 'auto' or in (0, 0.5], got nan."),
        ({"n_members": 0}, "n_members must be an int >= 1, got 0."),
        ({"n_members": True}, "n_members must be an int >= 1, got True."),
        ({"n_members": 2.0}, "n_members must be an int >= 1, got 2.0."),
    ],
)
def test_argument_that_cannot_be_used_is_named(arguments, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        DAGMMDetector(**arguments).fit(normal())


def test_same_seed_gives_the_same_energies(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    first, same, other = (
        DAGMMDetector(n_members=2, random_state=seed).fit(normal()).energy(normal())
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


# Thresholds after the fit


@pytest.fixture(scope="module")
def large():
    """A detector of a table that is long enough to hold rows out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        yield DAGMMDetector(n_members=2).fit(normal(12_000))


def test_rows_of_a_large_table_are_held_out(large):
    known = large.model_.calibration
    assert (known.training.n_rows, known.held_out.n_rows) == (12_000, 1200)
    assert large.model_.record.held_out_rows == 1200
    energy = np.sort(large.energy(normal(12_000)))
    np.testing.assert_allclose(known.training.energy, energy, rtol=1e-9)
    # The energies of the rows held out are among them.
    assert np.isin(known.held_out.energy.round(6), energy.round(6)).all()
    assert (known.held_out.energy > -large.offset_).sum() == 12


def test_each_network_leaves_rows_of_a_small_table_out(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    for n_members, n_unseen in ((1, 75), (3, 225), (4, 300), (5, 300)):
        model = DAGMMDetector(n_members=n_members).fit(normal(300)).model_
        assert model.record.held_out_rows == 0
        assert model.calibration.training.n_rows == 300
        assert model.calibration.held_out.n_rows == n_unseen
        expected = "training rows (by networks that were not fitted to them)"
        assert model.calibration.held_out_are == expected


def sensors_that_wander(n_rows=1200, seed=0):
    """Three sensors that change slowly, in rows that follow each other closely."""
    noise = np.random.default_rng(seed).normal(size=(n_rows, 3))
    values = np.zeros((n_rows, 3))
    for i in range(1, n_rows):
        values[i] = 0.99 * values[i - 1] + noise[i]
    return pd.DataFrame(values, columns=list("abc")).assign(second=np.arange(n_rows) * 1.0)


def in_time(n_rows, memory, seed=0):
    """Three sensors, each of which keeps a share of its last reading."""
    noise = np.random.default_rng(seed).normal(size=(n_rows, 3))
    values = noise.copy()
    for i in range(1, n_rows):
        values[i] = memory * values[i - 1] + noise[i]
    return pd.DataFrame(values, columns=list("abc")).assign(second=np.arange(n_rows) * 1.0)


@pytest.mark.filterwarnings("always::dagmm.TableWarning")
def test_rows_that_depend_on_each_other_should_be_windows(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    table = in_time(600, 0.9)
    with pytest.warns(FewRowsWarning, match="window='auto' would take") as caught:
        detector = DAGMMDetector(n_members=2, time="second").fit(table)
    (said,) = (str(one.message) for one in caught)
    features = detector.model_.encoder.encode(as_rows(table).chunk(0, 600))
    n_steps = rows_of_window(features, np.zeros(600, int))
    assert detector.model_.record.advised_window == n_steps == 24
    advice = " Windows see how rows follow each other: window='auto' would take 24 rows."
    # What is known of the threshold says already that rows depend on each other.
    assert said == f"the threshold: {detector.threshold_['warnings'][0]['text']}.{advice}"


@pytest.mark.filterwarnings("always::dagmm.TableWarning")
def test_where_the_threshold_says_nothing_of_it_windows_have_a_warning_of_their_own(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    with pytest.warns(FewRowsWarning) as caught:
        DAGMMDetector(n_members=2, time="second", contamination=0.5).fit(in_time(600, 0.9))
    assert [str(one.message) for one in caught] == [
        "rows depend on those before them, and a row by itself shows no drift, no frozen sensor "
        "and no small shift that lasts; windows do: window='auto' would take 24 rows."
    ]


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_rows_that_hardly_depend_on_each_other_need_no_windows(memory, monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    detector = DAGMMDetector(n_members=2, time="second").fit(in_time(600, memory))
    assert detector.model_.record.advised_window is None


def test_where_the_time_axis_is_named_later_rows_give_fewer_false_alarms(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", table_config)
    shares = []
    for seed in range(3):
        table = sensors_that_wander(seed=seed)
        train, later = table[:600], table[600:]
        in_blocks = DAGMMDetector(n_members=4, time="second").fit(train)
        shuffled = train.sample(frac=1.0, random_state=0).drop(columns="second")
        at_random = DAGMMDetector(n_members=4).fit(shuffled)
        assert in_blocks.model_.calibration.held_out.n_rows == 600
        assert in_blocks.threshold_["rows_are"] == (
            "training rows (by networks that were not fitted to their block of time)"
        )
        shares.append([(one.predict(later) == -1).mean() for one in (in_blocks, at_random)])
    alarms, more_alarms = np.transpose(shares)
    assert (alarms < more_alarms).all()
    assert alarms.mean() < 0.6 * more_alarms.mean()


def test_of_a_large_table_in_time_stretches_are_held_out(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    table = sensors_that_wander(10_000)
    detector = DAGMMDetector(n_members=1, time="second").fit(table)
    held = np.concatenate(
        [np.arange(start + 900, start + 1000) for start in range(0, 10_000, 1000)]
    )
    held_out = np.sort(detector.energy(table)[held])
    np.testing.assert_allclose(detector.model_.calibration.held_out.energy, held_out, rtol=1e-9)
    held_out = "rows held out of the fit in blocks of time"
    assert detector.threshold_["rows_are"] == held_out


def test_a_table_of_a_few_rows_is_fitted_to_whole():
    with pytest.warns(FewRowsWarning) as caught:
        detector = DAGMMDetector(n_members=2).fit(normal(19))
    assert str(caught[0].message) == (
        "the threshold: the energies are those of rows the model was fitted to; new rows have "
        "higher ones, so expect more alarms than stated, or calibrate with normal rows that it "
        "was not fitted to."
    )
    assert detector.model_.calibration.held_out is None
    assert detector.threshold_["rows_are"] == "training rows"
    assert "new rows have higher ones" in detector.threshold_["warnings"][0]["text"]


def test_the_threshold_says_what_it_means(fitted):
    meaning = fitted.threshold_
    assert meaning["energy"] == -fitted.offset_
    assert (meaning["rule"], meaning["share"]) == ("contamination 0.1", 0.1)
    assert (meaning["n_rows"], meaning["rows_are"]) == (300, "training rows")
    assert meaning["low"] < meaning["energy"] < meaning["high"]


def test_a_threshold_is_moved_without_a_fit(large, tmp_path):
    large.save(tmp_path / "m")
    moved = DAGMMDetector.load(tmp_path / "m")
    x = normal(500, seed=3)
    assert moved.set_threshold(quantile=0.9) is moved
    np.testing.assert_array_equal(moved.energy(x), large.energy(x))
    assert 0.05 < (moved.predict(x) == -1).mean() < 0.2
    np.testing.assert_array_equal(moved.decision_function(x), -moved.energy(x) - moved.offset_)
    moved.save(tmp_path / "m")
    again = DAGMMDetector.load(tmp_path / "m")
    assert again.threshold_ == moved.threshold_
    assert again.threshold_["rule"] == "quantile 0.9"
    np.testing.assert_array_equal(again.predict(x), moved.predict(x))
    assert moved.set_threshold(contamination="auto").offset_ == pytest.approx(large.offset_)
    assert moved.set_threshold(energy=1.5).offset_ == -1.5


def test_an_alarm_budget_holds_on_new_rows(large, tmp_path):
    large.save(tmp_path / "m")
    moved = DAGMMDetector.load(tmp_path / "m")
    moved.calibrate(normal(4000, seed=5))
    assert moved.threshold_ == large.threshold_
    # One row a minute: 1 alarm in 96 rows.
    moved.set_threshold(alarms=15, per="day", every="1 min")
    assert moved.threshold_["rows_are"] == "rows of a calibration table"
    alarms = (moved.predict(normal(20_000, seed=6)) == -1).sum()
    assert 140 < alarms < 290  # 208 are expected; the energies themselves are 42 rows


def test_p_values_of_new_rows_are_shares(large):
    p_value = large.p_value(normal(2000, seed=7))
    assert p_value.shape == (2000,)
    assert (p_value < 0.1).mean() == pytest.approx(0.1, abs=0.04)
    assert large.p_value([[50.0, -50.0, 50.0]])[0] < 0.01


def test_energies_of_training_rows_are_warned_of(large, fitted):
    with pytest.warns(FewRowsWarning):
        few = DAGMMDetector(n_members=1).fit(normal(19))
    with pytest.warns(UserWarning, match="^set_threshold: the energies are those of rows the"):
        few.set_threshold(quantile=0.9)


@pytest.mark.parametrize(
    "call",
    [
        lambda d: d.set_threshold(energy=1.0),
        lambda d: d.calibrate(normal()),
        lambda d: d.p_value(normal()),
        lambda d: d.explain(normal()),
    ],
)
def test_nothing_is_decided_before_a_fit(call):
    with pytest.raises(NotFittedError):
        call(DAGMMDetector())


# What may not matter


def test_labels_never_reach_the_fit(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    x, rng = normal(200), np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    fits = [
        DAGMMDetector(n_members=2).fit(x, y).energy(x)
        for y in (None, labels, rng.permutation(labels))
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[0], fits[2])


def test_names_and_order_of_columns_do_not_matter(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", table_config)
    table = breast_cancer()
    malignant = np.array(table["label"].to_pylist()) == "malignant"
    frame = table.drop_columns(["id", "label"]).to_pandas()
    order = np.random.default_rng(0).permutation(frame.shape[1])
    other = frame.iloc[:, order].set_axis([f"s{i}" for i in range(len(order))], axis=1)
    train = np.flatnonzero(~malignant)[::2]
    test = np.setdiff1d(np.arange(len(frame)), train)
    quality = [
        roc_auc_score(malignant[test], DAGMMDetector().fit(x.iloc[train]).energy(x.iloc[test]))
        for x in (frame, other)
    ]
    assert quality[0] == pytest.approx(quality[1], abs=0.005)
    assert quality[0] > 0.9


def test_networks_that_disagree_are_said_to(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    x = normal(300)
    one, two = (DAGMMDetector(n_members=n).fit(x) for n in (1, 2))
    np.testing.assert_array_equal(one.energy_deviation(x), 0.0)
    assert (two.energy_deviation(x) > 0.0).all()
    assert np.isfinite(two.energy_deviation(1e300 * x)).all()


def test_a_broken_relation_between_columns_is_found(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", table_config)
    # Six sensors that measure nearly the same; of strange rows one is off, by far less than all of
    # them vary together.
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(900, 1)) + 0.02 * rng.normal(size=(900, 6))
    strange = np.arange(600) >= 550
    rows[300:][strange, 2] += 0.2
    detector = DAGMMDetector(n_members=2, random_state=0).fit(rows[:300])
    assert any(one.density.kind == "input_mixture" for one in detector.model_.components)
    assert roc_auc_score(strange, detector.energy(rows[300:])) > 0.98


def test_a_strange_row_of_a_wide_table_is_found(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", table_config)
    # 120 columns that hang together, 60 rows: each value of a strange row is usual by itself.
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(160, 4)) @ rng.normal(size=(4, 120))
    rows += 0.3 * rng.normal(size=rows.shape)
    strange = np.arange(100) >= 80
    others = rows[60:].copy()
    others[strange] = rng.permuted(others[strange], axis=1)
    detector = DAGMMDetector(n_members=2, random_state=0).fit(rows[:60])
    of_rows = [
        one.density for one in detector.model_.components if isinstance(one.transform, Identity)
    ]
    assert [(one.kind, one.n_components) for one in of_rows] == [("input_mixture", 1)] * 2
    assert roc_auc_score(strange, detector.energy(others)) > 0.95


def test_the_first_rows_of_a_segment_are_no_alarms_for_being_first():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(3, 6))

    def readings(n):
        noise = rng.normal(size=(n, 3)) * np.sqrt(1.0 - 0.97**2)
        return lfilter([1.0], [1.0, -0.97], noise, axis=0) @ mix + 0.1 * rng.normal(size=(n, 6))

    def table(x, start=0.0):
        return pd.DataFrame(x, columns=list("abcdef")).assign(t=start + np.arange(len(x)))

    detector = DAGMMDetector(n_members=1, time="t", window=20).fit(table(readings(2000)))
    segments = [table(readings(500)[-30:], start=1e6 * i) for i in range(100)]
    energy = detector.energy(pd.concat(segments, ignore_index=True)).reshape(100, 30)
    usual = np.median(energy[:, 19:])  # of whole windows
    for step in range(19):
        assert np.median(energy[:, step]) <= usual
        assert (energy[:, step] > detector.threshold_["energy"]).mean() < 0.2
