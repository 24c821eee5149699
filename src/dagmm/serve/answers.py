"""What each kind of request is answered; runs in a thread, away from the event loop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dagmm._core.errors import InputError
from dagmm.serve.formats import (
    JSON,
    answer_format,
    format_of,
    read_rows,
    write_rows,
)
from dagmm.serve.json_rows import json_bytes, json_records
from dagmm.serve.limits import Deadline, Limits
from dagmm.serve.model import Served
from dagmm.serve.scoring import Tally, reasons_for, scores_of, tally_of
from dagmm.serve.v2 import HEADER_LENGTH, read_request, write_response

#: Most columns that are named for a row.
_MOST_REASONS = 100


class Call(NamedTuple):
    """A request with its body, and the model that answers it.

    Parameters
    ----------
    body : bytes
    headers, query : mapping of str to str
    served : Served
    limits : Limits
    deadline : Deadline
    """

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    served: Served
    limits: Limits
    deadline: Deadline


@dataclass(frozen=True)
class Answer:
    """An answer, and what it adds to the figures.

    Parameters
    ----------
    body : bytes
    media : str
    headers : mapping of str to str
    tally : Tally or None
    """

    body: bytes
    media: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tally: Tally | None = None


def score(call: Call) -> Answer:
    """Score rows of JSON, CSV or Arrow; the answer has a row for each."""
    format = format_of(call.headers.get("content-type", ""), call.body)
    wanted = answer_format(call.headers.get("accept", ""), format)
    rows = read_rows(call.body, format, call.served, call.limits)
    explain = _number(call, "explain", 0)
    result = scores_of(call.served, rows, call.limits, call.deadline, explain)
    return Answer(write_rows(result, wanted), wanted, tally=tally_of(result))


def invocations(call: Call) -> Answer:
    """Score rows as clients of MLflow and SageMaker send them; JSON is answered as MLflow does."""
    format = format_of(call.headers.get("content-type", ""), call.body)
    wanted = answer_format(call.headers.get("accept", ""), format)
    rows = read_rows(call.body, format, call.served, call.limits)
    result = scores_of(call.served, rows, call.limits, call.deadline)
    if wanted != JSON:
        return Answer(write_rows(result, wanted), wanted, tally=tally_of(result))
    body = json_bytes({"predictions": json_records(result)})
    return Answer(body, JSON, tally=tally_of(result))


def explain(call: Call) -> Answer:
    """Say which columns make anomalies strange, or with ``all=1`` each row."""
    format = format_of(call.headers.get("content-type", ""), call.body)
    wanted = answer_format(call.headers.get("accept", ""), format)
    rows = read_rows(call.body, format, call.served, call.limits)
    top, all_rows = _number(call, "top", 3, least=1), bool(_number(call, "all", 0))
    n_rows, reasons = reasons_for(call.served, rows, call.limits, call.deadline, top, all_rows)
    return Answer(write_rows(reasons, wanted), wanted, {"Rows-Read": str(n_rows)})


def infer(call: Call) -> Answer:
    """Score rows by the Open Inference Protocol."""
    length = call.headers.get(HEADER_LENGTH)
    request = read_request(call.body, length, call.served, call.limits)
    result = scores_of(call.served, request.rows, call.limits, call.deadline)
    body, header_length = write_response(call.served, request, result)
    if header_length is None:
        return Answer(body, JSON, tally=tally_of(result))
    headers = {HEADER_LENGTH: str(header_length)}
    return Answer(body, "application/octet-stream", headers, tally_of(result))


#: What answers a request, by the name of the endpoint in the metrics.
ANSWERS: dict[str, Callable[[Call], Answer]] = {
    "score": score,
    "invocations": invocations,
    "explain": explain,
    "infer": infer,
}


def _number(call: Call, name: str, otherwise: int, least: int = 0) -> int:
    """Return a whole number of the query."""
    text = call.query.get(name, str(otherwise))
    if not text.isascii() or not text.isdecimal() or not least <= int(text[:9]) <= _MOST_REASONS:
        raise InputError(
            f"{name} must be a whole number from {least} to {_MOST_REASONS}, got {text[:60]!r}."
        )
    return int(text)
