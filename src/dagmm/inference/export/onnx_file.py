"""A recorded graph in the format of ONNX."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dagmm._core.errors import ExportError, MissingExtraError
from dagmm._version import __version__
from dagmm.inference.export.model_graph import THRESHOLD, ModelGraph
from dagmm.inference.export.recording.recorder import ML_DOMAIN, Body, Node, Value, needed

#: Versions of ONNX's operators, and of its files: those of ONNX Runtime 1.14 (2023) and later.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
#: Most bytes of such a file (of a message of protobuf).
_MOST_BYTES = 2**31 - 1


def check_onnx() -> None:
    """Check that ONNX's package is there.

    Raises
    ------
    MissingExtraError
    """
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'an export needs the package onnx; pip install "dagmm[onnx]".'
        ) from error


def model_bytes(graph: ModelGraph, texts: Mapping[str, str], said: Mapping[str, str]) -> bytes:
    """Return a graph as a file of ONNX has it.

    Parameters
    ----------
    graph : ModelGraph
    texts : mapping of str to str
        Metadata.
    said : mapping of str to str
        What inputs and outputs are, by their names.

    Raises
    ------
    ExportError
        If it would be larger than a file can be.
    """
    from onnx import checker, helper, numpy_helper

    constants = dict(graph.recorder.constants)
    inputs = [one.value for one in graph.columns]
    if graph.threshold is not None:
        constants[THRESHOLD] = np.array(graph.threshold, np.float64)
        inputs.append(Value(THRESHOLD, np.dtype(np.float64), ()))
    nodes = needed(graph.recorder.nodes, [one.name for one in graph.outputs])
    used = {name for node in nodes for name in node.taken}
    n_bytes = sum(array.nbytes for name, array in constants.items() if name in used)
    if n_bytes > _MOST_BYTES - 2**20:
        raise ExportError(
            f"the model has {n_bytes / 1e9:.1f} GB of constants, and a file of ONNX holds 2.1 GB; "
            "fit fewer networks, or leave columns out."
        )
    tensors = [
        numpy_helper.from_array(np.asarray(array), name)
        for name, array in constants.items()
        if name in used
    ]
    made = helper.make_graph(
        [node_of(one) for one in nodes],
        "dagmm",
        [_info(one, said) for one in inputs],
        [_info(one, said) for one in graph.outputs],
        tensors,
    )
    versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
    model = helper.make_model(
        made,
        opset_imports=versions,
        ir_version=IR_VERSION,
        producer_name="dagmm",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(texts))
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _info(value: Value, said: Mapping[str, str] | None = None) -> Any:
    from onnx import helper

    text = (said or {}).get(value.name, "")
    return helper.make_tensor_value_info(value.name, type_of(value.dtype), value.shape, text)


def type_of(dtype: np.dtype[Any]) -> int:
    """Return the number that a type has in ONNX."""
    from onnx import TensorProto, helper

    return TensorProto.STRING if dtype.hasobject else helper.np_dtype_to_tensor_dtype(dtype)


def node_of(node: Node) -> Any:
    """Return a node as ONNX has it."""
    from onnx import helper

    attributes = {name: _attribute(value) for name, value in node.attributes.items()}
    return helper.make_node(
        node.operator, node.inputs, node.outputs, domain=node.domain, **attributes
    )


def _attribute(value: Any) -> Any:
    from onnx import helper, numpy_helper

    if isinstance(value, Body):
        parts: Sequence[Any] = [
            [_info(one) for one in side] for side in (value.inputs, value.outputs)
        ]
        return helper.make_graph([node_of(one) for one in value.nodes], "body", *parts)
    if isinstance(value, np.dtype):
        return type_of(value)
    return numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
