"""The floor of speed: the matrix products of the network alone, with JAX, and nothing else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import jax
import joblib
import numpy as np

from dagmm._core.compilation import compiled

#: Rows of a block in scoring.
BLOCK = 512


def _weights(features: int, code: tuple[int, ...], components: tuple[int, ...]) -> list[Any]:
    """Matrices of the compression network and of the estimation network."""
    rng = np.random.default_rng(0)
    there = (features, *code)
    chains = ((*there, *there[-2::-1]), (code[-1] + 2, *components))
    return [
        [
            rng.normal(0.0, (2.0 / (i + o)) ** 0.5, (o, i)).astype(np.float32)
            for i, o in pairwise(chain)
        ]
        for chain in chains
    ]


def _forward(weights: list[Any], x: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    for weight in weights[0]:
        x = weight @ x
    for weight in weights[1]:
        z = weight @ z
    return x, z


def training(
    features: int,
    code: tuple[int, ...],
    components: tuple[int, ...],
    batch: int,
    steps: int,
    members: int,
) -> Callable[[], Any]:
    """Forward and backward products of some steps; members run in threads on all cores."""
    weights = _weights(features, code, components)
    rng = np.random.default_rng(1)
    x = jax.device_put(rng.normal(size=(features, batch)).astype(np.float32))
    z = jax.device_put(rng.normal(size=(code[-1] + 2, batch)).astype(np.float32))

    def loss(weights: list[Any]) -> jax.Array:
        return sum((y * y).sum() for y in _forward(weights, x, z))

    def run(weights: list[Any]) -> list[Any]:
        # Weights move, as each step must differ from the one before to be computed at all.
        def step(weights: list[Any], _: None) -> tuple[list[Any], None]:
            gradient = jax.grad(loss)(weights)
            return jax.tree.map(lambda w, g: w - 1e-9 * g, weights, gradient), None

        return jax.lax.scan(step, weights, length=steps)[0]

    program = compiled(run)

    def member(_: int) -> None:
        jax.block_until_ready(program(weights))

    def go() -> None:
        if members == 1:
            return member(0)
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            list(pool.map(member, range(members)))
        return None

    return go


def scoring(
    features: int, code: tuple[int, ...], components: tuple[int, ...], rows: np.ndarray
) -> Callable[[], Any]:
    """Forward products of all rows in blocks, in threads on all cores."""
    weights = jax.device_put(_weights(features, code, components))
    program = compiled(lambda w, block, z: _forward(w, block.T, z))
    z = jax.device_put(np.ones((code[-1] + 2, BLOCK), np.float32))

    def part(start: int) -> None:
        stop = min(start + 16 * BLOCK, len(rows) - BLOCK + 1)
        results = [program(weights, rows[i : i + BLOCK], z) for i in range(start, stop, BLOCK)]
        jax.block_until_ready(results)

    def go() -> None:
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            list(pool.map(part, range(0, len(rows), 16 * BLOCK)))

    return go
