"""A fully connected layer over a block of rows."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm._core.trees import tree

#: Draws one parameter array of a given shape, float32.
Initializer: TypeAlias = Callable[[tuple[int, ...]], np.ndarray]


def glorot(rng: np.random.Generator) -> Initializer:
    """Weights uniform as Glorot and Bengio (2010), biases zero.

    Drawn with NumPy: drawing with JAX would compile one program for each shape.
    """

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        limit = np.sqrt(6.0 / sum(shape)) if len(shape) > 1 else 0.0
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    return draw


def blank(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros that take no memory, for when only a network's shapes are wanted."""
    return np.broadcast_to(np.float32(0.0), shape)


@tree
class Dense:
    """``weight @ x + bias`` for a block whose rows lie along the last axis.

    Inside the compiled programs the long axis is the last one: vector instructions then run
    along rows, which makes a training step about 1.6 times as fast on a CPU. Layers of several
    networks may be stacked along leading axes, as may blocks.
    """

    weight: Float[Array, "*networks out_size in_size"]
    bias: Float[Array, "*networks out_size"]

    @classmethod
    def drawn(cls, in_size: int, out_size: int, *, init: Initializer) -> "Dense":
        """Draw a new layer."""
        return cls(init((out_size, in_size)), init((out_size,)))

    def __call__(
        self, x: Float[Array, "... in_size n_rows"]
    ) -> Float[Array, "... out_size n_rows"]:
        """Apply the layer to each row."""
        y: Any = self.weight @ x
        y += self.bias[..., None]  # in place, where arrays can be changed
        return y


def dense_stack(sizes: tuple[int, ...], *, init: Initializer) -> tuple[Dense, ...]:
    """One layer between each two neighbouring sizes."""
    return tuple(Dense.drawn(i, o, init=init) for i, o in pairwise(sizes))
