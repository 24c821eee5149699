"""What every table in a file can do, whatever its format."""

import codecs
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, TypeAlias, TypeVar

import pyarrow as pa

from dagmm._core.errors import ArgumentError, InputError

Format: TypeAlias = Literal["csv", "parquet"]

#: What a column has to hold: numbers become float64, text strings; anything else passes through.
Kind: TypeAlias = Literal["number", "text", "other"]


@dataclass(frozen=True)
class TableOptions:
    """How to read a table, where it should not be found out.

    Parameters
    ----------
    format : {"csv", "parquet"}, optional
        Default: Parquet by its first bytes or the suffix ``.parquet`` or ``.pq``, else CSV.
    delimiter : str, optional
        Of CSV. Default: the one among comma, semicolon, tab and bar that splits the first
        lines into the same number of cells, two or more.
    header : bool, optional
        Whether the first row of CSV holds the names of the columns. Default: yes, unless some
        cell of it reads as a number. Without a header columns are called x0, x1, ...
    encoding : str, optional
        Of CSV, by a name that Python knows, such as cp932. Default: UTF-8, or UTF-16 where the
        file begins with its byte order mark.
    decimal : {".", ","}, optional
        Decimal mark of CSV. Default: a comma where the first lines have numbers with one, and
        none with a point.

    Raises
    ------
    ArgumentError
    """

    format: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    encoding: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        if self.format not in (None, "csv", "parquet"):
            raise ArgumentError(f"format must be 'csv' or 'parquet', got {self.format!r}.")
        mark = self.delimiter
        if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0'):
            raise ArgumentError(
                f"delimiter must be one ASCII character, no quote or line break, got {mark!r}."
            )
        if self.decimal not in (None, ".", ","):
            raise ArgumentError(f"decimal must be '.' or ',', got {self.decimal!r}.")
        if self.decimal is not None and self.decimal == mark:
            raise ArgumentError(f"decimal and delimiter cannot both be {mark!r}.")
        if self.encoding is not None:
            _check_encoding(self.encoding)


def _check_encoding(name: str) -> None:
    try:
        is_text = codecs.lookup(name)._is_text_encoding
    except LookupError:
        is_text = False
    if not is_text:
        raise ArgumentError(
            f"encoding must be a text encoding such as utf-8, utf-16 or cp932, got {name!r}."
        )


_File = TypeVar("_File", bound="TableFile")


class TableFile(ABC):
    """A table that is open for reading, once.

    Attributes
    ----------
    name : str
        How messages call it.
    columns : tuple of str
    description : str
        How it is read, in words.
    """

    name: str
    columns: tuple[str, ...]
    description: str

    @abstractmethod
    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Read the whole table.

        Parameters
        ----------
        columns : tuple of str
            The columns to read, in this order. Types are those that hold for a whole column.
        texts : tuple of str
            Columns among them to be read as text, whatever they hold.

        Raises
        ------
        InputError
            If the table cannot be read; row or column is named.
        """

    @abstractmethod
    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time.

        Parameters
        ----------
        kinds : mapping of str to {"number", "text", "other"}
            The columns to read, in this order, and what each must hold.

        Yields
        ------
        start : int
            Number of the first row.
        table : pyarrow.Table
            Numbers as float64, a hole is null; text as strings.

        Raises
        ------
        InputError
            If the table cannot be read or holds something else; row and column are named.
        """

    @abstractmethod
    def fraction(self) -> float | None:
        """Return the share of the table that has been read; None where that is not known."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self: _File) -> _File:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def check_names(names: tuple[str, ...], table: str) -> None:
    """Check that no two columns have the same name."""
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise InputError(
            f"{table}: column {name!r} appears {count} times; each column needs a name of its own."
        )
