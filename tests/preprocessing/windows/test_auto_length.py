"""How many rows a window has that the rows choose."""

import numpy as np
import pytest

from dagmm.preprocessing.windows.auto_length import memory_of, rows_of_window

RNG = np.random.default_rng(0)
ONE_ASSET = np.zeros(20_000, np.int64)


def autoregressive(phi, n_rows=20_000):
    rows = np.zeros(n_rows)
    for i, noise in enumerate(RNG.normal(size=n_rows)):
        rows[i] = phi * rows[i - 1] + noise
    return rows


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_the_memory_of_an_autoregression_is_what_it_is_known_to_be(phi):
    rows = np.stack([autoregressive(phi) for _ in range(8)], axis=1)
    found = memory_of(rows, ONE_ASSET).mean()
    assert found == pytest.approx((1.0 + phi) / (1.0 - phi), rel=0.15, abs=0.15)


def test_what_does_not_vary_or_swings_remembers_one_row():
    swings = np.resize([1.0, -1.0], 20_000)
    rows = np.stack([np.full(20_000, 3.0), swings], axis=1)
    np.testing.assert_allclose(memory_of(rows, ONE_ASSET), 1.0, atol=1e-3)


def test_of_several_assets_it_is_the_mean_by_their_rows():
    long, short = autoregressive(0.9, 9000), autoregressive(0.0, 3000)
    asset = np.repeat([0, 1], [9000, 3000])
    one, other = (memory_of(x[:, None], np.zeros(len(x), np.int64))[0] for x in (long, short))
    (found,) = memory_of(np.concatenate([long, short])[:, None], asset)
    assert found == pytest.approx(0.75 * one + 0.25 * other)


@pytest.mark.parametrize(
    ("phi", "n_rows", "least", "most"),
    [(0.0, 20_000, 10, 10), (0.95, 20_000, 30, 55), (0.99, 20_000, 60, 60), (0.9, 400, 10, 16)],
)
def test_a_window_is_as_long_as_the_memory_within_bounds(phi, n_rows, least, most):
    rows = np.stack([autoregressive(phi, n_rows) for _ in range(4)], axis=1).astype(np.float32)
    assert least <= rows_of_window(rows, np.zeros(n_rows, np.int64)) <= most


def test_what_only_moves_on_does_not_count():
    ramp = np.linspace(0.0, 5.0, 2000)
    rows = np.stack([ramp, *RNG.normal(size=(3, 2000))], axis=1).astype(np.float32)
    assert rows_of_window(rows, np.zeros(2000, np.int64)) == 10
    assert rows_of_window(rows[:, :1], np.zeros(2000, np.int64)) == 10
