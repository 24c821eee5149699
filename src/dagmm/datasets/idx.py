"""IDX files, the format of MNIST: one array of any shape, gzipped or not."""

import math
import os
import struct

import numpy as np

from dagmm._core.errors import InputError
from dagmm.data.file_bytes import named, read_bytes

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_EXPECTED = "an IDX file, such as train-images-idx3-ubyte.gz"


def idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an IDX file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ndarray
        Shape and type as in the file: images are of shape (n, height, width), uint8, labels of
        shape (n,), uint8.

    Raises
    ------
    InputError
        If the file is missing, something else, or cut short.

    Examples
    --------
    >>> from dagmm.datasets import idx
    >>> images = idx("train-images-idx3-ubyte.gz")  # doctest: +SKIP
    """
    data = read_bytes(path, _EXPECTED)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES or not data[3]:
        raise InputError(f"{named(path)} begins with {data[:4]!r}; expected {_EXPECTED}.")
    dtype, n_axes = np.dtype(_TYPES[data[2]]), data[3]
    start = 4 + 4 * n_axes
    if len(data) < start:
        raise InputError(f"{named(path)} ends in its header; copy it again.")
    shape = struct.unpack(f">{n_axes}I", data[4:start])
    wanted = start + math.prod(shape) * dtype.itemsize
    if len(data) != wanted:
        raise InputError(
            f"{named(path)} has {len(data)} bytes, but an array of shape {shape} needs {wanted}; "
            "copy it again."
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
