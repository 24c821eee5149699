"""Functions that take arrays value by value, under NumPy's names and with its types.

ONNX Runtime has no Erf and no Softplus of doubles; nothing here needs them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dagmm.inference.export.recording.nodes import (
    BOOL,
    FLOAT,
    INT,
    broadcast,
    common_type,
    in_type,
    node,
    recorder_of,
    together,
)
from dagmm.inference.export.recording.recorded import Recorded


def _function(operator: str, *, gives: Any = None, takes: Any = None) -> Callable[..., Recorded]:
    """Return the function of an operator.

    Parameters
    ----------
    operator : str
    gives : numpy.dtype, optional
        Type of its values, where it is not that of the operands.
    takes : numpy.dtype, optional
        Type that operands are brought to; FLOAT leaves float32 as it is.
    """

    def function(*operands: Any) -> Recorded:
        is_float = common_type(*operands).kind == "f"
        arrays = together(operands, None if takes is FLOAT and is_float else takes)
        shape = broadcast(*(one.shape for one in arrays))
        return node(operator, arrays, gives or arrays[0].dtype, shape)

    return function


add = _function("Add")
subtract = _function("Sub")
multiply = _function("Mul")
divide = _function("Div", takes=FLOAT)
maximum = _function("Max")
minimum = _function("Min")
negative = _function("Neg")
absolute = _function("Abs")
exp = _function("Exp", takes=FLOAT)
log = _function("Log", takes=FLOAT)
sqrt = _function("Sqrt", takes=FLOAT)
tanh = _function("Tanh", takes=FLOAT)
sin = _function("Sin", takes=FLOAT)
cos = _function("Cos", takes=FLOAT)
floor = _function("Floor", takes=FLOAT)
less = _function("Less", gives=BOOL)
less_equal = _function("LessOrEqual", gives=BOOL)
greater = _function("Greater", gives=BOOL)
greater_equal = _function("GreaterOrEqual", gives=BOOL)
equal = _function("Equal", gives=BOOL)
isnan = _function("IsNaN", gives=BOOL)
isinf = _function("IsInf", gives=BOOL)
logical_and = _function("And", takes=BOOL)
logical_or = _function("Or", takes=BOOL)
logical_not = _function("Not", takes=BOOL)


def not_equal(x: Any, y: Any) -> Recorded:
    """``x != y``."""
    return logical_not(equal(x, y))


def isfinite(x: Recorded) -> Recorded:
    """Whether each value is neither infinite nor NaN."""
    return logical_not(logical_or(isnan(x), isinf(x)))


def square(x: Recorded) -> Recorded:
    """``x * x``."""
    return multiply(x, x)


def power(x: Any, exponent: Any) -> Recorded:
    """``x ** exponent``; a square as a product, which is exact."""
    if isinstance(exponent, int | float) and exponent == 2:
        return square(x)
    arrays = together((x, exponent))
    return node("Pow", arrays, arrays[0].dtype, broadcast(*(one.shape for one in arrays)))


def remainder(x: Any, divisor: Any) -> Recorded:
    """Return what is left of a division, with the divisor's sign."""
    return subtract(x, multiply(floor(divide(x, divisor)), divisor))


def log1p(x: Recorded) -> Recorded:
    """``log(1 + x)``, also of small values (Higham, Accuracy and Stability, 2002, 1.14.1)."""
    u = add(1.0, x)
    of_small = equal(u, 1.0)
    quotient = divide(multiply(log(u), x), subtract(where(of_small, 2.0, u), 1.0))
    return where(of_small, x, where(isinf(u), u, quotient))


def expm1(x: Recorded) -> Recorded:
    """``exp(x) - 1``, also of small values."""
    return multiply(tanh(multiply(0.5, x)), add(exp(x), 1.0))


def logaddexp(x: Any, y: Any) -> Recorded:
    """``log(exp(x) + exp(y))`` without overflow."""
    return add(maximum(x, y), log1p(exp(negative(absolute(subtract(x, y))))))


def ldexp(x: Any, exponent: Any) -> Recorded:
    """``x * 2**exponent``, in two steps: one power alone may overflow."""
    half = np.asarray(exponent) // 2
    first, second = np.ldexp(1.0, half), np.ldexp(1.0, np.asarray(exponent) - half)
    return multiply(multiply(x, first), second)


def clip(x: Recorded, low: Any, high: Any) -> Recorded:
    """Limit values."""
    return minimum(maximum(x, low), high)


def where(condition: Any, x: Any, y: Any) -> Recorded:
    """Values of x where a condition holds, else of y."""
    recorder, dtype = recorder_of(condition, x, y), common_type(x, y)
    chosen = [in_type(one, dtype, recorder) for one in (x, y)]
    arrays = [in_type(condition, BOOL, recorder), *chosen]
    return node("Where", arrays, dtype, broadcast(*(one.shape for one in arrays)))


def nan_to_num(
    x: Recorded, copy: bool = True, *, nan: float, posinf: float, neginf: float
) -> Recorded:
    """Numbers in place of NaN and of what is infinite."""
    number = x.dtype.type
    beyond = where(greater(x, 0.0), number(posinf), number(neginf))
    return where(isnan(x), number(nan), where(isinf(x), beyond, x))


def zeros_like(x: Recorded) -> Recorded:
    """Zeros in the shape of an array."""
    shape = node("Shape", [x], INT, (x.ndim,))
    return node("ConstantOfShape", [shape], x.dtype, x.shape, value=np.zeros(1, x.dtype))


def ones_like(x: Recorded) -> Recorded:
    """Ones in the shape of an array."""
    shape = node("Shape", [x], INT, (x.ndim,))
    return node("ConstantOfShape", [shape], x.dtype, x.shape, value=np.ones(1, x.dtype))
