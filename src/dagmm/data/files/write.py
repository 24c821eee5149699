"""Tables out: CSV or Parquet, batch by batch, whole or not at all."""

import contextlib
import csv
import gzip
import io
import os
import stat
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from dagmm._core.atomic_files import why_not_writable
from dagmm._core.errors import ArgumentError, InputError
from dagmm.data.files.parquet import PARQUET_SUFFIXES
from dagmm.data.files.source import STANDARD


class Sink(ABC):
    """Receives the rows of a table."""

    target: str

    def write(self, table: pa.Table) -> None:
        """Add some rows."""
        with _named(self.target):
            self._write(table)

    @abstractmethod
    def _write(self, table: pa.Table) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Write what is left."""


def check_target(target: str, force: bool) -> None:
    """Check that a file can be written before the work for it begins.

    Raises
    ------
    ArgumentError
        If it exists and ``force`` is not set, or its directory does not exist.
    """
    path = Path(target)
    if target == STANDARD:
        return
    if path.is_dir():
        raise ArgumentError(f"{target!r} is a directory; expected the name of a file.")
    if path.is_file() and not force:
        raise ArgumentError(f"{target!r} exists already; choose another name, or add --force.")
    if not path.parent.is_dir():
        raise ArgumentError(
            f"{str(path.parent)!r}, where {path.name!r} should go, does not exist."
        )
    reason = "" if path.exists() and not path.is_file() else why_not_writable(path.parent)
    if reason:
        raise ArgumentError(f"{target!r} cannot be written: {reason}.")


@contextlib.contextmanager
def open_sink(
    target: str, schema: pa.Schema, *, force: bool = False, format: str | None = None
) -> Iterator[Sink]:
    """Write a table to a file that appears, whole, when the ``with`` statement ends.

    Nothing is left behind after an error or an interrupt, and what was there before stays.

    Parameters
    ----------
    target : str
        ``"-"`` writes to standard output.
    schema : pyarrow.Schema
    force : bool
        Whether a file that exists may be replaced.
    format : {"csv", "parquet"}, optional
        Default: Parquet where the suffix is ``.parquet`` or ``.pq``, else CSV; a suffix ``.gz``
        compresses it.

    Yields
    ------
    Sink

    Raises
    ------
    ArgumentError
        If the file exists and ``force`` is not set.
    OSError
        If it cannot be written, for want of space or of permission.
    """
    check_target(target, force)
    is_parquet = target.endswith(PARQUET_SUFFIXES) if format is None else format == "parquet"
    with _named(target):
        output = _Output(target)
    try:
        with _named(target):
            sink: Sink = (_ParquetSink if is_parquet else _CSVSink)(target, output.stream, schema)
        yield sink
        with _named(target):
            sink.close()
            output.keep()
    finally:
        output.close()


def write_text(target: str, text: str, *, force: bool = False) -> None:
    """Write a text to a file that appears whole; as :func:`open_sink` does with a table.

    Parameters
    ----------
    target : str
        ``"-"`` writes to standard output.
    text : str
    force : bool
        Whether a file that exists may be replaced.

    Raises
    ------
    ArgumentError
        If the file exists and ``force`` is not set.
    OSError
        If it cannot be written, for want of space or of permission.
    """
    check_target(target, force)
    with _named(target):
        output = _Output(target)
    try:
        with _named(target):
            output.stream.write(text.encode())
            output.keep()
    finally:
        output.close()


class _CSVSink(Sink):
    def __init__(self, target: str, stream: Any, schema: pa.Schema) -> None:
        self.target = target
        self._stream: Any = stream
        if target.endswith(".gz"):
            self._stream = gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0)
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(schema.names)
        self._stream.write(header.getvalue().encode())

    def _write(self, table: pa.Table) -> None:
        self._stream.write(_csv_of(table))

    def close(self) -> None:
        if isinstance(self._stream, gzip.GzipFile):
            self._stream.close()


class _ParquetSink(Sink):
    def __init__(self, target: str, stream: Any, schema: pa.Schema) -> None:
        self.target = target
        self._writer = pq.ParquetWriter(pa.PythonFile(stream, mode="w"), schema)

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


def _csv_of(table: pa.Table) -> memoryview:
    # Arrow has no style that quotes only where it must: this one refuses then, "needed" quotes
    # every text.
    with contextlib.suppress(pa.ArrowInvalid):
        return _quoted(table, "none")
    try:
        return _quoted(table, "needed")
    except pa.ArrowInvalid as error:
        raise InputError(
            f"the output has a column that CSV cannot hold ({error}); write Parquet instead."
        ) from error


def _quoted(table: pa.Table, style: str) -> memoryview:
    out = pa.BufferOutputStream()
    options = arrow_csv.WriteOptions(include_header=False, quoting_style=style)
    arrow_csv.write_csv(table, out, options)
    return memoryview(out.getvalue())


class _Output:
    """A file that is written beside its name and takes it at the end; or standard output."""

    def __init__(self, target: str) -> None:
        self._path = Path(target).resolve()
        self._temporary: Path | None = None
        self._is_standard = target == STANDARD
        if self._is_standard:
            self.stream: IO[bytes] = sys.stdout.buffer
        elif self._path.exists() and not self._path.is_file():
            # A device or a pipe is no file to be replaced.
            self.stream = self._path.open("wb")
        else:
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            self._temporary = Path(name)
            self.stream = os.fdopen(handle, "wb")

    def keep(self) -> None:
        """Make what was written the file's content, even if the power fails now."""
        self.stream.flush()
        if self._temporary is not None:
            os.fchmod(self.stream.fileno(), _mode_of(self._path))
            os.fsync(self.stream.fileno())
            self._temporary.replace(self._path)
            self._temporary = None

    def close(self) -> None:
        """Leave nothing that was not kept."""
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
        if not self._is_standard:
            with contextlib.suppress(OSError):  # what could not be written was reported before
                self.stream.close()


def _mode_of(path: Path) -> int:
    """Permissions of the file before, or those that any new file gets."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextlib.contextmanager
def _named(target: str) -> Iterator[None]:
    """Say which file could not be written."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "standard output" if target == STANDARD else repr(target)
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"{name} could not be written: {reason}") from error
