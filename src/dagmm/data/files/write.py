"""Tables out: CSV, Parquet or Arrow, batch by batch, whole or not at all."""

import codecs
import contextlib
import csv
import io
import os
import stat
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from dagmm._core.atomic_files import why_not_writable
from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.part_files import open_part, remove_stale_parts
from dagmm._core.wording import named
from dagmm.data.files.arrow import ARROW_SUFFIXES
from dagmm.data.files.base import check_encoding, is_text
from dagmm.data.files.compression import codec_by_name, compressed
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


def check_target(target: str, force: bool, encoding: str | None = None) -> None:
    """Check that a file can be written before the work for it begins.

    Raises
    ------
    ArgumentError
        If it exists and ``force`` is not set, or its directory does not exist, or an encoding is
        said that is none, or for a file that is no CSV.
    """
    if encoding is not None:
        check_encoding("output_encoding", encoding)
        if target.endswith((*PARQUET_SUFFIXES, *ARROW_SUFFIXES, ".npz")):
            raise ArgumentError(
                f"{named('output_encoding')} is that of CSV, which {target!r} is not; leave it "
                "out."
            )
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
    target: str,
    schema: pa.Schema,
    *,
    force: bool = False,
    format: str | None = None,
    encoding: str | None = None,
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
    format : {"csv", "parquet", "arrow"}, optional
        Default: Parquet where the suffix is ``.parquet`` or ``.pq``, Arrow where it is
        ``.feather``, ``.arrow`` or ``.ipc``, else CSV; a suffix ``.gz``,
        ``.bz2``, ``.xz``, ``.zst`` or ``.lz4`` compresses it.
    encoding : str, optional
        Of CSV; default: UTF-8. Excel knows UTF-8 by the mark of ``utf-8-sig``.

    Yields
    ------
    Sink

    Raises
    ------
    ArgumentError
        If the file exists and ``force`` is not set.
    InputError
        If a text cannot be written in the encoding.
    OSError
        If it cannot be written, for want of space or of permission.
    """
    check_target(target, force, encoding)
    with _named(target):
        output = _Output(target)
    try:
        with _named(target):
            sink = _sink(format or _format_of(target), target, output.stream, schema, encoding)
        yield sink
        with _named(target):
            sink.close()
            output.keep()
    finally:
        output.close()


def write_text(target: str, text: str, *, force: bool = False) -> None:
    """Write a text to a file that appears whole; as :func:`write_bytes` does."""
    write_bytes(target, text.encode(), force=force)


def write_bytes(target: str, data: bytes, *, force: bool = False) -> None:
    """Write bytes to a file that appears whole; as :func:`open_sink` does with a table.

    Parameters
    ----------
    target : str
        ``"-"`` writes to standard output.
    data : bytes
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
            output.stream.write(data)
            output.keep()
    finally:
        output.close()


def _sink(format: str, target: str, stream: Any, schema: pa.Schema, encoding: str | None) -> Sink:
    if format == "parquet":
        return _ParquetSink(target, stream, schema)
    if format == "arrow":
        return _ArrowSink(target, stream, schema)
    return _CSVSink(target, stream, schema, encoding or "utf-8")


def _format_of(target: str) -> str:
    if target.endswith(PARQUET_SUFFIXES):
        return "parquet"
    return "arrow" if target.endswith(ARROW_SUFFIXES) else "csv"


class _CSVSink(Sink):
    def __init__(self, target: str, stream: Any, schema: pa.Schema, encoding: str) -> None:
        self.target = target
        codec = codec_by_name(target)
        self._stream: Any = stream if codec is None else compressed(stream, codec)
        self._is_compressed = codec is not None
        self._encoding, self._rows = encoding, 0
        self._encoder = codecs.getincrementalencoder(encoding)()
        try:
            self._stream.write(self._encoder.encode(_header_of(schema)))
        except UnicodeEncodeError as error:
            raise self._unwritable(error, "the header") from error

    def _write(self, table: pa.Table) -> None:
        data: Any = _csv_of(table)
        if codecs.lookup(self._encoding).name != "utf-8":
            try:
                data = self._encoder.encode(bytes(data).decode())
            except UnicodeEncodeError as error:
                place = self._place(table, error.object[error.start])
                raise self._unwritable(error, place) from error
        self._stream.write(data)
        if self.target == STANDARD:
            self._stream.flush()  # somebody may be waiting for these rows
        self._rows += table.num_rows

    def close(self) -> None:
        if self._is_compressed:
            self._stream.close()

    def _place(self, table: pa.Table, character: str) -> str:
        """Return column and row of a character, in words."""
        for name in table.column_names:
            if is_text(table[name].type):
                found = pc.match_substring(table[name].cast(pa.string()), character)
                row = pc.index(found, True).as_py()
                if row >= 0:
                    return f"column {name!r}, row {self._rows + row}"
        return f"the rows from row {self._rows} on"

    def _unwritable(self, error: UnicodeEncodeError, place: str) -> InputError:
        return InputError(
            f"the output: {place} holds {error.object[error.start]!r}, which "
            f"{self._encoding} does not have; choose another --output-encoding: utf-8-sig has "
            "all characters, and Excel reads it."
        )


class _ParquetSink(Sink):
    def __init__(self, target: str, stream: Any, schema: pa.Schema) -> None:
        self.target = target
        self._writer = pq.ParquetWriter(pa.PythonFile(stream, mode="w"), schema)

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _ArrowSink(Sink):
    def __init__(self, target: str, stream: Any, schema: pa.Schema) -> None:
        self.target = target
        # As Feather has it by default.
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_file(pa.PythonFile(stream, mode="w"), schema, options=options)

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


def csv_of(table: pa.Table) -> bytes:
    """Return a table as CSV in UTF-8.

    Raises
    ------
    InputError
        If a column holds what CSV cannot.
    """
    return _header_of(table.schema).encode() + bytes(_csv_of(table))


def _header_of(schema: pa.Schema) -> str:
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(schema.names)
    return header.getvalue()


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
            remove_stale_parts(self._path)
            self._temporary, handle = open_part(self._path)
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
