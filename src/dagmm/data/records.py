"""Tables of Python values, as JSON has them: records, lists of values, or columns."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.objects import ObjectColumn


class ValueTable(ABC):
    """A table of Python values, of which the columns that are asked for become Arrow's.

    Attributes
    ----------
    names : tuple of str
    n_rows : int
    """

    names: tuple[str, ...]
    n_rows: int

    @abstractmethod
    def column(self, name: str) -> Sequence[object] | np.ndarray:
        """Return the values of a column; None where there is none."""

    def table(self, names: Iterable[str]) -> pa.Table:
        """Return columns, each of the one type that holds its values; NaN is a hole.

        Parameters
        ----------
        names : iterable of str
            Columns that the table has.

        Raises
        ------
        InputError
            Naming column and row of the first value that no model can use, such as a list.
        """
        return pa.table({name: _typed(name, self.column(name)) for name in names})


class Records(ValueTable):
    """Objects, one for each row; a name that one lacks is a hole.

    Parameters
    ----------
    records : sequence of dict

    Raises
    ------
    InputError
        Naming the first row that is no object.
    """

    def __init__(self, records: Sequence[Any]) -> None:
        names: dict[str, None] = {}
        for row, record in enumerate(records):
            if not isinstance(record, dict):
                raise InputError(
                    f"row {row} is {_shown(record)}; expected an object with a value for each "
                    "column."
                )
            names.update(dict.fromkeys(record))
        self.names, self.n_rows, self._records = tuple(names), len(records), records

    def column(self, name: str) -> Sequence[object]:
        """Return the values of a column."""
        return [record.get(name) for record in self._records]


class ValueRows(ValueTable):
    """Lists of values, one for each row.

    Parameters
    ----------
    rows : sequence of list
    names : sequence of str
        Of the columns, in the order of the values.

    Raises
    ------
    InputError
        Naming the first row that is no list of so many values.
    """

    def __init__(self, rows: Sequence[Any], names: Sequence[str]) -> None:
        for row, values in enumerate(rows):
            if not isinstance(values, list) or len(values) != len(names):
                more = ", ..." if len(names) > 5 else ""
                raise InputError(
                    f"row {row} is {_shown(values)}; expected a list of {len(names)} values, "
                    f"those of {', '.join(map(repr, names[:5]))}{more}."
                )
        self.names, self.n_rows, self._rows = tuple(names), len(rows), rows
        self._place = {name: i for i, name in enumerate(names)}

    def column(self, name: str) -> Sequence[object]:
        """Return the values of a column."""
        place = self._place[name]
        return [row[place] for row in self._rows]


class ValueColumns(ValueTable):
    """Lists of values, one for each column, or arrays of numbers.

    Parameters
    ----------
    columns : mapping of str to sequence

    Raises
    ------
    InputError
        If one is no list, or they differ in length.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        for name, values in columns.items():
            if not isinstance(values, list | np.ndarray):
                raise InputError(
                    f"column {name!r} is {_shown(values)}; expected a list of values."
                )
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            raise InputError(
                f"columns have {min(lengths)} to {max(lengths)} values; expected one length."
            )
        self.names, self.n_rows = tuple(columns), max(lengths, default=0)
        self._columns = columns

    def column(self, name: str) -> Sequence[object] | np.ndarray:
        """Return the values of a column."""
        values: list[object] | np.ndarray = self._columns[name]
        return values


def _typed(name: str, column: Sequence[object] | np.ndarray) -> pa.Array:
    if isinstance(column, np.ndarray):
        return pa.array(column)
    return ObjectColumn.of(name, column).typed


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "..."
