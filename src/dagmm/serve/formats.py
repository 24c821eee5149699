"""Plain tables in requests and answers: JSON, JSON lines, CSV and Arrow streams."""

import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from dagmm.data.files.base import TableOptions
from dagmm.data.files.open import open_content
from dagmm.data.files.write import csv_of
from dagmm.data.records import ValueTable
from dagmm.inference.batches import Batch
from dagmm.inference.record import InputReading
from dagmm.inference.tables import batches_of, check_columns
from dagmm.serve.errors import RequestError
from dagmm.serve.json_rows import json_bytes, json_records, rows_of_json
from dagmm.serve.limits import Limits
from dagmm.serve.model import Served
from dagmm.serve.scoring import Rows, one_batch

JSON, JSON_LINES = "application/json", "application/x-ndjson"
CSV, ARROW = "text/csv", "application/vnd.apache.arrow.stream"
#: What media types stand for. Those that curl sends unasked say nothing.
_FORMATS = {
    **{JSON: JSON, CSV: CSV, ARROW: ARROW, JSON_LINES: JSON_LINES},
    **{"application/jsonlines": JSON_LINES, "application/jsonl": JSON_LINES},
    "application/csv": CSV,
}
_TELLS_NOTHING = ("", "application/x-www-form-urlencoded", "application/octet-stream")
_KNOWN = f"{JSON}, {JSON_LINES}, {CSV} or {ARROW}"
#: How messages call what came.
_NAME = "the request"


def format_of(content_type: str, body: bytes) -> str:
    """Return the format of a request.

    Parameters
    ----------
    content_type : str
        The header; where it tells nothing, the first bytes do.
    body : bytes

    Raises
    ------
    RequestError
    """
    media = content_type.partition(";")[0].strip().lower()
    if media in _FORMATS:
        return _FORMATS[media]
    if media not in _TELLS_NOTHING:
        raise RequestError(
            415,
            f"content type {media!r} is not known; expected {_KNOWN}.",
        )
    if body.startswith(b"\xff\xff\xff\xff"):
        return ARROW
    begin = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"{"):
        return JSON_LINES if b"\n{" in body else JSON
    return JSON if begin.startswith(b"[") else CSV


def answer_format(accept: str, otherwise: str) -> str:
    """Return the format of an answer: the first known one that is accepted.

    Parameters
    ----------
    accept : str
        The header; empty for anything.
    otherwise : str
        Where anything is accepted.

    Raises
    ------
    RequestError
    """
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for media in wanted:
        if media in _FORMATS:
            return _FORMATS[media]
    if any(media in ("", "*/*", "text/*", "application/*") for media in wanted):
        return otherwise
    raise RequestError(406, f"none of {accept!r} can be answered; accept {_KNOWN}.")


def read_rows(body: bytes, format: str, served: Served, limits: Limits) -> Rows:
    """Read the rows of a request.

    Raises
    ------
    InputError, RequestError
    """
    if format in (CSV, ARROW):
        return _file_rows(body, format, served, limits)
    is_lines = format == JSON_LINES
    given = rows_of_json(body, served.model.columns, limits, is_lines=is_lines)
    return rows_of_values(given, served, limits)


def rows_of_values(given: ValueTable, served: Served, limits: Limits) -> Rows:
    """Check a table of Python values against model and limits.

    Raises
    ------
    InputError, RequestError
    """
    limits.check_rows(given.n_rows)
    limits.check_columns(len(given.names))
    check_columns(served.model, given.names, _NAME)
    passed = _passed(served, given.names)
    names = dict.fromkeys([*passed, *served.model.columns])
    names |= dict.fromkeys(name for name in served.model.read_columns if name in given.names)
    limits.check_cells(given.n_rows * len(names))
    return Rows(one_batch(given.table(names)), passed)


def write_rows(table: pa.Table, format: str) -> bytes:
    """Write an answer: what a JSON number says is the same number to the bit."""
    if format == ARROW:
        stream = io.BytesIO()
        with pa.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
        return stream.getvalue()
    if format == CSV:
        return csv_of(table)
    records = json_records(table)
    if format == JSON_LINES:
        return b"".join(map(_line, records))
    return json_bytes(records)


def _line(record: dict[str, Any]) -> bytes:
    return json_bytes(record) + b"\n"


def _file_rows(body: bytes, format: str, served: Served, limits: Limits) -> Rows:
    reading = asdict(served.model.record.reading or InputReading())
    options = TableOptions(format="arrow" if format == ARROW else "csv", **reading)
    table = open_content(body, _NAME, options)
    limits.check_columns(len(table.columns))
    check_columns(served.model, table.columns, _NAME)
    passed = _passed(served, table.columns)

    def batches() -> Iterator[Batch]:
        with table:
            yield from batches_of(served.model, table, passed)

    return Rows(batches(), passed)


def _passed(served: Served, names: Any) -> list[str]:
    taken = {"energy", "is_anomaly", "p_value"}
    return [name for name in dict.fromkeys(served.identifiers) if name in set(names) - taken]
