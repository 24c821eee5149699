"""The surprisal of energies, against scipy's distributions and by its properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import expon, norm

from dagmm._core.json_fields import JsonField
from dagmm.inference.surprisal import TAIL, Surprisal

quick = settings(deadline=None, derandomize=True, max_examples=100)
energies = arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e6, 1e6))


@pytest.mark.parametrize("distribution", [norm(3.0, 2.0), expon(-1.0, 5.0)], ids=["norm", "expon"])
def test_it_is_minus_the_logarithm_of_the_share_that_is_as_high(distribution):
    rows = distribution.ppf((np.arange(20_000) + 0.5) / 20_000)
    surprisal = Surprisal.of(rows)
    for share in (0.9, 0.5, 0.2, TAIL):
        found = surprisal(distribution.isf(np.array([share])))
        np.testing.assert_allclose(found, -np.log(share), rtol=0.02)


def test_the_tail_goes_on_exponentially_beyond_what_was_seen():
    rows = expon(scale=3.0).ppf((np.arange(5000) + 0.5) / 5000)
    surprisal = Surprisal.of(rows)
    far = np.array([30.0, 300.0, 3e6])
    np.testing.assert_allclose(surprisal(far), far / 3.0, rtol=0.02)


@pytest.mark.parametrize(
    ("n_rows", "level", "excess"), [(12, 6.0, 3.0), (7, 3.0, 2.0), (3, 1.0, 1.0), (2, 1.0, 1.0)]
)
def test_of_few_rows_the_highest_five_make_the_tail_at_most_half(n_rows, level, excess):
    surprisal = Surprisal.of(np.arange(float(n_rows)))
    assert (surprisal.energy[-1], surprisal.excess) == (level, pytest.approx(excess))


def test_the_most_normal_rows_have_none():
    surprisal = Surprisal.of(np.arange(100.0))
    np.testing.assert_array_equal(surprisal(np.array([-1e9, 0.0])), [0.0, 0.0])


def test_energies_that_are_all_alike_have_none():
    surprisal = Surprisal.of(np.full(50, 7.0))
    assert surprisal(np.array([7.0]))[0] == surprisal(np.array([-3.0]))[0]
    assert np.isfinite(surprisal(np.array([7.0, 8.0, 1e300]))).all()


@quick
@given(rows=energies, low=st.floats(-1e9, 1e9), more=st.floats(0.0, 1e9))
def test_it_never_falls_is_finite_and_not_negative(rows, low, more):
    surprisal = Surprisal.of(rows)
    first, second = surprisal(np.array([low, low + more]))
    assert 0.0 <= first <= second < np.inf


@quick
@given(rows=energies)
def test_it_depends_on_the_order_of_energies_and_not_on_the_order_of_rows(rows):
    some = np.linspace(rows.min(), rows.max(), 7)
    np.testing.assert_array_equal(Surprisal.of(rows)(some), Surprisal.of(rows[::-1])(some))


def test_its_slope_is_that_of_the_line_between_knots():
    surprisal = Surprisal.of(np.random.default_rng(0).normal(size=1000))
    energy = np.array([-10.0, -0.501, 0.3, 5.0])
    step = 1e-8
    expected = (surprisal(energy + step) - surprisal(energy - step)) / (2.0 * step)
    np.testing.assert_allclose(surprisal.slope(energy), expected, rtol=1e-5, atol=1e-6)


def saved(surprisal):
    state = surprisal.state()
    return dict(state.plain), state.under("x")


def test_it_comes_back_as_it_was_saved():
    surprisal = Surprisal.of(np.random.default_rng(0).normal(size=1000))
    plain, values = saved(surprisal)
    again = Surprisal.from_state(JsonField(plain, "x")).build(values)
    energy = np.linspace(-5.0, 50.0, 101)
    np.testing.assert_array_equal(again(energy), surprisal(energy))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_knots", 0, r"^x\.n_knots must be from 1 to .*, got 0"),
        ("n_knots", 65, r"^x\.n_knots must be from 1 to 64, got 65"),
        ("excess", 0.0, r"^x\.excess must be above 1e-100, at most 1e\+100, got 0\.0"),
    ],
)
def test_plain_data_that_cannot_be_is_refused(name, value, message):
    plain, _ = saved(Surprisal.of(np.arange(100.0)))
    with pytest.raises(ValueError, match=message):
        Surprisal.from_state(JsonField(plain | {name: value}, "x"))


@pytest.mark.parametrize(
    ("name", "place", "value", "expected"),
    [
        ("energy", 0, 1e200, "within"),
        ("energy", 1, -5.0, "ascending"),
        ("surprisal", 0, -1.0, "from 0"),
        ("surprisal", 1, 50.0, "ascending"),
    ],
)
def test_arrays_that_cannot_be_are_refused(name, place, value, expected):
    plain, values = saved(Surprisal.of(np.arange(100.0)))
    values[f"x.{name}"] = values[f"x.{name}"].copy()
    values[f"x.{name}"][place] = value
    with pytest.raises(ValueError, match=rf"^array 'x\.{name}' must be {expected}"):
        Surprisal.from_state(JsonField(plain, "x")).build(values)
