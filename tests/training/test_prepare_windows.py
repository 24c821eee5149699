import numpy as np
import pandas as pd
import pytest

from dagmm import DAGMMDetector, InputError
from dagmm._core.errors import ArgumentError, FewRowsWarning
from dagmm.datasets import SENSORS, simulated_plant
from dagmm.training.presets.windows import window_config
from small_fits import normal, tiny_config, tiny_detector, tiny_window_config


def frame(n=120, seed=0):
    return pd.DataFrame(normal(n, 3, seed), columns=["x", "y", "z"]).assign(t=np.arange(n) * 2.0)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)
    monkeypatch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)


def refused(message, table=None, **arguments):
    with pytest.raises(ArgumentError) as caught:
        tiny_detector(**arguments).fit(frame() if table is None else table)
    assert str(caught.value) == message


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("window", [5, "10s"])
@pytest.mark.parametrize("network", ["dense", "convolutional"])
def test_a_model_of_windows_is_the_same_to_the_bit_when_saved(tmp_path, window, network):
    arguments = {"time": "t", "window": window, "step": 2, "network": network}
    detector = tiny_detector(**arguments).fit(frame())
    windows = detector.model_.windows
    assert (windows.n_steps, windows.step, windows.interval, windows.gap) == (5, 2, 2.0, 20.0)
    assert detector.model_.record.n_windows == 58
    detector.save(tmp_path / "m")
    again = DAGMMDetector.load(tmp_path / "m")
    assert again.get_params() == detector.get_params()
    table = frame(seed=1)
    energy = detector.energy(table)
    np.testing.assert_array_equal(again.energy(table), energy)
    np.testing.assert_array_equal(again.stream().update(table), energy)
    np.testing.assert_array_equal(again.p_value(table), detector.p_value(table))
    assert again.set_threshold(quantile=0.9).threshold_["rows_are"] == (
        "training windows (by networks that were not fitted to them)"
    )


@pytest.mark.usefixtures("quick")
def test_the_same_seed_makes_the_same_model_and_the_order_of_assets_does_not_matter():
    one, other = frame(80).assign(g="a"), frame(70, 1).assign(g="b")
    arguments = {"time": "t", "group": "g", "window": 5}
    apart = pd.concat([one, other], ignore_index=True)
    mixed = apart.sort_values("t", kind="stable", ignore_index=True)
    table = frame(30, 2).assign(g="a")
    energies = [tiny_detector(**arguments).fit(t).energy(table) for t in (apart, apart, mixed)]
    np.testing.assert_array_equal(energies[0], energies[1])
    np.testing.assert_allclose(energies[0], energies[2], rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("quick")
def test_the_threshold_is_found_from_windows_that_were_not_fitted_to():
    detector = tiny_detector(time="t", window=5, contamination=0.1, n_members=4).fit(frame())
    sample = detector.model_.calibration.held_out
    assert sample.n_rows == 116
    assert detector.threshold_["energy"] == pytest.approx(sample.energy_at(0.1))
    with pytest.warns(
        FewRowsWarning, match=r"^the threshold: the energies are those of rows the "
    ):
        few = tiny_detector(time="t", window=30, n_members=4).fit(frame(50))
    assert few.model_.calibration.held_out is None
    with pytest.warns(UserWarning, match="rows the model was fitted to"):
        few.set_threshold(quantile=0.8)


@pytest.mark.usefixtures("quick")
def test_arrays_have_their_clock_in_a_column():
    x = frame()[["t", "x", "y", "z"]].to_numpy()
    detector = tiny_detector(time="x0", window=5).fit(x)
    assert detector.energy(x[:1]).shape == (1,)
    assert detector.predict(x).shape == (120,)


@pytest.mark.usefixtures("quick")
def test_calibration_takes_windows():
    detector = tiny_detector(time="t", window=5).fit(frame())
    assert detector.calibrate(frame(40, 3)).model_.calibration.held_out.n_rows == 40
    with pytest.raises(InputError, match=r"^X has no column 't', the time of this model"):
        detector.calibrate(frame().drop(columns="t"))


def test_what_does_not_belong_together_is_refused():
    refused(
        "window needs time, the column that says when a row was measured; pass time='...' as "
        "well.",
        window=5,
    )
    refused("step=3 belongs to window, and there is none.", step=3)
    refused(
        "network='convolutional' belongs to window, and there is none.", network="convolutional"
    )
    refused(
        "network must be one of 'dense', 'convolutional', got 'dence'. Did you mean 'dense'?",
        network="dence",
    )
    refused(
        "time names column 'u', which the table does not have. It has 'x', 'y', 'z', 't'.",
        time="u",
        window=5,
    )
    with pytest.raises(InputError) as caught:
        tiny_detector(time="t", window="1h").fit(frame())
    assert str(caught.value) == (
        "window '1h', 1800 rows: expected at least 2 windows to fit to, got 0; the longest "
        "segment of rows without a gap has 120. Choose a shorter window."
    )


@pytest.mark.parametrize("detail", ["summary", "sequence"])
@pytest.mark.parametrize(("n_windows", "n_steps"), [(2, 2), (300, 10), (50_000, 600)])
def test_the_config_suits_windows_of_every_shape(detail, n_windows, n_steps):
    config = window_config(n_windows, (n_steps, 3), 4, detail)
    assert len(config.architectures) == len(config.latent_densities) == 4
    widths = {9, 3 * min(3, n_steps)} if detail == "summary" else {3 * n_steps}
    assert {one.n_features for one in config.architectures} == widths
    assert {one.shape for one in config.architectures} == (
        {()} if detail == "summary" else {(n_steps, 3)}
    )
    assert 1 <= config.training.batch_size <= n_windows
    for architecture in set(config.architectures):
        assert architecture.n_code <= architecture.n_features
        architecture.build(np.random.default_rng(0))


def test_windows_see_a_slow_drift_that_rows_do_not():
    """Readings at a tenth of their deviation from usual, for as long as a window and longer."""
    rng = np.random.default_rng(0)

    def readings(n, shift):
        noise = rng.normal(size=(n, 3)) + shift
        return pd.DataFrame(noise, columns=["x", "y", "z"]).assign(t=np.arange(n) * 1.0)

    train, usual, moved = readings(1000, 0.0), readings(3000, 0.0), readings(300, 0.7)
    windows = DAGMMDetector(n_members=2, time="t", window=30).fit(train)
    rows = DAGMMDetector(n_members=2, drop="t").fit(train)
    assert (windows.predict(usual) == -1).mean() < 0.1
    assert (windows.predict(moved)[30:] == -1).mean() > 0.9
    assert (rows.predict(moved) == -1).mean() < 0.2
    # The first row of a segment is judged by less, but what is far off is seen at once.
    assert windows.predict(usual[:1]) == [1]
    assert windows.predict(usual[:1].assign(x=100.0)) == [-1]


def test_a_column_is_named_and_contributions_add_up():
    train, test = simulated_plant(1500, 600)
    columns = ["time", *SENSORS]
    detector = DAGMMDetector(n_members=2, time="time", window="10 min").fit(train.select(columns))
    table = test.select(columns)
    explanation = detector.explain(table)
    energy = detector.energy(table)
    np.testing.assert_array_equal(explanation.energy, energy)
    total = explanation.contribution.sum(axis=1)
    gap = explanation.energy - explanation.reference_energy
    np.testing.assert_allclose(total, gap, rtol=1e-9, atol=1e-9)
    names = np.array(test["faulty_sensor"].to_pylist(), object)
    found = (detector.predict(table) == -1) & (names != None)  # noqa: E711
    assert found.sum() > 50
    assert (explanation.top_features(1)[found, 0] == names[found]).mean() > 0.8
    # What was expected of a column that is not to blame is its mean over the window.
    ordinary = np.flatnonzero((explanation.contribution == 0.0).all(axis=1) & (np.arange(600) > 9))
    row = int(ordinary[0])
    for name in SENSORS:
        mean = test[name].to_numpy()[row - 9 : row + 1].mean()
        assert explanation.expected[name][row] == pytest.approx(mean, rel=1e-4, abs=1e-3)
