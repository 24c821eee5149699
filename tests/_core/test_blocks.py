import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.blocks import BLOCK_ROWS, in_blocks, padded_rows, product

few = settings(deadline=None, derandomize=True, max_examples=30)


def rows(n_rows, n_features=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n_features, n_rows))


@pytest.mark.parametrize("n_rows", [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, 3 * BLOCK_ROWS + 1])
@pytest.mark.parametrize("ones", [False, True])
def test_rows_are_padded_with_zeros_to_whole_blocks(n_rows, ones):
    x = rows(n_rows)
    padded = padded_rows(x, np.float64, ones=ones)
    assert padded.shape[1] % BLOCK_ROWS == 0
    assert padded.shape[1] - n_rows < BLOCK_ROWS
    assert (padded[: int(ones)] == 1.0).all()
    np.testing.assert_array_equal(padded[int(ones) :, :n_rows], x)
    assert not padded[int(ones) :, n_rows:].any()


def test_blocks_are_parts_of_the_rows_and_no_copies():
    x = rows(3 * BLOCK_ROWS)
    blocks = in_blocks(x)
    for i, block in enumerate(blocks):
        np.testing.assert_array_equal(block, x[:, i * BLOCK_ROWS : (i + 1) * BLOCK_ROWS])
    assert np.shares_memory(blocks, x)


@few
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.integers(0, 10**6))
def test_a_product_is_that_of_numpy(n_outputs, n_features, n_blocks, seed):
    x, matrix = rows(n_blocks * BLOCK_ROWS, n_features, seed), rows(n_features, n_outputs, seed)
    expected = np.einsum("of,fn->on", matrix, x)
    np.testing.assert_allclose(product(matrix, x), expected, rtol=1e-10, atol=1e-10)


@few
@given(
    st.sampled_from([np.float32, np.float64]),
    st.integers(1, 150),
    st.integers(1, 150),
    st.integers(1, 70),
    st.integers(0, 10**6),
)
def test_a_row_has_the_same_product_to_the_bit_alone_and_anywhere(dtype, o, f, n_rows, seed):
    x, matrix = rows(n_rows, f, seed), rows(f, o, seed + 1).astype(dtype)
    whole = product(matrix, padded_rows(x, dtype))
    for i in {0, n_rows // 2, n_rows - 1}:
        alone = product(matrix, padded_rows(x[:, i : i + 1], dtype))
        np.testing.assert_array_equal(alone[:, 0], whole[:, i])
