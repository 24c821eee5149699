"""Places of values among knots; in halves, as ONNX has no operator for it."""

from typing import Any

import numpy as np

from dagmm.inference.export.recording.elementwise import (
    add,
    greater,
    greater_equal,
    minimum,
    multiply,
    subtract,
)
from dagmm.inference.export.recording.nodes import INT, astype
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.shapes import take


def searchsorted(knots: np.ndarray, x: Recorded, side: str = "left") -> Recorded:
    """Count the knots, in ascending order, below each value, with ``"right"`` those at it too."""
    n_steps = len(knots).bit_length()
    padded = np.full(2**n_steps - 1, np.inf, knots.dtype)
    padded[: len(knots)] = knots
    is_above = greater_equal if side == "right" else greater
    place = astype(is_above(x, padded[2 ** (n_steps - 1) - 1]), INT)
    for i in reversed(range(n_steps - 1)):
        middle = take(padded[2**i - 1 :: 2 ** (i + 1)], place)
        place = add(multiply(2, place), is_above(x, middle))
    return minimum(place, len(knots))


def interp(x: Recorded, xp: np.ndarray, fp: np.ndarray) -> Recorded:
    """Height at each value of the line through some knots, which is level beyond them."""
    place = searchsorted(xp, x, "right")
    at, to = (np.concatenate([knots[:1], knots]) for knots in (xp, fp))
    slope: Any = np.concatenate([[0.0], np.diff(fp) / np.diff(xp), [0.0]])
    return add(multiply(subtract(x, take(at, place)), take(slope, place)), take(to, place))
