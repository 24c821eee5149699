import numpy as np
import pytest

from dagmm.preprocessing.windows.features import (
    FREE,
    LAST_ROWS,
    STILL,
    WindowFeatures,
    WindowGather,
    WindowInputs,
    inputs_of,
    levels_apart,
    scaled_view,
)

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(40, 3)).astype(np.float32)
NONSTATIONARY = np.array([False, True, False])
#: Two segments: rows 0 to 24 and 25 to 39.
FIRST = np.repeat([0, 25], [25, 15])


def expected(view, end):
    """Inputs of one window in float64, from its definition."""
    n_steps = view.n_steps
    start = max(end - n_steps + 1, FIRST[end])
    rows = ROWS[start : end + 1].astype(np.float64)
    level = rows.mean(axis=0)
    beyond = np.sign(level) * np.maximum(abs(level) - FREE, 0.0)
    settled = np.where(NONSTATIONARY, beyond, level)
    if view.detail == "summary":
        known = np.concatenate([np.full((n_steps, 3), level), rows])[::-1]
        last = (known[:LAST_ROWS] - level + settled).ravel()
        steps = np.diff(rows, axis=0)
        movement = np.log1p((steps**2).mean(axis=0) / STILL) if len(steps) else view.centre[6:9]
        parts = np.concatenate([settled, np.cbrt(rows.var(axis=0)), movement, last])
    else:
        within = np.zeros((n_steps, 3))
        within[n_steps - len(rows) :] = rows - level
        parts = (settled + within).ravel()
    share = len(rows) / n_steps
    return share * (parts - view.centre) / view.scale + (1.0 - share) * view.usual


@pytest.fixture(params=["summary", "sequence"])
def view(request):
    n = 3 * (3 + LAST_ROWS) if request.param == "summary" else 15
    parts = RNG.normal(size=n), RNG.uniform(0.5, 2.0, size=n), RNG.normal(size=n)
    scaling = (part.astype(np.float32) for part in parts)
    return WindowFeatures(NONSTATIONARY, *scaling, request.param, 5)


def test_inputs_are_what_they_say(view):
    ends = np.arange(40)
    inputs = inputs_of(view, ROWS, ends, FIRST)
    oracle = np.stack([expected(view, end) for end in ends])
    np.testing.assert_allclose(inputs, oracle, rtol=2e-4, atol=2e-5)


def test_training_gathers_the_same_inputs(view):
    ends = np.array([4, 10, 30, 39])
    trained = WindowGather(view, FIRST.astype(np.int32))(ROWS, ends.astype(np.int32))
    np.testing.assert_allclose(
        np.asarray(trained).T, inputs_of(view, ROWS, ends, FIRST[ends]), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("n_block", [1, 15 * 7, 2**21])
def test_inputs_do_not_depend_on_what_comes_with_them(view, n_block, monkeypatch):
    ends = np.resize(np.arange(40), 600)
    whole = inputs_of(view, ROWS, ends, FIRST[ends])
    monkeypatch.setattr("dagmm.preprocessing.windows.features._BLOCK", n_block)
    np.testing.assert_array_equal(inputs_of(view, ROWS, ends, FIRST[ends]), whole)
    for i in (0, 7, 511, 599):
        alone = inputs_of(view, ROWS, ends[i : i + 1], FIRST[ends[i : i + 1]])
        np.testing.assert_array_equal(alone[0], whole[i])


def test_levels_come_back_with_what_the_inputs_do_not_tell(view):
    ends = np.arange(40)
    inputs = inputs_of(view, ROWS, ends, FIRST)
    apart = levels_apart(view, ROWS, ends, FIRST, inputs)
    means = np.stack([ROWS[max(end - 4, FIRST[end]) : end + 1].mean(axis=0) for end in ends])
    np.testing.assert_allclose(view.levels_of(inputs) + apart, means, atol=1e-5)


@pytest.mark.parametrize("detail", ["summary", "sequence"])
def test_scaled_inputs_have_mean_0_and_deviation_1(detail):
    rows = RNG.normal(size=(300, 3)).astype(np.float32) * [1.0, 3.0, 0.0] + [0.0, 2.0, 0.0]
    rows = rows.astype(np.float32)
    plain = WindowFeatures.unscaled(detail, 5, np.zeros(3, bool))
    ends, first = np.arange(4, 300), np.zeros(296, np.int64)
    view = scaled_view(plain, WindowInputs(plain, rows, ends, first), 64)
    inputs = WindowInputs(view, rows, ends, first)
    assert inputs.shape == (296, plain.n_inputs)
    made = inputs[::1]
    varies = made.std(axis=0) > 0.0
    assert varies.sum() == plain.n_inputs * 2 // 3
    np.testing.assert_allclose(made.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(made.std(axis=0)[varies], 1.0, rtol=1e-5)
    assert (made[:, ~varies] == 0.0).all()
    # The usual one of these windows is the one nearest to their mean.
    nearest = made[(made.astype(np.float64) ** 2).sum(axis=1).argmin()]
    np.testing.assert_allclose(view.usual, nearest, atol=1e-5)


def test_a_nonstationary_level_is_free_up_to_a_point():
    view = WindowFeatures.unscaled("summary", 2, np.array([True]))
    rows = np.array([[0.0], [0.0], [9.9], [9.9], [-12.0], [-12.0]], np.float32)
    inputs = inputs_of(view, rows, np.array([1, 3, 5]), np.array([0, 2, 4]))
    np.testing.assert_allclose(inputs[:, 0], [0.0, 0.0, -2.0], atol=1e-6)


def test_a_summary_has_parts_that_are_views():
    view = WindowFeatures.unscaled("summary", 4, np.zeros(3, bool))
    inputs = inputs_of(view, ROWS, np.array([10]), np.array([0]))
    parts = {name: part(inputs)[0] for name, part in view.parts.items()}
    window = ROWS[7:11].astype(np.float64)
    np.testing.assert_allclose(parts["level"], window.mean(axis=0), rtol=1e-5)
    movement = np.log1p((np.diff(window, axis=0) ** 2).mean(axis=0) / STILL)
    summary = np.concatenate([window.mean(axis=0), np.cbrt(window.var(axis=0)), movement])
    np.testing.assert_allclose(parts["summary"], summary, rtol=1e-5)
    np.testing.assert_allclose(parts["last_rows"], window[:0:-1].ravel(), rtol=1e-5)


def test_a_slow_sensor_that_stands_still_is_far_from_its_training():
    noise = RNG.normal(size=(600, 2))
    rows = np.empty((600, 2), np.float32)
    rows[0] = 0.0
    for i in range(1, 600):
        rows[i] = 0.98 * rows[i - 1] + 0.2 * noise[i]
    plain = WindowFeatures.unscaled("summary", 10, np.zeros(2, bool))
    ends, first = np.arange(9, 600), np.zeros(591, np.int64)
    view = scaled_view(plain, WindowInputs(plain, rows, ends, first), 256)
    frozen = rows.copy()
    frozen[300:312, 0] = frozen[300, 0]
    spread, movement = inputs_of(view, frozen, np.array([311]), np.array([0]))[0, 2:6].reshape(
        2, 2
    )
    # Its spread alone has been nearly as low; the other sensor is as ever.
    assert spread[0] > -4.0
    assert movement[0] < -15.0
    assert abs(movement[1]) < 4.0


def test_what_lies_before_a_segment_is_not_looked_at(view):
    windows = RNG.normal(size=(1, 5, 3)).astype(np.float32)
    known = np.array([2], np.int32)
    other = windows.copy()
    other[:, :3] = 1e6
    np.testing.assert_array_equal(view(windows, known), view(other, known))


def test_extreme_rows_have_finite_inputs():
    view = WindowFeatures.unscaled("summary", 2, np.array([False]))
    rows = np.array([[1e6], [-1e6]], np.float32)
    assert np.isfinite(inputs_of(view, rows, np.array([1]), np.array([0]))).all()
