import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagmm.report.plots.scale import EnergyScale, short_number

ENERGIES = st.floats(-1e6, 1e12)


@given(st.floats(-50.0, 50.0), st.floats(1e-3, 1e3), ENERGIES)
def test_energies_come_back_from_their_places(centre, width, energy):
    scale = EnergyScale(centre, width)
    back = scale.energy(scale.place(np.array([energy])))[0]
    assert back == pytest.approx(energy, rel=1e-9, abs=1e-9 * (abs(centre) + width))


def test_the_scale_is_even_near_the_centre_and_logarithmic_far_away():
    scale = EnergyScale(2.0, 1.0)
    places = scale.place(np.array([1.99, 2.0, 2.01, 1e4, 1e5, 1e6]))
    assert np.diff(places)[:2] == pytest.approx([0.01, 0.01], rel=1e-3)
    assert np.diff(places)[3:] == pytest.approx(2 * [np.log(10.0)], rel=1e-3)


def test_the_scale_is_that_of_median_and_interquartile_range():
    energy = np.random.default_rng(0).normal(3.0, 2.0, 500)
    low, centre, high = np.quantile(energy, (0.25, 0.5, 0.75))
    assert EnergyScale.of(energy) == EnergyScale(centre, high - low)
    assert EnergyScale.of(np.full(5, 2.0)) == EnergyScale(2.0, 1.0)
    assert EnergyScale.of(np.empty(0)).width == 1.0


@given(ENERGIES, st.floats(1e-3, 1e6), st.floats(1e-2, 1e3))
def test_ticks_are_round_rise_and_lie_between_the_ends(low, size, width):
    scale = EnergyScale(0.0, width)
    ticks = scale.ticks(low, low + size)
    assert ticks == sorted(set(ticks))
    assert all(low <= tick <= low + size for tick in ticks)
    assert all(float(f"{tick:.6g}") == tick for tick in ticks)


def test_ticks_of_a_heavy_tail():
    assert EnergyScale(-7.0, 2.0).ticks(-9.0, 900.0)[-3:] == [80.0, 200.0, 700.0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-3.0, "\N{MINUS SIGN}3"),
        (1234.5, "1,234.5"),
        (999_999.0, "999,999"),
        (1e6, "10⁶"),
        (2.5e7, "2.5\N{MULTIPLICATION SIGN}10⁷"),
        (-1e-5, "\N{MINUS SIGN}1\N{MULTIPLICATION SIGN}10⁻⁵"),
        (0.001, "0.001"),
    ],
)
def test_short_numbers(value, text):
    assert short_number(value) == text
