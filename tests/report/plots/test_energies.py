import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from dagmm.report.plots.canvas import NORMAL, STRANGE
from dagmm.report.plots.energies import EnergySeries, draw_histogram, draw_series, histogram_of
from dagmm.report.plots.scale import EnergyScale

NOTHING = np.empty(0)


@given(st.integers(0, 999), st.floats(-3.0, 30.0))
@example(425, 26.0)  # close to the highest energy
def test_bins_beyond_the_threshold_hold_the_alarms(seed, threshold):
    energy = np.random.default_rng(seed).standard_cauchy(200)
    made = histogram_of(energy, np.ones(200), NOTHING, NOTHING, threshold)
    assert made.share.sum() == pytest.approx(1.0)
    assert threshold in made.edges
    assert (np.diff(made.edges) > 0.0).all()
    beyond = made.edges[1:] > threshold
    assert made.share[beyond].sum() == pytest.approx((energy > threshold).mean())


def test_bins_count_what_numpy_counts():
    energy = np.random.default_rng(0).normal(size=1000)
    known = np.random.default_rng(1).normal(size=500)
    made = histogram_of(energy, np.ones(1000), known, np.ones(500), None)
    assert made.share == pytest.approx(np.histogram(energy, made.edges)[0] / 1000, abs=2e-3)
    assert made.known_share == pytest.approx(np.histogram(known, made.edges)[0] / 500, abs=3e-3)


def test_rows_that_stand_for_more_weigh_more():
    made = histogram_of(np.array([0.0, 5.0]), np.array([99.0, 1.0]), NOTHING, NOTHING, 1.0)
    assert made.share[made.edges[1:] > 1.0].sum() == pytest.approx(0.01)


@pytest.mark.parametrize("energy", [np.zeros(3), np.array([7.0]), np.full(4, 1e30)])
@pytest.mark.parametrize("threshold", [None, 0.0, 1e31])
def test_energies_of_one_value_can_be_drawn(energy, threshold):
    made = histogram_of(energy, np.ones(len(energy)), NOTHING, NOTHING, threshold)
    assert made.share.sum() == pytest.approx(1.0)
    ax = Figure().subplots()
    draw_histogram(ax, made)
    ax.figure.canvas.draw()


def test_a_series_marks_what_is_above_the_threshold():
    energy = np.array([0.0, 3.0, 1.0, 9.0])
    series = EnergySeries(np.arange(4), energy, energy, 1.0)
    assert series.strange.tolist() == [False, True, False, True]
    ax = Figure().subplots()
    draw_series(ax, series, EnergyScale.of(energy))
    threshold, line, marks = ax.get_lines()
    assert (threshold.get_color(), line.get_color(), marks.get_color()) == (
        STRANGE,
        NORMAL,
        STRANGE,
    )
    assert marks.get_xdata().tolist() == [1, 3]
    unruled = EnergySeries(np.arange(4), energy - 1.0, energy, None, 2)
    assert not unruled.strange.any()
    ax = Figure().subplots()
    draw_series(ax, unruled, EnergyScale.of(energy))
    assert len(ax.collections) == 1
