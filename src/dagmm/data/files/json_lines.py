"""JSON: one flat object in each line, or an array of them; read once, and kept with types."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any, NoReturn

import pyarrow as pa
import pyarrow.json as arrow_json

from dagmm._core.errors import InputError
from dagmm.data.files.base import TableOptions, rows_at_a_time
from dagmm.data.files.encoding import advice
from dagmm.data.files.source import Source
from dagmm.data.files.spool import SpooledTable

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
#: Bytes that are parsed at a time.
BLOCK_BYTES = 8 * 2**20
_BOM = b"\xef\xbb\xbf"
_KINDS: dict[type, str] = {bool: "true/false", int: "numbers", float: "numbers", str: "text"}
_NESTED: dict[type, str] = {dict: "an object", list: "a list"}


def is_json(sample: bytes) -> bool:
    """Say whether a file that begins like this is JSON; brackets alone may begin a CSV header."""
    first = sample.removeprefix(_BOM).strip().split(b"\n", 1)[0].strip()
    if not first.startswith((b"{", b"[")):
        return False
    begins = first[1:].strip()
    if begins in (b"", b"{", b"}") or begins.startswith((b'"', b"{")):
        return True
    with contextlib.suppress(ValueError):
        return isinstance(json.loads(first), dict)
    return False


class JSONTable(SpooledTable):
    """A file of JSON, read to its end.

    Parameters
    ----------
    source : Source
        Taken over, and closed with the table.
    options : TableOptions

    Raises
    ------
    InputError
        If it is no JSON, no table, or a key holds objects or lists, or values of several kinds;
        line and key are named.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        super().__init__()
        self.name, self._source = source.name, source
        source.decode(options.encoding)
        try:
            with tempfile.TemporaryFile() as content:
                self._copy(content)
                self.description = "JSON lines" if self._is_lines(content) else "JSON"
                schema = self._find_schema(content)
                self.keep(self._typed(content, schema))
        except BaseException:
            self._file.close()
            raise
        self.columns = tuple(schema.names)

    def close(self) -> None:
        """Close the file, and the temporary one, which removes it."""
        super().close()
        self._source.close()

    def _copy(self, content: IO[bytes]) -> None:
        """Keep the text: types are known only at its end, and then it is read again."""
        data = self._source.read(BLOCK_BYTES).removeprefix(_BOM)
        while data:
            content.write(data)
            data = self._source.read(BLOCK_BYTES)
        content.write(b"\n")  # so that no line stands alone at the end

    def _is_lines(self, content: IO[bytes]) -> bool:
        """Say whether each line is an object; an array is written anew, an object in a line."""
        content.seek(0)
        first = next((line for line in content if line.strip()), b"")
        with contextlib.suppress(ValueError):
            if isinstance(json.loads(first), dict):
                return True
        if not first.lstrip().startswith(b"["):
            content.seek(0)
            self._check_whole(content.read()[:-1])
        content.seek(0)
        records = self._records(content.read())
        content.seek(0)
        content.truncate()
        for record in records:
            content.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"))
            content.write(b"\n")
        return False

    def _check_whole(self, text: bytes) -> NoReturn:
        """Say what is wrong with text that begins with an object of several lines."""
        try:
            json.loads(text)
        except ValueError as error:
            raise InputError(
                f"{self.name}: line 1 is no JSON object, and the whole is no JSON ({error}); "
                "expected an object in each line, or an array of objects."
            ) from error
        raise InputError(
            f"{self.name} holds one JSON object; expected an object in each line, or an array of "
            "objects: a row each."
        )

    def _records(self, text: bytes) -> list[Any]:
        try:
            records: list[Any] = json.loads(text)
        except ValueError as error:
            raise InputError(f"{self.name} is not JSON ({error}).") from error
        for i, record in enumerate(records):
            if not isinstance(record, dict):
                raise InputError(
                    f"{self.name}: element {i} of its array is {str(record)[:40]!r}; expected an "
                    "array of objects: a row each."
                )
        return records

    def _find_schema(self, content: IO[bytes]) -> pa.Schema:
        """Return the type of each key that holds for the whole file."""
        fields: dict[str, pa.DataType] = {}
        for line, block in self._blocks(content):
            self._check_text(block, line)
            try:
                table = _parsed(block, None)
            except pa.ArrowInvalid as error:
                self._say_what_is_wrong(block, line, fields, str(error))
            for field in table.schema:
                known = fields.get(field.name, pa.null())
                wide = _wider(known, field.type)
                if wide is None:
                    self._say_what_is_wrong(block, line, fields, "values of several kinds")
                fields[field.name] = wide
        return pa.schema(list(fields.items()))

    def _typed(self, content: IO[bytes], schema: pa.Schema) -> Iterator[pa.Table]:
        for line, block in self._blocks(content):
            try:
                table = _parsed(block, schema)
            except pa.ArrowInvalid as error:
                self._say_what_is_wrong(block, line, {}, str(error))
            for start in range(0, table.num_rows, n := rows_at_a_time(len(schema))):
                yield table.slice(start, n)

    def _blocks(self, content: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        """Cut text into blocks of whole lines, with the number of the first."""
        content.seek(0)
        line, block = 1, b""
        while data := content.read(BLOCK_BYTES):
            block += data
            end = block.rfind(b"\n") + 1
            if end:
                yield line, block[:end]
                line += block.count(b"\n", 0, end)
                block = block[end:]
        if block.strip():
            yield line, block

    def _check_text(self, block: bytes, line: int) -> None:
        try:
            block.decode()
        except UnicodeDecodeError as error:
            line += block.count(b"\n", 0, error.start)
            raise InputError(
                f"{self.name}: line {line} is not UTF-8, it holds the byte "
                f"{block[error.start : error.start + 1]!r}; {advice(block)}."
            ) from error

    def _say_what_is_wrong(
        self, block: bytes, line: int, fields: dict[str, pa.DataType], reason: str
    ) -> NoReturn:
        """Name the first line of a block that cannot be a row of the table, and its key."""
        kinds = {name: _kind_of(dtype) for name, dtype in fields.items()}
        for number, text in enumerate(block.decode().split("\n"), line):
            if not text.strip():
                continue
            where = f"{self.name}: line {number}"
            try:
                record = json.loads(text)
            except ValueError as error:
                raise InputError(
                    f"{where} is not a JSON object ({error}): {_shown(text)}."
                ) from error
            if not isinstance(record, dict):
                raise InputError(f"{where} is not a JSON object: {_shown(text)}.")
            for key, value in record.items():
                if type(value) in _NESTED:
                    raise InputError(
                        f"{where}: key {key!r} holds {_NESTED[type(value)]}; expected numbers, "
                        "text, true/false or null. Make each of its values a key of its own, or "
                        "leave it out."
                    )
                kind = _KINDS.get(type(value))
                if kind is None:
                    continue
                if kinds.setdefault(key, kind) not in (kind, None):
                    raise InputError(
                        f"{where}: key {key!r} holds {kind}, and {kinds[key]} in lines before; "
                        "expected one kind in all lines."
                    )
        raise InputError(f"{self.name}: the lines from line {line} on cannot be read ({reason}).")


def _parsed(block: bytes, schema: pa.Schema | None) -> pa.Table:
    return arrow_json.read_json(
        pa.BufferReader(block),
        arrow_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        arrow_json.ParseOptions(explicit_schema=schema),
    )


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that values of two have; None if there is none, or no table has it."""
    if pa.types.is_nested(one) or pa.types.is_nested(other):
        return None
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    kinds = {_kind_of(one), _kind_of(other)}
    if kinds == {"numbers"}:
        return pa.float64()
    return pa.string() if kinds == {"text"} else None


def _kind_of(dtype: pa.DataType) -> str | None:
    if pa.types.is_null(dtype):
        return None
    if pa.types.is_boolean(dtype):
        return "true/false"
    return "numbers" if pa.types.is_integer(dtype) or pa.types.is_floating(dtype) else "text"


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 60 else text[:60] + "...")
