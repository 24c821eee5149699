"""What compiled networks run on, and how they run side by side."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from dagmm._core.numerics import Array
from dagmm.inference.chunks import BLOCK_ROWS, BUFFER_BLOCKS
from dagmm.inference.compiled import Buffers, CompiledNetwork
from dagmm.inference.forward import latent_rows
from dagmm.networks.network import flatten
from small_tables import ARCHITECTURE as DENSE
from small_tables import correlated_rows


def own(x: Array) -> Array:
    return jnp.tanh(x)


ARCHITECTURE = replace(DENSE, comp_activation=own)
BUFFER_ROWS = BLOCK_ROWS * BUFFER_BLOCKS
ROWS = correlated_rows(n_rows=2 * BUFFER_ROWS + BLOCK_ROWS + 13)


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
