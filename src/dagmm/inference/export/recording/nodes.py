"""What operations are made of: constants, nodes, and operands brought together."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.recorder import Recorder, RecordingError, Shape

BOOL, INT, FLOAT = np.dtype(np.bool), np.dtype(np.int64), np.dtype(np.float64)


def constant(recorder: Recorder, value: Any, dtype: Any = None) -> Recorded:
    """Return a constant as an array."""
    return Recorded(recorder, recorder.constant(np.asarray(value, dtype)))


def node(
    operator: str,
    inputs: Sequence[Recorded],
    dtype: Any,
    shape: Shape,
    domain: str = "",
    **attributes: Any,
) -> Recorded:
    """Record a node that makes one array."""
    recorder = inputs[0].recorder
    names = [one.value.name for one in inputs]
    (made,) = recorder.node(operator, names, [(np.dtype(dtype), shape)], domain, **attributes)
    return Recorded(recorder, made)


def astype(x: Recorded, dtype: Any) -> Recorded:
    """Return an array in another type."""
    if x.dtype == np.dtype(dtype):
        return x
    return node("Cast", [x], dtype, x.shape, to=np.dtype(dtype))


def in_type(operand: Any, dtype: Any, recorder: Recorder) -> Recorded:
    """Return an operand, a number of Python among them, as an array of a type."""
    if isinstance(operand, Recorded):
        return astype(operand, dtype)
    return constant(recorder, operand, dtype)


def recorder_of(*operands: Any) -> Recorder:
    """Return the recorder of the first operand that has one."""
    return next(one.recorder for one in operands if isinstance(one, Recorded))


def common_type(*operands: Any) -> np.dtype[Any]:
    """Return the type that operands have together, as NumPy has it."""
    return np.result_type(*(getattr(one, "dtype", one) for one in operands))


def together(operands: Sequence[Any], dtype: Any = None) -> list[Recorded]:
    """Return operands as arrays of one type."""
    recorder, dtype = recorder_of(*operands), dtype or common_type(*operands)
    return [in_type(one, dtype, recorder) for one in operands]


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that arrays of some shapes have together.

    Raises
    ------
    RecordingError
        If there is none.
    """
    ndim = max(map(len, shapes))
    joined: list[int | str] = []
    for sizes in zip(*((1,) * (ndim - len(one)) + one for one in shapes), strict=True):
        wide = {size for size in sizes if size != 1}
        if len(wide) > 1:
            raise RecordingError(f"shapes {' and '.join(map(str, shapes))} do not fit each other")
        joined.append(wide.pop() if wide else 1)
    return tuple(joined)
