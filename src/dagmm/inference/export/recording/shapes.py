"""Functions of shapes and places: arrays joined, turned, and parts of them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dagmm.inference.export.recording.nodes import (
    INT,
    constant,
    in_type,
    node,
    recorder_of,
    together,
)
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.recorder import RecordingError, Shape


def concatenate(arrays: Sequence[Any], axis: int = 0) -> Recorded:
    """Join arrays along an axis; those without values are left out."""
    parts = [one for one in together(arrays) if one.shape[axis] != 0]
    if len(parts) == 1:
        return parts[0]
    axis %= parts[0].ndim
    whole = 0
    for one in parts:
        size = one.shape[axis]
        if not isinstance(size, int):
            raise RecordingError("rows cannot be joined")
        whole += size
    shape = (*parts[0].shape[:axis], whole, *parts[0].shape[axis + 1 :])
    return node("Concat", parts, parts[0].dtype, shape, axis=axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Recorded:
    """Join arrays along a new axis."""
    parts = together(arrays)
    axis %= parts[0].ndim + 1
    return concatenate([_unsqueezed(one, axis) for one in parts], axis)


def squeeze(x: Recorded, axis: int) -> Recorded:
    """Leave out an axis of length 1."""
    axis %= x.ndim
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return node("Squeeze", [x, constant(x.recorder, [axis], INT)], x.dtype, shape)


def transpose(x: Recorded, axes: Sequence[int] | None = None) -> Recorded:
    """Bring axes into another order, in reverse by default."""
    order = list(range(x.ndim))[::-1] if axes is None else list(axes)
    return node("Transpose", [x], x.dtype, tuple(x.shape[i] for i in order), perm=order)


def swapaxes(x: Recorded, one: int, other: int) -> Recorded:
    """Exchange two axes."""
    order = list(range(x.ndim))
    order[one], order[other] = order[other], order[one]
    return transpose(x, order)


def reshape(x: Recorded, shape: Sequence[int | str]) -> Recorded:
    """Bring an array into another shape, with the same axis of unknown length if it has one."""
    unknown = [size for size in x.shape if isinstance(size, str)]
    if [size for size in shape if isinstance(size, str)] != unknown or len(unknown) > 1:
        raise RecordingError(f"shape {x.shape} cannot become {tuple(shape)}")
    n_values = math.prod(size for size in x.shape if isinstance(size, int))
    n_wanted = math.prod(size for size in shape if isinstance(size, int))
    whole: Shape = tuple(n_values // -n_wanted if size == -1 else size for size in shape)
    sizes = [-1 if isinstance(size, str) else size for size in whole]
    return node("Reshape", [x, constant(x.recorder, sizes, INT)], x.dtype, whole)


def take(x: Any, indices: Any, axis: int | None = None) -> Recorded:
    """Values at places along an axis; of all values in a row where there is none."""
    recorder = recorder_of(x, indices)
    values, places = in_type(x, x.dtype, recorder), in_type(indices, INT, recorder)
    if axis is None:
        values, axis = (values if values.ndim == 1 else reshape(values, (-1,))), 0
    axis %= values.ndim
    shape = (*values.shape[:axis], *places.shape, *values.shape[axis + 1 :])
    return node("Gather", [values, places], values.dtype, shape, axis=axis)


def part_of(x: Recorded, key: Any) -> Recorded:
    """``x[key]``: by slices, numbers, new axes, and places along an axis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    n_axes = sum(one is not None and one is not Ellipsis for one in keys)
    place = next((i for i, one in enumerate(keys) if one is Ellipsis), len(keys))
    keys[place : place + 1] = [slice(None)] * (x.ndim - n_axes)
    axis = 0
    for one in keys:
        if one is None:
            x = _unsqueezed(x, axis)
        elif isinstance(one, slice):
            x = _sliced(x, one, axis)
        elif isinstance(one, int | np.integer):
            x = take(x, np.int64(one), axis)
            continue  # its axis is gone
        elif isinstance(one, np.ndarray) and one.ndim == 1 and one.dtype.kind == "i":
            x = take(x, one, axis)
        else:
            raise RecordingError(f"a part by {type(one).__name__} cannot be recorded")
        axis += 1
    return x


def _unsqueezed(x: Recorded, axis: int) -> Recorded:
    shape = (*x.shape[:axis], 1, *x.shape[axis:])
    return node("Unsqueeze", [x, constant(x.recorder, [axis], INT)], x.dtype, shape)


def _sliced(x: Recorded, part: slice, axis: int) -> Recorded:
    size = x.shape[axis]
    if part == slice(None):
        return x
    if not isinstance(size, int):
        raise RecordingError("some of the rows cannot be taken")
    start, stop, step = part.indices(size)
    if (start, stop, step) == (0, size, 1):
        return x
    shape = (*x.shape[:axis], len(range(start, stop, step)), *x.shape[axis + 1 :])
    bounds = [constant(x.recorder, [one], INT) for one in (start, stop, axis, step)]
    return node("Slice", [x, *bounds], x.dtype, shape)
