"""Tensors of the Open Inference Protocol: as JSON, or as bytes after it.

The binary tensor data extension is that of KServe and Triton: little-endian, row by row; of BYTES,
each element follows its length, an unsigned integer of four bytes.
"""

import math
import struct
from typing import Any, NamedTuple

import numpy as np

from dagmm._core.errors import InputError

#: Data types by their names; BYTES hold text.
DTYPES: dict[str, np.dtype[Any]] = {
    **{"BOOL": np.dtype("?"), "FP16": np.dtype("<f2")},
    **{"FP32": np.dtype("<f4"), "FP64": np.dtype("<f8")},
    **{f"INT{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
}
BYTES = "BYTES"
_MOST_DIMENSIONS = 2
_SIZE = struct.Struct("<I")


class Tensor(NamedTuple):
    """An input.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Of one or two dimensions.
    values : list or ndarray
        Of as many elements as the shape says, row by row; None where there is no value.
    """

    name: str
    shape: tuple[int, ...]
    values: list[Any] | np.ndarray

    @property
    def n_rows(self) -> int:
        """Length of the first dimension."""
        return self.shape[0]

    @property
    def n_columns(self) -> int:
        """Length of the second dimension; 1 where there is none."""
        return self.shape[1] if len(self.shape) > 1 else 1


class BinaryInput:
    """The bytes after the JSON of a request, taken one tensor after another.

    Parameters
    ----------
    data : bytes
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, size: int, tensor: str) -> bytes:
        """Return the next bytes.

        Raises
        ------
        InputError
        """
        left = len(self._data) - self._place
        if size > left:
            raise InputError(
                f"input {tensor!r} has {size} bytes (binary_data_size), and {left} are left in "
                "the request."
            )
        self._place += size
        return self._data[self._place - size : self._place]

    def check_end(self) -> None:
        """Check that nothing is left.

        Raises
        ------
        InputError
        """
        left = len(self._data) - self._place
        if left:
            raise InputError(f"the request has {left} bytes after its last binary input.")


def read_tensor(given: Any, place: int, binary: BinaryInput) -> Tensor:
    """Check an input and read its values.

    Parameters
    ----------
    given : object
        What the request says of it.
    place : int
        Among the inputs.
    binary : BinaryInput

    Raises
    ------
    InputError
        Saying what was expected.
    """
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise InputError(f"inputs[{place}] must be an object with a 'name'.")
    name, dtype = given["name"], given.get("datatype")
    if not isinstance(dtype, str) or dtype not in (*DTYPES, BYTES):
        raise InputError(
            f"input {name!r}: datatype must be one of {', '.join((*DTYPES, BYTES))}, got "
            f"{_short(dtype)}."
        )
    shape = _shape(given.get("shape"), name)
    size = _binary_size(given.get("parameters"), name)
    if size is None:
        return Tensor(name, shape, _json_values(given.get("data"), dtype, shape, name))
    if "data" in given:
        raise InputError(f"input {name!r} has both 'data' and 'binary_data_size'.")
    return Tensor(name, shape, _binary_values(binary.take(size, name), dtype, shape, name))


def _shape(shape: Any, name: str) -> tuple[int, ...]:
    is_shape = isinstance(shape, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**31 for one in shape
    )
    if not is_shape or not 1 <= len(shape) <= _MOST_DIMENSIONS:
        raise InputError(
            f"input {name!r}: shape must be [rows] or [rows, columns], got {_short(shape)}."
        )
    return tuple(shape)


def _binary_size(parameters: Any, name: str) -> int | None:
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        raise InputError(f"input {name!r}: parameters must be an object.")
    size = parameters.get("binary_data_size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise InputError(f"input {name!r}: binary_data_size must be a number of bytes.")
    return size


def _json_values(data: Any, dtype: str, shape: tuple[int, ...], name: str) -> list[Any]:
    if not isinstance(data, list):
        raise InputError(f"input {name!r}: data must be a list, got {_short(data)}.")
    values = data
    if any(isinstance(one, list) for one in data):
        if len(shape) < _MOST_DIMENSIONS or not all(isinstance(one, list) for one in data):
            raise InputError(f"input {name!r}: data must be a flat list, or one of rows.")
        values = [value for row in data for value in row]
    _check_length(len(values), shape, name)
    kind: tuple[type, ...] = (int, float)
    kind = (bool,) if dtype == "BOOL" else (str,) if dtype == BYTES else kind
    for i, value in enumerate(values):
        is_odd = isinstance(value, bool) and dtype != "BOOL"
        if value is not None and (is_odd or not isinstance(value, kind)):
            raise InputError(
                f"input {name!r}: element {i} is {_short(value)}; expected {dtype}, or null where "
                "there is no value."
            )
    return values


def _binary_values(
    data: bytes, dtype: str, shape: tuple[int, ...], name: str
) -> list[Any] | np.ndarray:
    if dtype == BYTES:
        texts = _texts(data, name)
        _check_length(len(texts), shape, name)
        return texts
    itemsize = DTYPES[dtype].itemsize
    if len(data) != math.prod(shape) * itemsize:
        raise InputError(
            f"input {name!r} has {len(data)} bytes; {dtype} of shape {list(shape)} has "
            f"{math.prod(shape) * itemsize}."
        )
    values = np.frombuffer(data, DTYPES[dtype])
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _texts(data: bytes, name: str) -> list[str]:
    texts: list[str] = []
    place = 0
    while place < len(data):
        if place + _SIZE.size > len(data):
            raise InputError(f"input {name!r}: element {len(texts)} has no length.")
        (size,) = _SIZE.unpack_from(data, place)
        place += _SIZE.size
        text = data[place : place + size]
        if len(text) < size:
            raise InputError(f"input {name!r}: element {len(texts)} is cut short.")
        try:
            texts.append(text.decode())
        except UnicodeDecodeError as error:
            raise InputError(f"input {name!r}: element {len(texts)} is not UTF-8.") from error
        place += size
    return texts


def _check_length(n_values: int, shape: tuple[int, ...], name: str) -> None:
    if n_values != math.prod(shape):
        raise InputError(
            f"input {name!r} has {n_values} elements; its shape {list(shape)} has "
            f"{math.prod(shape)}."
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."
