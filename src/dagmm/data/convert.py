"""Rows of whatever a user passes, and results as what came."""

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import numpy as np

from dagmm._core.errors import InputError
from dagmm.data.arrays import MatrixRows, array_of, as_numbers
from dagmm.data.base import Rows
from dagmm.data.frames import FrameRows, frame_of, library_of, with_index
from dagmm.data.images import image_rows
from dagmm.data.paths import stored_rows


def as_rows(table: object, argument: str = "X", columns: Iterable[str] = ()) -> Rows:
    """Rows of whatever a user passes: a DataFrame, an array, nested lists, images, a path.

    Parameters
    ----------
    table : object
    argument : str
        What messages call it.
    columns : iterable of str
        Columns that may stand in the index of a pandas table; see :func:`with_index`.

    Raises
    ------
    InputError
        If it is not a table of numbers, or a DataFrame with text among them, or the path of a
        table that can be read.
    """
    if isinstance(table, Rows):
        return table
    images = image_rows(table)
    if images is not None:
        return images
    # Whether something is a frame takes as long to find out as an array's row to be scored.
    is_array = isinstance(table, np.ndarray)
    frame = None if is_array else frame_of(with_index(table, columns))
    if frame is not None:
        return FrameRows(frame)
    stored = stored_rows(table)
    if stored is not None:
        return stored
    values = array_of(table, argument)
    if values.ndim != 2:
        raise InputError(
            f"{argument} must be a table of shape (n_rows, n_columns), "
            f"got an array of shape {values.shape}."
        )
    return MatrixRows(as_numbers(values, argument))


def table_like(table: object, columns: dict[str, np.ndarray]) -> Any:
    """Return columns as a table of the library that another table comes from.

    Parameters
    ----------
    table : object
        What a user passed; pandas' index is kept.
    columns : dict of str to ndarray of shape (n_rows,)

    Returns
    -------
    DataFrame or ndarray of shape (n_rows,)
        A structured array where ``table`` is no DataFrame.
    """
    library = library_of(table)
    if library is None:
        first = next(iter(columns.values()))
        made = np.empty(len(first), [(name, values.dtype) for name, values in columns.items()])
        for name, values in columns.items():
            made[name] = values
        return made
    native: Any = nw.from_dict(columns, backend=library).to_native()
    index = getattr(table, "index", None)
    return native if index is None else native.set_axis(index, axis=0)
