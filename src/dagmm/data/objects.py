"""Columns of Python objects, which pandas has: what they hold, and each value as text.

A column has one type for all of its values, but the text of a value is that of this value alone: a
row says the same by itself as among others.
"""

import decimal
import numbers
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.base import text_of_numbers

_DECIMALS = pa.Decimal128Type | pa.Decimal256Type
_NUMBERS = (numbers.Real, decimal.Decimal, np.bool_)
#: Values that are no cells of a table, although they have a text.
_NOT_CELLS = (list, tuple, dict, set, frozenset, bytes, bytearray, memoryview, np.ndarray, complex)


@dataclass(frozen=True)
class ObjectColumn:
    """A column of Python objects.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), object
        None in holes.
    typed : pyarrow.Array
        All values in the one type that holds them; text where they are of several types.
    """

    values: np.ndarray
    typed: pa.Array

    @classmethod
    def of(cls, name: str, values: Sequence[object]) -> "ObjectColumn":
        """Find the type of a column's values; None is a hole.

        Raises
        ------
        InputError
            Naming column and row of the first value that no model can use.
        """
        array = np.empty(len(values), object)
        array[:] = values
        present = array[[value is not None for value in values]]
        types = set(map(type, present))
        for kind in types:
            if issubclass(kind, _NOT_CELLS) or _has_no_text(kind):
                row = next(i for i, value in enumerate(values) if type(value) is kind)
                raise InputError(
                    f"column {name!r} holds a value of type {kind.__name__} in row {row}; "
                    "expected numbers, booleans, text or dates. Convert it, or leave it out."
                )
        return cls(array, _typed(array, types))

    def take(self, index: slice | np.ndarray) -> "ObjectColumn":
        """Return some rows."""
        index = np.arange(len(self.values))[index]
        return ObjectColumn(self.values[index], self.typed.take(pa.array(index)))

    def texts(self) -> pa.Array:
        """Return each value as text, by itself; a hole is null."""
        if pa.types.is_string(self.typed.type):
            return self.typed
        texts = np.empty(len(self.values), object)
        floats = [i for i, value in enumerate(self.values) if _is_float(value)]
        written = text_of_numbers(np.array([_float_of(self.values[i]) for i in floats], float))
        texts[floats] = written.to_pylist()
        for i, value in enumerate(self.values):
            if value is not None and not _is_float(value):
                texts[i] = _text_of(value)
        return pa.array(texts, pa.string())


def _has_no_text(kind: type) -> bool:
    """Whether values of a type are told apart by their place in memory alone."""
    return (vars(object)["__str__"], vars(object)["__repr__"]) == (kind.__str__, kind.__repr__)


def _typed(values: np.ndarray, types: set[type]) -> pa.Array:
    try:
        typed = pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, UnicodeEncodeError):
        typed = None
    if typed is not None and not isinstance(typed.type, pa.BaseExtensionType | _DECIMALS):
        return typed
    # Arrow has no type for them that can be computed with.
    if types and all(issubclass(kind, _NUMBERS) for kind in types):
        floats = [None if value is None else _float_of(value) for value in values]
        return pa.array(floats, pa.float64())
    # Of several types at once: text is what all of them can be.
    return ObjectColumn(values, pa.nulls(len(values))).texts()


def _is_float(value: object) -> bool:
    is_number = isinstance(value, _NUMBERS)
    return is_number and not isinstance(value, numbers.Integral | np.bool_)


def _float_of(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:  # a whole number or a fraction beyond all floats
        return float("inf") if value > 0 else float("-inf")  # type: ignore[operator]


def _text_of(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()  # as Arrow writes it
    # Half of a surrogate pair is no character, and has no UTF-8.
    return str(value).encode("utf-8", "backslashreplace").decode()
