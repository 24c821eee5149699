import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.progress import Progress
from dagmm.data.arrays import MatrixRows
from dagmm.data.base import CHUNK_ROWS
from dagmm.data.images import ImageRows
from dagmm.preprocessing import sampling
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.sampling import (
    draw,
    drawn_chunks,
    encode_rows,
    encode_table,
    most_rows,
    padded_rows,
)
from dagmm.preprocessing.table_fit import fit_table_encoder


def rng(seed=0):
    return np.random.default_rng(seed)


def numbered_rows(n_rows):
    """Rows that begin with their number."""
    values = rng().normal(size=(n_rows, 3))
    values[:, 0] = np.arange(n_rows)
    return MatrixRows(values)


# Which rows


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.integers(1, 10**9), st.integers(1, 500), st.integers(0, 5))
def test_rows_are_drawn_once_each_in_order(n_rows, n_drawn, seed):
    n_drawn = min(n_rows, n_drawn)
    numbers = draw(n_rows, n_drawn, rng(seed))
    assert len(numbers) == n_drawn
    assert (np.diff(numbers) > 0).all()
    assert numbers[0] >= 0
    assert numbers[-1] < n_rows


@pytest.mark.parametrize("n_rows", [30, 100])
def test_all_rows_are_as_likely(n_rows):
    # 30 of 10 are drawn from a shuffle, 100 of 10 one by one.
    counts = np.zeros(n_rows)
    for seed in range(4000):
        counts[draw(n_rows, 10, rng(seed))] += 1
    expected = 4000 * 10 / n_rows
    chi_squared = ((counts - expected) ** 2 / expected).sum() / (1 - 10 / n_rows)
    assert chi_squared < n_rows - 1 + 4 * np.sqrt(2 * n_rows)


def test_the_seed_decides_which():
    one, again, other = (draw(10**6, 100, rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_few_numbers_are_held_whatever_the_rows_are_like():
    assert most_rows(1) == sampling.MOST_ROWS
    assert most_rows(128) * 128 <= sampling.MOST_NUMBERS < (most_rows(128) + 1) * 128
    assert most_rows(10**9) == 2


# Encoded


@pytest.mark.parametrize("n_rows", [100, 1000])
def test_a_table_that_fits_is_encoded_whole_and_nothing_is_drawn(monkeypatch, n_rows):
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 3 * n_rows)
    rows = numbered_rows(n_rows)
    encoder = fit_table_encoder(rows)
    unused = rng()
    held = encode_table(rows, encoder, unused, Progress())
    assert (held.n_rows, held.numbers) == (n_rows, None)
    assert unused.random() == rng().random()
    np.testing.assert_array_equal(held.features, encode_rows(rows, encoder))


def test_of_a_larger_one_rows_of_its_whole_length_are_held(monkeypatch):
    n_rows, n_held = 5 * CHUNK_ROWS + 77, 1000
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 3 * n_held)
    rows = numbered_rows(n_rows)
    encoder = fit_table_encoder(rows, "none")
    held = encode_table(rows, encoder, rng(), Progress())
    assert held.n_rows == n_held
    assert held.features.shape == (padded_rows(n_held), 3)
    np.testing.assert_array_equal(held.features[:n_held, 0], held.numbers)
    whole = encode_rows(rows, encoder)
    np.testing.assert_array_equal(held.features[:n_held], whole[held.numbers])
    np.testing.assert_array_equal(held.features[n_held:], 0.0)
    # Kolmogorov and Smirnov would let the distance from a uniform draw pass.
    place = (held.numbers + 0.5) / n_rows
    assert np.abs(np.sort(place) - np.arange(n_held) / n_held).max() < 1.6 / np.sqrt(n_held)


def test_images_are_held_whole(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 3)
    images = ImageRows(rng().integers(0, 255, (20, 8, 8)).astype(np.uint8))
    held = encode_table(images, ImageEncoder.learn(images), rng(), Progress())
    assert (held.n_rows, held.numbers) == (20, None)


@pytest.mark.parametrize("n_rows", [1, 100, 1001])
def test_encoded_rows_lie_where_a_device_can_take_them_as_they_are(n_rows):
    rows = numbered_rows(n_rows)
    features = encode_rows(rows, fit_table_encoder(rows))
    assert features.ctypes.data % 64 == 0
    assert features.flags.c_contiguous
    assert features.flags.writeable


def test_chunks_without_a_drawn_row_are_passed_over():
    rows, numbers = numbered_rows(20 * CHUNK_ROWS), np.array([3, 4, 17 * CHUNK_ROWS])
    parts = [chunk.numbers(("x0",))[:, 0] for chunk in drawn_chunks(rows, numbers)]
    assert [part.tolist() for part in parts] == [[3, 4], [17 * CHUNK_ROWS]]


class Listener(Progress):
    def __init__(self):
        self.heard = []

    def phase(self, text, total):
        self.heard.append((text, total))

    def advance(self, done, note=""):
        self.heard.append(done)


def test_progress_is_told_in_rows(monkeypatch):
    n_rows = 6 * CHUNK_ROWS
    rows = numbered_rows(n_rows)
    encoder = fit_table_encoder(rows)
    whole, drawn = Listener(), Listener()
    encode_rows(rows, encoder, whole)
    assert whole.heard == [("encoding", n_rows), *range(CHUNK_ROWS, n_rows + 1, CHUNK_ROWS)]
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 300)
    encode_table(rows, encoder, rng(), drawn)
    phase, *done = drawn.heard
    assert phase == ("drawing", n_rows)
    assert done == sorted(done)
    assert 0.9 * n_rows < done[-1] <= n_rows
