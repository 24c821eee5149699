"""The Open Inference Protocol, version 2: what a model is, and inference."""

import reprlib
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm._version import __version__
from dagmm.data.records import ValueColumns, ValueTable
from dagmm.serve.formats import rows_of_values
from dagmm.serve.json_rows import json_bytes, json_of
from dagmm.serve.limits import Limits
from dagmm.serve.model import Served
from dagmm.serve.scoring import Rows
from dagmm.serve.tensors import BYTES, BinaryInput, Tensor, read_tensor

#: The header that says where the JSON of a request ends and its binary tensors begin.
HEADER_LENGTH = "Inference-Header-Content-Length"
_EXTENSION = "binary_tensor_data"


class InferRequest(NamedTuple):
    """A request for inference, checked.

    Parameters
    ----------
    id : str or None
    rows : Rows
    outputs : tuple of (str, bool)
        Names of the outputs, and whether each is wanted as bytes.
    """

    id: str | None
    rows: Rows
    outputs: tuple[tuple[str, bool], ...]


def server_metadata() -> dict[str, Any]:
    """Say what server this is."""
    return {"name": "dagmm", "version": __version__, "extensions": [_EXTENSION]}


def model_metadata(served: Served) -> dict[str, Any]:
    """Say what a model takes and gives: an input for each column."""
    numbers = set(served.model.table_encoder.numbers.names)
    written = {column.name for column in served.model.table_encoder.number_texts}
    outputs = {"energy": "FP64", "p_value": "FP64", "label": "INT64"}
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": "dagmm",
        "inputs": [
            _tensor(name, "FP64" if name in numbers - written else BYTES)
            for name in served.model.columns
        ],
        "outputs": [_tensor(name, outputs[name]) for name in _outputs_of(served)],
    }


def read_request(
    body: bytes, header_length: str | None, served: Served, limits: Limits
) -> InferRequest:
    """Check a request for inference and read its rows.

    Parameters
    ----------
    body : bytes
    header_length : str or None
        Length of its JSON, where bytes follow.
    served : Served
    limits : Limits

    Raises
    ------
    InputError, RequestError
    """
    end = len(body) if header_length is None else _length(header_length, len(body))
    given = json_of(body[:end])
    if not isinstance(given, dict) or not isinstance(given.get("inputs"), list):
        raise InputError("the request must be an object with a list of 'inputs'.")
    identity = given.get("id")
    if identity is not None and not isinstance(identity, str):
        raise InputError("id must be a string.")
    limits.check_columns(len(given["inputs"]))
    binary = BinaryInput(body[end:])
    tensors = [read_tensor(one, i, binary) for i, one in enumerate(given["inputs"])]
    binary.check_end()
    if not tensors:
        raise InputError("the request has no inputs; expected one for each column.")
    rows = rows_of_values(_table(tensors, served), served, limits)
    return InferRequest(identity, rows, _wanted(given, served))


def write_response(
    served: Served, request: InferRequest, result: pa.Table
) -> tuple[bytes, int | None]:
    """Write the answer.

    Returns
    -------
    body : bytes
    header_length : int or None
        Length of its JSON, where bytes follow.
    """
    outputs, binary = [], []
    for name, is_binary in request.outputs:
        values = _values(name, result)
        output: dict[str, Any] = {
            "name": name,
            "datatype": "INT64" if name == "label" else "FP64",
            "shape": [len(values)],
        }
        if is_binary:
            binary.append(values.tobytes())
            output["parameters"] = {"binary_data_size": len(binary[-1])}
        else:
            output["data"] = values.tolist()
        outputs.append(output)
    answer: dict[str, Any] = {"model_name": served.name, "model_version": served.version}
    if request.id is not None:
        answer["id"] = request.id
    header = json_bytes({**answer, "outputs": outputs})
    return b"".join([header, *binary]), len(header) if binary else None


def _values(name: str, result: pa.Table) -> np.ndarray:
    if name == "label":  # scikit-learn's, and that of outlier detectors in ONNX
        return np.where(result["is_anomaly"].to_numpy(), -1, 1).astype("<i8")
    return result[name].to_numpy().astype("<f8")


def _tensor(name: str, dtype: str) -> dict[str, Any]:
    return {"name": name, "datatype": dtype, "shape": [-1]}


def _outputs_of(served: Served) -> tuple[str, ...]:
    return ("energy", "p_value", *(() if served.model.threshold is None else ("label",)))


def _length(header: str, n_bytes: int) -> int:
    if not header.isascii() or not header.isdecimal() or len(header) > 12 or int(header) > n_bytes:
        raise InputError(
            f"{HEADER_LENGTH} must be the length of the JSON, at most that of the body "
            f"({n_bytes}), got {header!r}."
        )
    return int(header)


def _wanted(given: dict[str, Any], served: Served) -> tuple[tuple[str, bool], ...]:
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InputError("parameters must be an object.")
    by_default = parameters.get("binary_data_output") is True
    known, outputs = _outputs_of(served), given.get("outputs")
    if not outputs:
        return tuple((name, by_default) for name in known)
    if not isinstance(outputs, list):
        raise InputError("outputs must be a list.")
    wanted: list[tuple[str, bool]] = []
    for one in outputs:
        name = one.get("name") if isinstance(one, dict) else one
        if name not in known or name in dict(wanted):
            raise InputError(
                f"outputs must be some of {', '.join(known)}, each once; got {reprlib.repr(name)}."
            )
        own = one.get("parameters") or {}
        if not isinstance(own, dict):
            raise InputError(f"output {name!r}: parameters must be an object.")
        wanted.append((name, own.get("binary_data", by_default) is True))
    return tuple(wanted)


def _table(tensors: list[Tensor], served: Served) -> ValueTable:
    columns = served.model.columns
    first = tensors[0]
    if len(tensors) == 1 and len(first.shape) == 2 and first.n_columns == len(columns):
        return _of_matrix(first, columns)
    names, known = [one.name for one in tensors], set(columns)
    unknown = [name for name in names if name not in known]
    if unknown and len(tensors) == 1 and len(first.shape) == 2:
        raise InputError(
            f"input {first.name!r} has {first.n_columns} columns; this model was fitted on "
            f"{len(columns)}."
        )
    if unknown:
        raise InputError(
            f"there is no input {unknown[0]!r}; those of this model are its columns, as its "
            "metadata lists them."
        )
    if len(set(names)) < len(names):
        raise InputError("two inputs have one name.")
    for one in tensors:
        if one.n_columns != 1:
            raise InputError(
                f"input {one.name!r} has shape {list(one.shape)}; that of a column is [rows] or "
                "[rows, 1]."
            )
        if one.n_rows != first.n_rows:
            raise InputError(
                f"input {one.name!r} has {one.n_rows} rows, {first.name!r} {first.n_rows}."
            )
    return ValueColumns({one.name: one.values for one in tensors})


def _of_matrix(tensor: Tensor, columns: tuple[str, ...]) -> ValueTable:
    """Return a two-dimensional tensor as a table; its columns are the model's, in their order."""
    n = len(columns)
    return ValueColumns({name: tensor.values[i::n] for i, name in enumerate(columns)})
