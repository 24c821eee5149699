"""Networks in plain arrays, and those that JAX compiles, whose function is somebody's own."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm._core.blocks import BLOCK_ROWS as DENSE_ROWS
from dagmm._core.numerics import Array
from dagmm.inference.chunks import BLOCK_ROWS, BUFFER_BLOCKS
from dagmm.inference.forward import (
    DenseNetworks,
    blocks_of,
    decoded_rows,
    latent_rows,
    outputs_of,
)
from dagmm.networks.network import flatten
from small_tables import ARCHITECTURE, correlated_rows

PARAMETERS = flatten(ARCHITECTURE.build(np.random.default_rng(0)))
BUFFER_ROWS = BLOCK_ROWS * BUFFER_BLOCKS
ROWS = correlated_rows(n_rows=2 * BUFFER_ROWS + BLOCK_ROWS + 13)


def own(x: Array) -> Array:
    return jnp.tanh(x)


#: The second computes the same as the first, by a function of somebody's own.
KINDS = {"dense": ARCHITECTURE, "compiled": replace(ARCHITECTURE, comp_activation=own)}


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def together(kind):
    return outputs_of(kind, PARAMETERS, ROWS)


def test_one_kind_is_compiled():
    assert [kind.is_compiled for kind in KINDS.values()] == [False, True]


def test_it_is_the_network_without_dropout(together, kind):
    some = slice(None, None, 50)
    named = kind.named(PARAMETERS)
    z, x_hat = oracle.latent(named, ROWS[some])
    np.testing.assert_allclose(together[0][:, some].T, z, rtol=1e-4, atol=1e-5)
    gamma = oracle.memberships(named, z)
    np.testing.assert_allclose(together[1][:, some].T, gamma, rtol=1e-4, atol=1e-5)
    error = ((ROWS[some] - x_hat) ** 2).sum(axis=1)
    np.testing.assert_allclose(together[2][some], error, rtol=1e-4)
    assert {part.dtype for part in together} == {np.dtype(np.float32)}


def test_z_alone_is_that_of_all_outputs(together, kind):
    np.testing.assert_array_equal(latent_rows(kind, PARAMETERS, ROWS), together.seen)


def assert_identical(parts, others):
    # Identical to the bit, although 1e-5 relative would do: each row goes through the same
    # arithmetic in a block of the same shape.
    for part, other in zip(parts, others, strict=True):
        np.testing.assert_array_equal(part, other)


@pytest.mark.parametrize(
    "row",
    [0, 1, DENSE_ROWS - 1, DENSE_ROWS, BLOCK_ROWS - 1, BLOCK_ROWS, BUFFER_ROWS, len(ROWS) - 1],
)
def test_a_row_alone_is_what_it_is_among_others(together, kind, row):
    alone = outputs_of(kind, PARAMETERS, ROWS[row : row + 1])
    assert_identical(alone, [part[..., row : row + 1] for part in together])


@pytest.mark.parametrize(
    "size", [3, DENSE_ROWS + 1, 100, BLOCK_ROWS, BLOCK_ROWS + 1, BUFFER_ROWS + 1]
)
def test_chunks_of_any_size_give_the_same(together, kind, size):
    starts = range(0, min(len(ROWS), 10 * size), size)
    parts = [outputs_of(kind, PARAMETERS, ROWS[i : i + size]) for i in starts]
    joined = [np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)]
    assert_identical(joined, [part[..., : joined[0].shape[1]] for part in together])


def test_the_order_of_rows_does_not_matter(together, kind):
    order = np.random.default_rng(1).permutation(len(ROWS))
    shuffled = outputs_of(kind, PARAMETERS, ROWS[order])
    assert_identical(shuffled, [part[..., order] for part in together])


def test_the_company_of_a_row_does_not_matter(together, kind):
    among_strange = np.concatenate([ROWS[:5], np.full((20, 6), 1e6, np.float32)])
    result = outputs_of(kind, PARAMETERS, among_strange)
    assert_identical([part[..., :5] for part in result], [part[..., :5] for part in together])


def test_no_rows_give_no_rows(kind):
    z, gamma, error = outputs_of(kind, PARAMETERS, ROWS[:0])
    assert (z.shape, gamma.shape, error.shape) == ((4, 0), (2, 0), (0,))


def test_rows_at_the_limit_of_encoding_are_finite(kind):
    for part in outputs_of(kind, PARAMETERS, np.full((2, 6), 1e6, np.float32)):
        assert np.isfinite(part).all()


def test_networks_that_run_as_one_are_as_alone():
    several = [flatten(ARCHITECTURE.build(np.random.default_rng(seed))) for seed in range(4)]
    together = DenseNetworks(ARCHITECTURE, several)
    others = correlated_rows(n_rows=len(ROWS), seed=3)
    blocks = {id(rows): blocks_of(rows.T) for rows in (ROWS, others)}
    for rows in (4 * [ROWS], 2 * [ROWS, others]):
        seen = together.seen([blocks[id(one)] for one in rows], len(ROWS))
        for found, parameters, one in zip(seen, several, rows, strict=True):
            np.testing.assert_array_equal(found, latent_rows(ARCHITECTURE, parameters, one))


def test_rows_that_codes_stand_for_are_rebuilt(together, kind):
    decoded = decoded_rows(kind, PARAMETERS, together.seen[: kind.n_code])
    x_hat = oracle.latent(kind.named(PARAMETERS), ROWS)[1]
    np.testing.assert_allclose(decoded, x_hat, rtol=1e-4, atol=1e-5)
    nothing = np.empty((kind.n_code, 0), np.float32)
    assert decoded_rows(kind, PARAMETERS, nothing).shape == (0, kind.n_features)


def test_what_is_to_be_rebuilt_may_be_other_rows(together, kind):
    target = ROWS[::-1].copy()
    z, _, error = outputs_of(kind, PARAMETERS, ROWS, target)
    np.testing.assert_array_equal(z, together[0])
    last = oracle.latent(kind.named(PARAMETERS), ROWS[-50:])[1]
    np.testing.assert_allclose(error[-50:], ((target[-50:] - last) ** 2).sum(axis=1), rtol=1e-4)
