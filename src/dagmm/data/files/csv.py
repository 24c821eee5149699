"""CSV files: the whole table with types found out, or a stream with types as they must be."""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from dagmm._core.errors import InputError, TableWarning
from dagmm.data.base import TableStyle
from dagmm.data.files.base import (
    Kind,
    TableFile,
    TableOptions,
    check_names,
    is_text,
    without_marks,
)
from dagmm.data.files.csv_cells import HOLES, Place, numbers_of, text_of
from dagmm.data.files.csv_dialect import detect
from dagmm.data.files.csv_quotes import find_stray
from dagmm.data.files.source import Source
from dagmm.data.number_text.number_format import NumberFormat

#: Bytes of a stream that are parsed at a time.
BLOCK_BYTES = 8 * 2**20
#: A quoted cell longer than this is a quote that was never closed, a row without one no row.
LONGEST_CELL = 4 * BLOCK_BYTES

#: What programs of DOS write at the end of a file.
_END_OF_TEXT = b"\x1a"
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


class CSVTable(TableFile):
    """A CSV file, open for reading.

    Parameters
    ----------
    source : Source
        Taken over, and closed with the table.
    options : TableOptions

    Attributes
    ----------
    needs_rows : bool
        Whether a table without rows is refused.
    """

    needs_rows = True

    def __init__(self, source: Source, options: TableOptions) -> None:
        self.name = source.name
        self._source, self._options = source, options
        text = source.decode(options.encoding)
        self._dialect = detect(source, options)
        self.columns = self._dialect.columns
        check_names(self.columns, source.name)
        self._ahead = self._dialect.sample
        for doubt in self._dialect.doubts:
            warnings.warn(doubt, TableWarning, stacklevel=2)
        mark, decimal = self._dialect.delimiter, self._dialect.decimal
        known = decimal if options.decimal or decimal == "," else None
        self.na = options.na
        self.style = TableStyle(options.thousands, known, mark == ";", self._dialect.units)
        self._format = NumberFormat("", "", options.thousands or "", decimal)
        header = "with a header" if self._dialect.has_header else "without a header"
        units = " and a row of units" if self._dialect.units else ""
        comma = ", decimal comma" if decimal == "," else ""
        encoding = f", {text.encoding}" if text.encoding else ""
        self.description = (
            f"CSV, {_NAMES.get(mark, repr(mark))}-separated, {header}{units}{comma}{encoding}"
        )

    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Read the whole table; see :meth:`TableFile.read`."""
        # Python's own read can be interrupted while it waits for a pipe, Arrow's cannot.
        content = self._rest().read().rstrip(_END_OF_TEXT)
        types = dict.fromkeys(texts, pa.binary())
        table = self._parse(content, columns, types, BLOCK_BYTES, 0)
        if not table.num_rows:
            raise self._no_rows()
        for i, (name, column) in enumerate(zip(columns, table.columns, strict=True)):
            if pa.types.is_binary(column.type) or is_text(column.type):
                column = self.decoded(column.combine_chunks(), name, 0)
            else:
                column = without_marks(column, self.na)
            table = table.set_column(i, name, column)
        return table

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time; see :meth:`TableFile.batches`."""
        names = tuple(kinds)
        types = dict.fromkeys(names, pa.binary())
        start = 0
        for block in self.blocks(self._rest()):
            table = self.parse(block, names, types, start)
            if not table.num_rows:
                continue
            cells = table.combine_chunks()
            yield (
                start,
                pa.table(
                    {
                        name: self._converted(cells[name].chunk(0), name, kinds[name], start)
                        for name in names
                    }
                ),
            )
            start += table.num_rows
        if not start and self.needs_rows:
            raise self._no_rows()

    def tables(self) -> Iterator["CSVTable"]:
        """Yield this file, the only one."""
        yield self

    def is_longer(self, n_bytes: int) -> bool:
        """Whether there are more bytes of rows; so many are read ahead to find out."""
        self._ahead += self._source.read(max(0, n_bytes - len(self._ahead)))
        return len(self._ahead) >= n_bytes

    def copied(self, target: IO[bytes]) -> None:
        """Write the rows, as UTF-8, to a file."""
        rest = self._rest()
        while data := rest.read(BLOCK_BYTES):
            target.write(data)

    def blocks(self, content: Any) -> Iterator[bytes]:
        """Cut rows, or a copy of them, into blocks of whole rows.

        Raises
        ------
        InputError
            If a row is too long to be one.
        """
        return blocks_of(content, self._dialect.newline, self._too_long)

    def parse(
        self, block: bytes, columns: tuple[str, ...], types: dict[str, pa.DataType], start: int
    ) -> pa.Table:
        """Parse a block of whole rows.

        Parameters
        ----------
        block : bytes
        columns : tuple of str
        types : dict of str to pyarrow.DataType
            Of columns whose type is not to be found out.
        start : int
            Number of the first row.

        Raises
        ------
        InputError
            If rows cannot be told apart, or cells are not of these types.
        """
        return self._parse(block, columns, types, len(block) + 1, start)

    def decoded(self, cells: pa.Array, column: str, start: int) -> pa.Array:
        """Return cells as text; see :func:`dagmm.data.files.csv_cells.text_of`."""
        return without_marks(text_of(cells, self._place(column, start)), self.na)

    def _converted(self, cells: pa.Array, name: str, kind: Kind, start: int) -> pa.Array:
        place = self._place(name, start)
        if kind == "number":
            return without_marks(numbers_of(cells, place, self._format, self.na), self.na)
        return self.decoded(cells, name, start)

    def fraction(self) -> float | None:
        """Return the share of the file that has been read."""
        return self._source.fraction()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _parse(
        self,
        content: bytes,
        columns: tuple[str, ...],
        types: dict[str, pa.DataType],
        block_bytes: int,
        start: int,
    ) -> pa.Table:
        """Parse rows; ``start`` is the number of the first."""
        try:
            table = self._parsed(content, columns, types, block_bytes)
        except pa.ArrowInvalid as error:
            self._check_quotes(content, None, start)
            ragged = self._first_ragged(content, columns, types, block_bytes)
            if ragged is not None:
                raise self._ragged(ragged, start) from error
            if "Empty CSV" in str(error):
                raise self._no_rows() from error
            lines = content.split(self._dialect.newline)
            longest = max(range(len(lines)), key=lambda i: len(lines[i]))
            if len(lines[longest]) > BLOCK_BYTES:
                raise self._too_long(start + longest) from error
            raise InputError(
                f"{self.name}: the rows from row {start} on cannot be told apart; "
                "a quote is opened there and never closed."
            ) from error
        self._check_quotes(content, table.num_rows, start)
        return table

    def _first_ragged(
        self,
        content: bytes,
        columns: tuple[str, ...],
        types: dict[str, pa.DataType],
        block_bytes: int,
    ) -> Any:
        """Return the first row that has too few or too many cells; None where none has."""
        rows: list[Any] = []

        def remember(row: Any) -> str:
            rows.append(row)
            return "error"

        # Arrow hands rows over as text, which not all are; where they begin and end stays.
        readable = content.decode(errors="replace").encode()
        with contextlib.suppress(pa.ArrowInvalid):
            self._parsed(readable, columns, types, block_bytes, remember)
        return rows[0] if rows else None

    def _parsed(
        self,
        content: bytes,
        columns: tuple[str, ...],
        types: dict[str, pa.DataType],
        block_bytes: int,
        on_ragged: Callable[[Any], str] | None = None,
    ) -> pa.Table:
        return arrow_csv.read_csv(
            pa.BufferReader(content),
            # Rows are numbered only when one thread reads, which costs no time here.
            arrow_csv.ReadOptions(
                use_threads=False,
                column_names=list(self.columns),
                block_size=max(block_bytes, 64 * len(self._dialect.sample)),
            ),
            arrow_csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                newlines_in_values=True,
                invalid_row_handler=on_ragged,
            ),
            arrow_csv.ConvertOptions(
                include_columns=list(columns),
                column_types=types,
                decimal_point=self._dialect.decimal,
                null_values=[*HOLES, *self.na],
            ),
        )

    def _check_quotes(self, block: bytes, n_rows: int | None, start: int) -> None:
        """Check that no quote takes rows of a block with it."""
        newline = self._dialect.newline
        stray = find_stray(block, self._dialect.delimiter, newline, n_rows)
        if stray is None:
            return
        line = self._dialect.header_lines + start + stray.lines_before + 1
        lost = block.count(newline, stray.offset)
        begin = block.rfind(newline, 0, stray.offset) + 1
        text = block[begin : block.find(newline, stray.offset)][:60].decode(errors="replace")
        how = "closed only in a later line" if stray.is_closed else "never closed"
        raise InputError(
            f"{self.name}: a quote is opened in line {line} and {how}, so that "
            f"{'rows' if stray.is_closed else f'the {lost} lines from there on'} would be read "
            f"as one cell: {text!r}. Close it, or write two where it is part of the text."
        )

    def _rest(self) -> "Rest":
        return Rest(self._ahead, self._source)

    def _place(self, column: str, start: int) -> Place:
        return Place(self.name, column, start, self._dialect.header_lines + 1)

    def _ragged(self, row: Any, start: int) -> InputError:
        number = start + row.number - 1
        text = row.text if len(row.text) <= 60 else row.text[:60] + "..."
        return InputError(
            f"{self.name}: row {number} (line {self._dialect.header_lines + 1 + number}) has "
            f"{row.actual_columns} cells, expected {row.expected_columns}: {text!r}."
        )

    def _too_long(self, n_before: int) -> InputError:
        return InputError(
            f"{self.name}: line {self._dialect.header_lines + n_before + 1} is longer than "
            f"{BLOCK_BYTES // 2**20} MB, which no row of a table is; look there for text that is "
            "no table, or for ends of lines that are missing."
        )

    def _no_rows(self) -> InputError:
        if self._dialect.has_header:
            return InputError(
                f"{self.name} has a header but no rows; expected at least 1 row. If its only "
                "line is a row, say so with --no-header."
            )
        return InputError(f"{self.name} has no rows; expected at least 1 row.")


class Rest(io.RawIOBase):
    """The sample that was looked at, then the rest of the file.

    Parameters
    ----------
    sample : bytes
    source : Source
    """

    def __init__(self, sample: bytes, source: Source) -> None:
        self._sample = sample
        self._source = source

    def readable(self) -> bool:
        """Say yes, to Python."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read some bytes, none at the end."""
        if size < 0:
            return self._take(len(self._sample)) + self._source.read()
        # No more than the sample where there is one: of a live source, more would be waited for.
        return self._take(size) or self._source.read(size)

    def _take(self, size: int) -> bytes:
        data, self._sample = self._sample[:size], self._sample[size:]
        return data


def blocks_of(
    content: Any, newline: bytes, too_long: Callable[[int], InputError]
) -> Iterator[bytes]:
    """Cut text into blocks of whole rows.

    Parameters
    ----------
    content : file-like
    newline : bytes
    too_long : callable
        Makes the error for a row that is too long to be one, from the number of lines before.

    Raises
    ------
    InputError
    """
    block, n_before = b"", 0
    while data := content.read(BLOCK_BYTES):
        block += data
        end = _end_of_rows(block, newline)
        if end:
            yield block[:end]
            n_before += block.count(newline, 0, end)
            block = block[end:]
        elif len(block) > LONGEST_CELL:
            raise too_long(n_before)
    block = block.rstrip(_END_OF_TEXT)
    if block.strip():
        yield block


def _end_of_rows(block: bytes, newline: bytes) -> int:
    """Return where the last whole row of a block ends, 0 if none does."""
    last = block.rfind(newline)
    end, quotes = last, block.count(b'"', 0, last + 1)
    while end >= 0 and quotes % 2:
        before = block.rfind(newline, 0, end)
        quotes -= block.count(b'"', before + 1, end)
        end = before
    if end < 0 and len(block) > LONGEST_CELL:
        return last + 1  # no cell is that long: a quote is part of the text
    return end + 1
