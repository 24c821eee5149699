"""Rows of pandas, polars and Arrow tables."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool

from dagmm._core.errors import InputError
from dagmm.data.base import ANY_STYLE, Chunk, Kind, Rows, TableStyle, text_of_column
from dagmm.data.objects import ObjectColumn

_HELD = {
    "text": "text",
    "category": "categories",
    "date": "dates",
    "number": "numbers",
    "integer": "numbers",
}


@dataclass(frozen=True)
class _FrameChunk(Chunk):
    names: tuple[str, ...]
    start: int
    frame: nw.DataFrame[Any]
    objects: dict[str, ObjectColumn]

    @property
    def n_rows(self) -> int:  # type: ignore[override]
        return len(self.frame)

    def _column(self, name: str) -> nw.Series[Any]:
        if name in self.objects:
            typed = pa.chunked_array([self.objects[name].typed])
            return nw.from_native(typed, series_only=True)
        return self.frame[name]

    def holds_text(self, name: str) -> bool:
        return name in self.objects or super().holds_text(name)

    def kind(self, name: str) -> Kind:
        dtype = self._column(name).dtype
        if dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128):  # NumPy has none so wide
            return "integer"
        if dtype.is_numeric() or dtype in (nw.Boolean, nw.Duration):
            return "number"
        if dtype in (nw.Categorical, nw.Enum):
            return "category"
        if dtype == nw.String:
            return "text"
        if dtype in (nw.Date, nw.Datetime):
            return "date"
        if dtype == nw.Unknown and self._column(name).is_null().all():
            return "empty"
        native = self._column(name).to_native()
        held = getattr(native, "dtype", dtype) if dtype == nw.Unknown else dtype
        raise InputError(
            f"column {name!r} has type {held}; expected numbers, booleans, text or dates. "
            "Convert it, or leave it out."
        )

    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        values = np.empty((self.n_rows, len(names)), np.float64)
        for i, name in enumerate(names):
            kind = self.kind(name)
            if kind not in ("number", "integer"):
                if self._column(name).is_null().all():
                    values[:, i] = np.nan
                    continue
                raise InputError(
                    f"column {name!r} holds {_HELD[kind]}, such as {self._first(name)!r}; "
                    "this model was fitted on numbers there."
                )
            if self._column(name).dtype == nw.Duration:
                values[:, i] = _seconds(self._arrow(name))
            elif name in self.objects:
                # Wider whole numbers than float64 can tell apart are rounded.
                values[:, i] = self._arrow(name).cast(pa.float64(), safe=False)
            else:
                values[:, i] = self._column(name).cast(nw.Float64).to_numpy()
        return values

    def integers(self, name: str) -> np.ndarray:
        return self._column(name).drop_nulls().to_numpy()

    def text(self, name: str) -> pa.Array:
        if name in self.objects:
            return text_of_column(self.objects[name].texts())
        if self._column(name).dtype != nw.Time:  # of the time axis, in a column of its own
            self.kind(name)  # refuses types that have no text
        return text_of_column(self._arrow(name))

    def dates(self, name: str) -> pa.Array:
        kind = self.kind(name)
        column = self._arrow(name)
        if kind != "date":
            if column.null_count == self.n_rows:
                return pa.nulls(self.n_rows, pa.timestamp("s"))
            raise InputError(
                f"column {name!r} holds {_HELD[kind]}, such as {self._first(name)!r}; "
                "this model was fitted on dates there."
            )
        if getattr(column.type, "tz", None) is not None:
            column = pc.local_timestamp(column)
        return column.cast(pa.timestamp("s"), safe=False)

    def instants(self, name: str) -> np.ndarray:
        column = self._arrow(name)
        zone = getattr(column.type, "tz", None)
        ticks = column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
        return ticks.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) / 1e6

    def take(self, index: np.ndarray) -> Chunk:
        objects = {name: column.take(index) for name, column in self.objects.items()}
        return replace(self, frame=self.frame[index], objects=objects)

    def _arrow(self, name: str) -> pa.Array:
        # The name goes no further: polars panics over one that holds a zero byte.
        try:
            column = self._column(name).alias("").to_arrow()
        except pa.ArrowException:  # categories of several types, complex numbers
            return ObjectColumn.of(name, self._column(name).to_list()).typed
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def _first(self, name: str) -> object:
        return next((value for value in self._column(name).to_list() if value is not None), None)


@dataclass(frozen=True)
class _ArrowChunk(_FrameChunk):
    """As any frame, with short ways for what most columns of long tables hold."""

    table: pa.Table

    def kind(self, name: str) -> Kind:
        dtype = self.table.schema.field(name).type
        if pa.types.is_integer(dtype):
            return "integer"
        if pa.types.is_floating(dtype) or pa.types.is_boolean(dtype):
            return "number"
        if pa.types.is_string(dtype) or pa.types.is_large_string(dtype):
            return "text"
        return super().kind(name)

    def numbers(self, names: tuple[str, ...]) -> np.ndarray:
        values = np.empty((self.n_rows, len(names)), np.float64)
        for i, name in enumerate(names):
            column = self._arrow(name)
            if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
                # Wider whole numbers than float64 can tell apart are rounded.
                column = column.cast(pa.float64(), safe=False)
                column = column.fill_null(np.nan) if column.null_count else column
                # to_numpy would import pandas, where that is installed.
                values[:, i] = np.from_dlpack(column)
            else:
                values[:, i] = super().numbers((name,))[:, 0]
        return values

    def take(self, index: np.ndarray) -> Chunk:
        return arrow_chunk(self.table.take(pa.array(index)), self.start)

    def _arrow(self, name: str) -> pa.Array:
        column = self.table[name]
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def arrow_chunk(table: pa.Table, start: int) -> Chunk:
    """Return consecutive rows of an Arrow table as a chunk.

    Parameters
    ----------
    table : pyarrow.Table
    start : int
        Number of its first row.
    """
    frame = nw.from_native(table, eager_only=True)
    return _ArrowChunk(tuple(table.column_names), start, frame, {}, table)


class FrameRows(Rows):
    """Rows of a pandas, polars or Arrow table.

    Parameters
    ----------
    frame : narwhals.DataFrame
    style : TableStyle
        What is known of how its texts are written.
    """

    def __init__(self, frame: nw.DataFrame[Any], style: TableStyle = ANY_STYLE) -> None:
        self.frame, self.style = frame, style
        self._objects = _objects_of(frame)
        self.names = tuple(frame.columns)
        self.n_rows = len(frame)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``."""
        if self.frame.implementation.is_pyarrow():
            return arrow_chunk(self.frame.to_native().slice(start, stop - start), start)
        part = slice(start, stop)
        objects = {name: column.take(part) for name, column in self._objects.items()}
        return _FrameChunk(self.names, start, self.frame[start:stop], objects)

    def where(self, keep: Bool[np.ndarray, " n_rows"]) -> "FrameRows":
        """Return some of the rows, numbered anew."""
        return FrameRows(self.frame.filter(keep.tolist()), self.style)


def frame_of(table: object) -> nw.DataFrame[Any] | None:
    """Return a DataFrame of any supported library behind one interface, or None.

    A lazy frame of polars is collected.

    Raises
    ------
    InputError
        If two columns have the same name, or a lazy frame is of another library.
    """
    collected = _collected(table)
    if collected is not None:
        return collected
    names = getattr(table, "column_names", None)  # Arrow, whose ``columns`` are the data
    if names is None:
        names = getattr(table, "columns", None)
    if names is None:
        return None
    # Half of a surrogate pair is no character; JSON, Arrow and pandas itself stumble over it.
    texts = [str(name).encode("utf-8", "backslashreplace").decode() for name in names]
    name, count = max(Counter(texts).items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise InputError(
            f"column {name!r} appears {count} times; each column needs a name of its own."
        )
    if hasattr(table, "set_axis") and texts != list(names):  # pandas: numbers, tuples
        table = table.set_axis(texts, axis=1)
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def library_of(table: object) -> Any:
    """Return the library that a DataFrame, lazy or not, comes from; None for anything else."""
    frame: Any = nw.from_native(table, pass_through=True)
    is_frame = isinstance(frame, nw.DataFrame | nw.LazyFrame)
    return frame.implementation if is_frame else None


def with_index(table: object, columns: Iterable[str]) -> object:
    """Return a pandas table with the levels of its index as columns where these are asked for.

    Parameters
    ----------
    table : object
        Anything else than a pandas table is returned as it is.
    columns : iterable of str
        Columns that may stand in the index: under the name of a level, or ``"index"`` for an
        index without a name.
    """
    index = getattr(table, "index", None)
    if index is None or not hasattr(table, "assign") or not hasattr(index, "get_level_values"):
        return table
    names = ["index" if name is None else str(name) for name in index.names]
    known = {str(name) for name in table.columns}  # type: ignore[attr-defined]
    levels = {
        name: index.get_level_values(names.index(name))
        for name in columns
        if name in names and name not in known
    }
    return table.assign(**levels) if levels else table


def _collected(table: object) -> nw.DataFrame[Any] | None:
    """Return what a lazy frame holds; None for anything else."""
    known = nw.dependencies
    if known.is_pandas_like_dataframe(table) or known.is_pyarrow_table(table):
        return None  # whose columns may not have names yet that are different
    frame = nw.from_native(table, pass_through=True)
    if not isinstance(frame, nw.LazyFrame):
        return None
    if frame.implementation.is_polars():
        return frame.collect()
    if frame.implementation.is_dask():
        raise InputError(
            "X is a Dask DataFrame, which may be larger than memory. Pass X.compute(); or score "
            "it part by part, with X.map_partitions(detector.energy, meta=(None, float)); or "
            "write it as Parquet and pass the path, which is never held whole."
        )
    raise InputError(
        f"X is a lazy table of {frame.implementation.value}; collect it first, or write it as "
        "Parquet and pass the path, which is never held whole."
    )


def _objects_of(frame: nw.DataFrame[Any]) -> dict[str, ObjectColumn]:
    """Give columns of Python objects, which pandas has, the one type that holds their values."""
    found = {}
    for name, dtype in frame.schema.items():
        if dtype == nw.Object or _are_objects(frame[name].to_native()):
            holes = frame[name].is_null().to_list()
            pairs = zip(frame[name].to_list(), holes, strict=True)
            values = [None if is_hole else value for value, is_hole in pairs]
            found[name] = ObjectColumn.of(name, values)
    return found


def _are_objects(native: Any) -> bool:
    """Whether a pandas column holds objects, or categories that are, whatever they seem to be."""
    dtype = getattr(native, "dtype", None)
    categories = getattr(dtype, "categories", None)
    return str(dtype if categories is None else getattr(categories, "dtype", "")) == "object"


def _seconds(column: pa.Array) -> np.ndarray:
    per_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
    ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False)
    return ticks.to_numpy(zero_copy_only=False) / per_second
