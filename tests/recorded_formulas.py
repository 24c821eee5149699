"""Formulas recorded as graphs, and run by two evaluators."""

import onnx
import onnxruntime
from onnx import helper
from onnx.reference import ReferenceEvaluator

from dagmm.inference.export.onnx_file import IR_VERSION, OPSET, node_of, type_of
from dagmm.inference.export.recording import namespace
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.recorder import Recorder, Value, needed


def recorded(arrays):
    recorder = Recorder(namespace, list("xyz"))
    shapes = [("rows", *one.shape[1:]) for one in arrays]
    inputs = [
        Value(name, one.dtype, shape)
        for name, one, shape in zip("xyz", arrays, shapes, strict=False)
    ]
    return recorder, inputs, [Recorded(recorder, one) for one in inputs]


def model_of(recorder, inputs, result):
    def info(value):
        return helper.make_tensor_value_info(value.name, type_of(value.dtype), value.shape)

    constants = [onnx.numpy_helper.from_array(a, n) for n, a in recorder.constants.items()]
    nodes = [node_of(one) for one in needed(recorder.nodes, [result.value.name])]
    graph = helper.make_graph(
        nodes, "g", [info(one) for one in inputs], [info(result.value)], constants
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model


def evaluated(formula, *arrays):
    """Run a formula as a graph, by ONNX Runtime and by ONNX's own evaluator."""
    recorder, inputs, given = recorded(arrays)
    result = formula(*given)
    model = model_of(recorder, inputs, result)
    feeds = dict(zip("xyz", arrays, strict=False))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    found = [session.run(None, feeds)[0], ReferenceEvaluator(model).run(None, feeds)[0]]
    for one in found:
        assert one.dtype == result.dtype
        fixed = [size for size in result.shape if isinstance(size, int)]
        assert [s for s, r in zip(one.shape, result.shape, strict=True) if r != "rows"] == fixed
    return found
