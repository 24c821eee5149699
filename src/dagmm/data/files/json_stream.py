"""JSON lines as they come: what a column holds is told by whoever reads it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm.data.files.base import Kind, TableFile, TableOptions, is_text, without_marks
from dagmm.data.files.csv import Rest, blocks_of
from dagmm.data.files.source import Source
from dagmm.data.records import Records

#: How much of the beginning is looked at for the names of columns.
_SAMPLE_BYTES = 2**16


class JSONStream(TableFile):
    """JSON lines that come while they are read. Its columns are the keys of the first lines.

    Parameters
    ----------
    source : Source
        Taken over, and closed with the table.
    options : TableOptions

    Raises
    ------
    InputError
        If a line is no object, or a key holds an object or a list; the line is named.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        self.name, self.description = source.name, "JSON lines, as they come"
        self.na, self._source = options.na, source
        source.decode(options.encoding)
        sample = self._ahead = source.read(_SAMPLE_BYTES)
        self.columns = self._records(sample[: sample.rfind(b"\n") + 1] or sample, 0).names

    def read(self, columns: tuple[str, ...], texts: tuple[str, ...] = ()) -> pa.Table:
        """Read the whole table; see :meth:`TableFile.read`."""
        kinds: dict[str, Kind] = dict.fromkeys(columns, "other")
        kinds |= dict.fromkeys(texts, "text")
        return pa.concat_tables(table for _, table in self.batches(kinds))

    def batches(self, kinds: Mapping[str, Kind]) -> Iterator[tuple[int, pa.Table]]:
        """Read some rows at a time; see :meth:`TableFile.batches`."""
        start = line = 0
        for block in blocks_of(Rest(self._ahead, self._source), b"\n", self._too_long):
            records = self._records(block, line)
            line += block.count(b"\n")
            if records.n_rows:
                table = records.table(kinds)
                yield (
                    start,
                    pa.table({name: self._column(table[name], kinds[name]) for name in kinds}),
                )
                start += records.n_rows

    def fraction(self) -> float | None:
        """Return None: nobody knows how much is to come."""
        return None

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _records(self, block: bytes, lines_before: int) -> Records:
        found: list[Any] = []
        for number, line in enumerate(block.split(b"\n"), lines_before + 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{self.name}: line {number} is not a JSON object ({error})."
                ) from error
            if not isinstance(record, dict):
                raise InputError(f"{self.name}: line {number} is not a JSON object.")
            for key, value in record.items():
                if isinstance(value, dict | list):
                    raise InputError(
                        f"{self.name}: line {number}: key {key!r} holds "
                        f"{'a list' if isinstance(value, list) else 'an object'}; expected "
                        "numbers, text, true/false or null."
                    )
            found.append(record)
        return Records(found)

    def _column(self, column: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray:
        if is_text(column.type):
            return without_marks(column, self.na)
        is_number = kind == "number" and not pa.types.is_null(column.type)
        cells = column.cast(pa.float64(), safe=False) if is_number else column
        return without_marks(cells, self.na)

    def _too_long(self, n_before: int) -> InputError:
        return InputError(
            f"{self.name}: line {n_before + 1} is too long to be a row of a table; look there for "
            "ends of lines that are missing."
        )
