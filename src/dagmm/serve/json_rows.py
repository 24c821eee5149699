"""Rows as JSON."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.files.base import check_names
from dagmm.data.records import Records, ValueColumns, ValueRows, ValueTable
from dagmm.serve.limits import Limits

#: How messages call what came.
_NAME = "the request"
#: Keys of the one object that clients of MLflow and of TensorFlow Serving send.
_SPLIT = "dataframe_split"
_WRAPPERS = (_SPLIT, "dataframe_records", "instances", "inputs")


def rows_of_json(
    body: bytes, columns: Sequence[str], limits: Limits, *, is_lines: bool
) -> ValueTable:
    """Read rows: objects or lists of values, one for each row, also as MLflow's clients send them.

    Parameters
    ----------
    body : bytes
    columns : sequence of str
        Those of lists of values, in their order.
    limits : Limits
    is_lines : bool
        Whether each line is an object.

    Raises
    ------
    InputError, RequestError
    """
    if is_lines:
        lines = [line for line in body.split(b"\n") if line.strip()]
        limits.check_rows(len(lines))
        return Records([json_of(line) for line in lines])
    given = json_of(body)
    if isinstance(given, dict):
        key = next((one for one in _WRAPPERS if one in given), None)
        if key == _SPLIT:
            return _split_rows(given[key], limits)
        given = [given] if key is None else given[key]  # no key: one row
    if isinstance(given, dict):
        return ValueColumns(given)
    if not isinstance(given, list):
        raise InputError(
            f"{_NAME} is {type(given).__name__}; expected an array of objects, one for each row."
        )
    limits.check_rows(len(given))
    if given and isinstance(given[0], list):
        return ValueRows(given, columns)
    return Records(given)


def json_records(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows as JSON can hold them; dates and times as text."""
    plain = []
    for name in table.column_names:
        column = table[name]
        is_plain = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        if (
            not is_plain
            and not pa.types.is_boolean(column.type)
            and not pa.types.is_null(column.type)
        ):
            column = column.cast(pa.string())
        plain.append(column.to_pylist())
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*plain, strict=True)]


def json_bytes(value: Any) -> bytes:
    """Write JSON; what JSON has no number for is null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def json_of(body: bytes) -> Any:
    """Read JSON.

    Raises
    ------
    InputError
        If it is none, or its lists lie too deep in each other.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "its lists lie too deep"
        raise InputError(f"{_NAME} is not JSON ({reason}).") from error


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return None if isinstance(value, float) and value - value != 0.0 else value


def _split_rows(given: Any, limits: Limits) -> ValueTable:
    is_split = isinstance(given, dict) and all(
        isinstance(given.get(key), list) for key in ("columns", "data")
    )
    if not is_split:
        raise InputError(f"{_SPLIT} must be an object with lists 'columns' and 'data'.")
    columns = tuple(str(name) for name in given["columns"])
    check_names(columns, _NAME)
    limits.check_rows(len(given["data"]))
    return ValueRows(given["data"], columns)
