"""Networks with a function that the library does not know, which JAX computes."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm._core.numerics import Array
from dagmm.inference.chunks import BLOCK_ROWS, BUFFER_BLOCKS
from dagmm.inference.compiled import Buffers, CompiledNetwork
from dagmm.inference.forward import decoded_rows, latent_rows, outputs_of
from dagmm.networks.network import flatten
from small_tables import ARCHITECTURE as DENSE
from small_tables import correlated_rows


def own(x: Array) -> Array:
    return jnp.tanh(x)


#: A network that computes the same as that of small tables, by a function of somebody's own.
ARCHITECTURE = replace(DENSE, comp_activation=own)
PARAMETERS = flatten(ARCHITECTURE.build(np.random.default_rng(0)))
BUFFER_ROWS = BLOCK_ROWS * BUFFER_BLOCKS
ROWS = correlated_rows(n_rows=2 * BUFFER_ROWS + BLOCK_ROWS + 13)


@pytest.fixture(scope="module")
def together():
    return outputs_of(ARCHITECTURE, PARAMETERS, ROWS)


def test_it_is_the_network_without_dropout(together):
    some = slice(None, None, 50)
    named = ARCHITECTURE.named(PARAMETERS)
    z, x_hat = oracle.latent(named, ROWS[some])
    np.testing.assert_allclose(together[0][:, some].T, z, rtol=1e-4, atol=1e-5)
    gamma = oracle.memberships(named, z)
    np.testing.assert_allclose(together[1][:, some].T, gamma, rtol=1e-4, atol=1e-5)
    error = ((ROWS[some] - x_hat) ** 2).sum(axis=1)
    np.testing.assert_allclose(together[2][some], error, rtol=1e-4)
    assert {part.dtype for part in together} == {np.dtype(np.float32)}


def test_z_alone_is_that_of_all_outputs(together):
    np.testing.assert_array_equal(latent_rows(ARCHITECTURE, PARAMETERS, ROWS), together.seen)


def assert_identical(parts, others):
    # Identical to the bit, although 1e-5 relative would do: each row goes through the same
    # arithmetic in a block of the same shape.
    for part, other in zip(parts, others, strict=True):
        np.testing.assert_array_equal(part, other)


@pytest.mark.parametrize("row", [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, BUFFER_ROWS, len(ROWS) - 1])
def test_a_row_alone_is_what_it_is_among_others(together, row):
    alone = outputs_of(ARCHITECTURE, PARAMETERS, ROWS[row : row + 1])
    assert_identical(alone, [part[..., row : row + 1] for part in together])


@pytest.mark.parametrize("size", [3, 100, BLOCK_ROWS, BLOCK_ROWS + 1, BUFFER_ROWS + 1])
def test_chunks_of_any_size_give_the_same(together, size):
    starts = range(0, min(len(ROWS), 10 * size), size)
    parts = [outputs_of(ARCHITECTURE, PARAMETERS, ROWS[i : i + size]) for i in starts]
    joined = [np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)]
    assert_identical(joined, [part[..., : joined[0].shape[1]] for part in together])


def test_rows_that_codes_stand_for_are_rebuilt(together):
    decoded = decoded_rows(ARCHITECTURE, PARAMETERS, together.seen[: ARCHITECTURE.n_code])
    x_hat = oracle.latent(ARCHITECTURE.named(PARAMETERS), ROWS)[1]
    np.testing.assert_allclose(decoded, x_hat, rtol=1e-4, atol=1e-5)


def test_the_order_of_rows_does_not_matter(together):
    order = np.random.default_rng(1).permutation(len(ROWS))
    shuffled = outputs_of(ARCHITECTURE, PARAMETERS, ROWS[order])
    assert_identical(shuffled, [part[..., order] for part in together])


def test_the_company_of_a_row_does_not_matter(together):
    among_strange = np.concatenate([ROWS[:5], np.full((20, 6), 1e6, np.float32)])
    result = outputs_of(ARCHITECTURE, PARAMETERS, among_strange)
    assert_identical([part[..., :5] for part in result], [part[..., :5] for part in together])


def test_no_rows_give_no_rows():
    z, gamma, error = outputs_of(ARCHITECTURE, PARAMETERS, ROWS[:0])
    assert (z.shape, gamma.shape, error.shape) == ((4, 0), (2, 0), (0,))


def test_rows_at_the_limit_of_encoding_are_finite():
    for part in outputs_of(ARCHITECTURE, PARAMETERS, np.full((2, 6), 1e6, np.float32)):
        assert np.isfinite(part).all()


def test_buffers_hold_the_rows_and_then_zeros():
    buffers = Buffers.of(ROWS)
    assert [array.shape for array in buffers.arrays] == 3 * [(BUFFER_ROWS, ROWS.shape[1])]
    whole = np.concatenate(buffers.arrays)
    np.testing.assert_array_equal(whole[: buffers.n_rows], ROWS)
    assert not whole[buffers.n_rows :].any()


def test_networks_that_share_buffers_and_run_side_by_side_are_as_alone():
    buffers = Buffers.of(ROWS)
    several = [flatten(ARCHITECTURE.build(np.random.default_rng(seed))) for seed in range(4)]
    started = [CompiledNetwork(ARCHITECTURE, parameters).start(buffers) for parameters in several]
    for finish, parameters in zip(started, several, strict=True):
        np.testing.assert_array_equal(finish(), latent_rows(ARCHITECTURE, parameters, ROWS))


def test_what_is_to_be_rebuilt_may_be_other_rows(together):
    target = ROWS[::-1].copy()
    z, _, error = outputs_of(ARCHITECTURE, PARAMETERS, ROWS, target)
    np.testing.assert_array_equal(z, together[0])
    last = oracle.latent(ARCHITECTURE.named(PARAMETERS), ROWS[-50:])[1]
    np.testing.assert_allclose(error[-50:], ((target[-50:] - last) ** 2).sum(axis=1), rtol=1e-4)
