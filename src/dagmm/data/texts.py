"""Columns of any type as text, the same for a value whatever library or type it comes in."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: From here on not every whole number has a float64 of its own.
_LAST_WHOLE = 2.0**53


def text_of_numbers(values: np.ndarray) -> pa.Array:
    """Write numbers the shortest way: 80.0 as ``80``; NaN is null."""
    values = np.asarray(values, np.float64)
    holes = np.isnan(values)
    whole = (np.trunc(values) == values) & (np.abs(values) < _LAST_WHOLE)
    integers = pa.array(np.where(whole, values, 0.0).astype(np.int64)).cast(pa.string())
    decimals = pa.array(values, mask=holes).cast(pa.string())
    return pc.if_else(pa.array(whole), integers, decimals)


def text_of_column(column: pa.Array) -> pa.Array:
    """Write an Arrow column as strings; a hole and an empty text are null."""
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values = column.cast(pa.float64(), safe=False)
        return text_of_numbers(values.to_numpy(zero_copy_only=False))
    texts = column.cast(pa.string())
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
