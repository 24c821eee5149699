"""Functions along axes: sums, extremes, products of matrices."""

from typing import Any

import numpy as np

from dagmm.inference.export.recording.elementwise import greater, logical_not
from dagmm.inference.export.recording.nodes import (
    INT,
    astype,
    broadcast,
    constant,
    node,
    together,
)
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.recorder import RecordingError, Shape


def _reduced(operator: str, x: Recorded, axis: int | None, keepdims: bool) -> Recorded:
    axes = list(range(x.ndim)) if axis is None else [axis % x.ndim]
    shape: Shape = tuple(
        1 if i in axes else size for i, size in enumerate(x.shape) if keepdims or i not in axes
    )
    along = constant(x.recorder, axes, INT)
    return node(operator, [x, along], x.dtype, shape, keepdims=int(keepdims))


def sum_of(x: Recorded, axis: int | None = None, *, keepdims: bool = False) -> Recorded:
    """Sum over an axis; flags are counted."""
    counted = astype(x, np.result_type(x.dtype, 1))
    return _reduced("ReduceSum", counted, axis, keepdims)


def max_of(x: Recorded, axis: int | None = None, *, keepdims: bool = False) -> Recorded:
    """Maximum over an axis."""
    return _reduced("ReduceMax", x, axis, keepdims)


def min_of(x: Recorded, axis: int | None = None, *, keepdims: bool = False) -> Recorded:
    """Minimum over an axis."""
    return _reduced("ReduceMin", x, axis, keepdims)


def any_of(x: Recorded, axis: int | None = None, *, keepdims: bool = False) -> Recorded:
    """Whether any flag is set along an axis."""
    return greater(sum_of(x, axis, keepdims=keepdims), 0)


def all_of(x: Recorded, axis: int | None = None, *, keepdims: bool = False) -> Recorded:
    """Whether all flags are set along an axis."""
    return logical_not(any_of(logical_not(x), axis, keepdims=keepdims))


def matmul(x: Any, y: Any) -> Recorded:
    """Product of matrices, which may be stacked."""
    a, b = together((x, y))
    if a.shape[-1] != b.shape[-2]:
        raise RecordingError(f"matrices of shapes {a.shape} and {b.shape} have no product")
    stacked = broadcast(a.shape[:-2], b.shape[:-2]) if a.ndim + b.ndim > 4 else ()
    return node("MatMul", [a, b], a.dtype, (*stacked, a.shape[-2], b.shape[-1]))
