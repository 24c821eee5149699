"""What a stream says of rows beside their energies, and that it goes on after a restart."""

import json
from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
import safetensors
import safetensors.numpy

from dagmm import DAGMMDetector, ModelFileError, ModelSaveError
from dagmm._core.atomic_files import checksum_of
from dagmm.inference import Stream
from small_fits import normal, tiny_config, tiny_detector, tiny_window_config


def frame(n, seed=0):
    """Readings of two assets, interleaved at random, now and then behind a gap or far off."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(normal(n, 3, seed), columns=["x", "y", "z"])
    far = rng.random(n) < 0.2
    table.loc[far, "x"] += 6.0
    steps = np.where(rng.random(n) < 0.03, 60.0, 1.0)
    return table.assign(t=np.cumsum(steps), g=rng.choice(["a", "b"], n))


@pytest.fixture(scope="module")
def windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        detector = tiny_detector(time="t", group="g", window=4).fit(frame(300))
    return detector.set_threshold(quantile=0.8, k_of_n=(2, 3), hysteresis=0.5, hold=3)


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        detector = tiny_detector(time="t", group="g").fit(frame(300))
    return detector.set_threshold(quantile=0.8, smoothing=0.3)


@pytest.fixture(params=["windows", "rows"])
def detector(request):
    return request.getfixturevalue(request.param)


def test_a_stream_that_goes_on_says_what_an_uninterrupted_one_does(detector, tmp_path):
    table, file = frame(90, 1), tmp_path / "stream"
    whole, energy, alarm = detector.stream().score(table, explain=2), [], []
    stream = detector.stream()
    for start in range(0, 90, 7):
        part = stream.score(table[start : start + 7], explain=2)
        energy.append(part.energy)
        alarm.append(part.is_alarm)
        place = slice(start, start + len(part.energy))
        for one, other in zip(astuple(part), astuple(whole), strict=True):
            np.testing.assert_array_equal(one, other[place])
        stream.save(file)
        stream = detector.stream(file)
    np.testing.assert_array_equal(np.concatenate(energy), detector.energy(table))
    np.testing.assert_array_equal(np.concatenate(alarm), detector.alarm(table))
    assert 0 < whole.is_alarm.sum() < 90
    assert (whole.is_alarm != whole.is_anomaly).any()


def test_a_stream_that_goes_on_watches_for_drift_as_an_uninterrupted_one_does(rows, tmp_path):
    whole, stream, table = rows.stream(), rows.stream(), frame(90, 3)
    whole.update(table)
    stream.update(table[:50])
    stream.save(tmp_path / "stream")
    stream = rows.stream(tmp_path / "stream")
    stream.update(table[50:])
    assert stream.drift.n_rows == 90
    assert stream.drift.log_evidence == whole.drift.log_evidence != 0.0


def test_a_stream_says_what_is_known_of_each_row(detector):
    table = frame(60, 2)
    scores = detector.stream().score(table, explain=2)
    np.testing.assert_array_equal(scores.p_value, detector.p_value(table))
    np.testing.assert_array_equal(scores.is_anomaly, detector.predict(table) == -1)
    wanted = scores.is_anomaly | scores.is_alarm
    explained = detector.explain(table)
    np.testing.assert_array_equal(scores.top_features[wanted], explained.top_features(2)[wanted])
    np.testing.assert_array_equal(scores.is_explained[wanted], explained.is_explained[wanted])
    assert (scores.top_features[~wanted] == None).all()  # noqa: E711
    assert not scores.is_explained[~wanted].any()
    assert detector.stream().score(table).top_features.shape == (60, 0)


def test_plain_updates_keep_the_alarms_going(detector):
    table = frame(60, 3)
    whole = detector.stream().score(table)
    stream = detector.stream()
    np.testing.assert_array_equal(stream.update(table[:30]), whole.energy[:30])
    np.testing.assert_array_equal(stream.score(table[30:]).is_alarm, whole.is_alarm[30:])
    assert len(stream.update(table[:0])) == len(stream.score(table[:0]).energy) == 0


def test_rows_of_assets_are_counted_by_themselves(detector):
    table = frame(80, 4)
    alarm = detector.alarm(table)
    for name in ("a", "b"):
        own = (table["g"] == name).to_numpy()
        np.testing.assert_array_equal(detector.alarm(table[own]), alarm[own])


def test_after_a_gap_rows_are_counted_anew(windows):
    table = frame(60, 7).assign(g="a", t=np.arange(60.0))
    near = windows.alarm(table)
    at = 1 + int(np.flatnonzero(near[:-1] & near[1:])[0])  # an alarm goes on in this row
    table.loc[at:, "t"] += 1e6
    alarm = windows.alarm(table)
    parts = [windows.alarm(part) for part in (table[:at], table[at:])]
    np.testing.assert_array_equal(alarm, np.concatenate(parts))
    assert not alarm[at]  # two of three rows are wanted, and there is one


def test_a_table_without_the_asset_is_refused(rows):
    with pytest.raises(ValueError, match="no column 'g'") as caught:
        rows.stream().update(frame(5).drop(columns="g"))
    assert str(caught.value) == (
        "X has no column 'g', which names the asset; the alarm logic of this model counts the "
        "rows of each in their order."
    )
    # Energies need no asset.
    assert len(rows.energy(frame(5).drop(columns="g"))) == 5


def test_where_the_threshold_was_moved_windows_go_on_and_alarms_begin_anew(windows, tmp_path):
    table, file = frame(60, 5), tmp_path / "stream"
    moved = DAGMMDetector().set_params(**windows.get_params())
    moved.model_ = windows.model_
    moved.set_threshold(quantile=0.7, k_of_n=(2, 2))
    stream = windows.stream()
    stream.update(table[:30])
    stream.save(file)
    after = moved.stream(file).score(table[30:])
    np.testing.assert_array_equal(after.energy, windows.energy(table)[30:])
    for name in ("a", "b"):
        own = np.flatnonzero((table["g"] == name).to_numpy()[30:])
        # The first row of an asset has none before it that counts.
        assert not after.is_alarm[own[0]]


# What is refused


def refused(message, call, *arguments, error=ModelFileError):
    with pytest.raises(error) as caught:
        call(*arguments)
    assert str(caught.value) == message


@pytest.fixture
def kept(windows, tmp_path):
    stream = windows.stream()
    stream.update(frame(20, 6))
    stream.save(tmp_path / "kept")
    return tmp_path / "kept"


def test_a_stream_of_another_model_is_refused(windows, rows, kept):
    message = f"stream: {str(kept)!r} belongs to another model; begin a new stream."
    refused(message, rows.stream, kept)


def test_what_is_no_stream_is_refused(windows, tmp_path):
    gone = tmp_path / "gone"
    refused(f"stream: {str(gone)!r} does not exist.", windows.stream, gone)
    foreign = tmp_path / "foreign"
    foreign.write_bytes(safetensors.numpy.save({"a": np.zeros(3)}))
    message = f"stream: {str(foreign)!r} was not written by a stream of dagmm."
    refused(message, windows.stream, foreign)
    text = tmp_path / "text"
    text.write_bytes(b"{}")
    with pytest.raises(ModelFileError, match=r"^stream: '.*text' is damaged: "):
        windows.stream(text)


def change(file, **changes):
    """Write the file anew with other fields, and a checksum that fits."""
    with safetensors.safe_open(file, framework="numpy") as opened:
        plain = json.loads(opened.metadata()["stream"])
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    plain |= changes
    plain["checksum"] = checksum_of(plain)
    file.write_bytes(safetensors.numpy.save(arrays, {"stream": json.dumps(plain)}))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"format_version": 2}, "has format 2, this dagmm reads up to 1; upgrade dagmm."),
        (
            {"assets": [{"asset": "a", "rows": 9}]},
            "is damaged: the stream.assets.0.rows must be from 1 to 3, got 9.",
        ),
        (
            {"assets": [{"asset": "a", "rows": 1}]},
            "is damaged: array 'rows' must be F32 of (1, 3), got F32 of (6, 3).",
        ),
        ({"arrays": "0"}, "is damaged: its arrays are not those that it speaks of."),
        ({"more": 1}, "is damaged: the stream has an unknown field 'more'."),
    ],
)
def test_a_damaged_stream_is_refused(windows, kept, changes, what):
    change(kept, **changes)
    refused(f"stream: {str(kept)!r} {what}", windows.stream, kept)


def test_damage_of_the_text_is_told_by_its_checksum(windows, kept):
    data = kept.read_bytes()
    kept.write_bytes(data.replace(rb"\"left\": ", rb"\"lEft\": ", 1))
    assert kept.read_bytes() != data
    message = f"stream: {str(kept)!r} is damaged: its checksum does not belong to its content."
    refused(message, windows.stream, kept)


def test_a_stream_that_cannot_be_written_says_so(windows, tmp_path):
    file = tmp_path / "no" / "such"
    with pytest.raises(ModelSaveError, match="could not be written: No such file"):
        windows.stream().save(file)


def test_a_stream_of_a_model_without_a_threshold_has_no_alarms(tmp_path):
    from small_fits import tiny_dagmm

    x = normal(40)
    model = tiny_dagmm().fit(x).model_
    stream = Stream(model)
    scores = stream.score(x)
    assert not scores.is_alarm.any()
    assert not scores.is_anomaly.any()
    stream.save(tmp_path / "stream")
    again = Stream(model, tmp_path / "stream")
    np.testing.assert_array_equal(again.update(x), scores.energy)
