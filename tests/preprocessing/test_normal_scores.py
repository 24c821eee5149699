"""Normal scores, against scipy's ranks and by their properties."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata

from dagmm._core.json_fields import JsonField
from dagmm.preprocessing.columns.numeric import ENCODED_LIMIT
from dagmm.preprocessing.normal_scores import MAX_KNOTS, NormalScores

quick = settings(deadline=None, derandomize=True, max_examples=100)
tables = arrays(
    np.float32,
    st.tuples(st.integers(1, 60), st.integers(1, 3)),
    elements=st.floats(-1e4, 1e4, width=32),
)


def rows_of(n_rows=200, seed=0):
    """A skewed column, one of few values, and one that does not vary."""
    rng = np.random.default_rng(seed)
    columns = (rng.lognormal(size=n_rows), rng.integers(3, size=n_rows), np.full(n_rows, 0.5))
    return np.stack(columns, axis=1).astype(np.float32)


def test_scores_are_normal_quantiles_of_the_ranks():
    rows = rows_of()
    scores = NormalScores.learn(rows)(rows)
    for i in (0, 1):
        expected = norm.ppf((rankdata(rows[:, i]) - 0.5) / len(rows))
        expected = (expected - expected.mean()) / expected.std()
        np.testing.assert_allclose(scores[:, i], expected, atol=1e-5)
    np.testing.assert_array_equal(scores[:, 2], np.zeros(len(rows)))


def test_of_many_rows_some_places_are_kept_and_the_others_lie_on_lines():
    rows = np.random.default_rng(1).gamma(0.5, size=(20_000, 1)).astype(np.float32)
    view = NormalScores.learn(rows)
    assert MAX_KNOTS / 2 < len(view.value) <= MAX_KNOTS
    expected = norm.ppf((rankdata(rows[:, 0]) - 0.5) / len(rows))
    error = np.abs(view(rows)[:, 0] - expected)
    assert np.quantile(error, 0.99) < 0.01
    assert error.max() < 0.05


def test_what_is_far_stays_far():
    rows = rows_of()
    view = NormalScores.learn(rows)
    near, far = rows[:1].copy(), rows[:1].copy()
    near[0, 0], far[0, 0] = rows[:, 0].max() + 10.0, rows[:, 0].max() + 1000.0
    highest = view(rows)[:, 0].max()
    assert 0.0 < view(near)[0, 0] - highest < (view(far)[0, 0] - highest) / 90.0
    # A column that does not vary is measured as it is encoded.
    far[0, 2] = 3.5
    assert view(far)[0, 2] == 3.0


@quick
@given(rows=tables, shift=st.floats(-1e6, 1e6, width=32))
def test_scores_never_fall_with_the_value_and_stay_in_bounds(rows, shift):
    view = NormalScores.learn(rows)
    ordered = np.sort(np.concatenate([rows, rows + np.float32(shift)]), axis=0)
    scores = view(ordered)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert (np.abs(scores) <= ENCODED_LIMIT).all()
    assert (np.diff(scores, axis=0) >= -1e-4 * np.abs(scores[1:])).all()


def test_values_are_found_back_from_scores():
    rows = rows_of()
    rows[0, 0] = 500.0
    view = NormalScores.learn(rows)
    far = rows + np.float32(2.0)
    np.testing.assert_allclose(view.values_of(view(rows)), rows, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(view.values_of(view(far)), far, rtol=1e-3, atol=1e-3)


def lines(values, at, to):
    """One feature by NumPy's own interpolation."""
    at, to = at.astype(np.float64), to.astype(np.float64)
    width, height = np.ptp(at), np.ptp(to)
    slope = height / width if width > 0.0 and height > 0.0 else 1.0
    beyond = values - np.clip(values, at[0], at[-1])
    return np.clip(np.interp(values, at, to) + slope * beyond, -ENCODED_LIMIT, ENCODED_LIMIT)


@quick
@given(rows=tables, shift=st.floats(-1e6, 1e6, width=32))
def test_lines_are_those_of_numpy_to_rounding(rows, shift):
    view = NormalScores.learn(rows)
    seen = np.concatenate([rows, rows + np.float32(shift), view.value])
    for function, at, to in (
        (view, view.value, view.score),
        (view.values_of, view.score, view.value),
    ):
        expected = [lines(seen[:, j], at[:, j], to[:, j]) for j in range(seen.shape[1])]
        # Below the smallest normal number float32 has fewer digits.
        tiny = float(np.finfo(np.float32).tiny)
        np.testing.assert_allclose(
            function(seen), np.stack(expected, axis=1), rtol=1e-6, atol=tiny
        )


@pytest.mark.parametrize("n_values", [1, 2, 255, 256, 1000])
def test_any_number_of_knots_is_searched(n_values):
    rows = np.random.default_rng(0).permutation(n_values)[:, None].astype(np.float32) ** 2
    view = NormalScores.learn(rows)
    seen = np.concatenate([rows - 0.5, rows, rows + 0.5, [[-9.0], [1e5]]]).astype(np.float32)
    expected = lines(seen[:, 0], view.value[:, 0], view.score[:, 0])
    np.testing.assert_allclose(view(seen)[:, 0], expected, rtol=1e-6)


def test_what_is_not_finite_stays_in_bounds():
    view = NormalScores.learn(rows_of())
    far = np.full((1, 3), np.inf, np.float32)
    for function in (view, view.values_of):
        np.testing.assert_array_equal(function(far), np.full((1, 3), ENCODED_LIMIT))
        np.testing.assert_array_equal(function(-far), np.full((1, 3), -ENCODED_LIMIT))


def test_a_row_is_seen_alone_as_among_others():
    view, rows = NormalScores.learn(rows_of()), rows_of(30_000, seed=1)
    for function in (view, view.values_of):
        whole = function(rows)
        for part in (slice(7, 8), slice(10_900, 11_000), slice(1, None, 3)):
            np.testing.assert_array_equal(function(rows[part]), whole[part])


def test_a_view_that_was_used_is_pickled_by_its_knots():
    view = NormalScores.learn(rows_of())
    plain = pickle.dumps(view)
    view(rows_of())
    assert pickle.dumps(view) == plain
    np.testing.assert_array_equal(pickle.loads(plain)(rows_of(seed=1)), view(rows_of(seed=1)))


def test_a_view_comes_back_as_it_was_saved():
    view = NormalScores.learn(rows_of())
    state = view.state()
    promise = NormalScores.from_state(JsonField(dict(state.plain), "views.0"), 3)
    again = promise.build(state.under("views.0"))
    np.testing.assert_array_equal(again(rows_of(seed=1)), view(rows_of(seed=1)))


def test_what_no_view_can_be_is_refused():
    state = NormalScores.learn(rows_of()).state()
    with pytest.raises(ValueError, match=r"^v\.n_knots must be at most 256, got 257"):
        NormalScores.from_state(JsonField({"n_knots": 257}, "v"), 3)
    arrays = {name: array.copy() for name, array in state.under("v").items()}
    arrays["v.score"][1, 0] = -9.0
    with pytest.raises(ValueError, match=r"^array 'v\.score' must be ascending"):
        NormalScores.from_state(JsonField(dict(state.plain), "v"), 3).build(arrays)
