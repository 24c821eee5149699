"""Whether a graph gives rows the energies that the library gives them."""

import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from dagmm._core.errors import ExportError, TableWarning
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.threshold import is_anomaly, label_of, p_value_of, score_of
from dagmm.inference.export.check_rows import check_rows
from dagmm.inference.export.column_inputs import TEXT, ColumnInput
from dagmm.inference.export.model_graph import (
    ENERGY,
    LABEL,
    P_VALUE,
    SCORES,
    ModelGraph,
    energy_of,
)
from dagmm.inference.fitted_model import FittedModel

#: Most that an energy may differ by: in nats, and relative to energies above one nat.
TOLERANCE = 1e-5
#: The same of p-values, scores and labels of an energy, and the least p-value that is one.
_OF_ENERGY, _LEAST = 1e-9, 1e-300
#: A difference may be so many times what the library's own rounding makes, where that is more, as
#: of models that were saved with networks in float32 alone. ONNX Runtime rounds up to three times
#: as coarsely as NumPy, as far as was seen.
_ROUNDINGS = 4.0

#: Makes of a value for each input, by its name, those of the outputs.
Run: TypeAlias = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


class Check(NamedTuple):
    """What a check found.

    Parameters
    ----------
    runtime : str
        What ran the graph.
    n_rows : int
    difference : float
        Largest difference of two energies, relative to energies above one nat.
    rounding : float
        The same between the library and its own formulas with networks in float64.
    """

    runtime: str
    n_rows: int
    difference: float
    rounding: float


def check_graph(model: FittedModel, graph: ModelGraph, data: bytes) -> Check:
    """Score rows with a graph and with the library.

    Parameters
    ----------
    model : FittedModel
    graph : ModelGraph
        Of the model.
    data : bytes
        The graph as a file.

    Raises
    ------
    ExportError
        If an energy, a label or a p-value differs.
    """
    table, (run, runtime) = check_rows(model), _runtime(data)
    feeds = feeds_of(graph.columns, table)
    found = {name: values[:, 0] for name, values in run(feeds).items()}
    alone = run({name: values[5:6] for name, values in feeds.items()})
    energy, rounding = _energies(model, table)
    worst = _worst(found[ENERGY], energy)
    allowed = max(TOLERANCE, _ROUNDINGS * rounding)
    _compare("energy", found[ENERGY], energy, allowed)
    _compare("energy of a row by itself", alone[ENERGY][:, 0], energy[5:6], allowed)
    p_value = p_value_of(model.calibration, found[ENERGY])
    _compare("p-value", found[P_VALUE], p_value, _OF_ENERGY, _LEAST)
    if model.threshold is not None:
        decision = score_of(found[ENERGY]) + model.threshold
        _compare("score", found[SCORES], decision, _OF_ENERGY)
        _compare("label", found[LABEL], label_of(decision), 0.0)
        near = allowed * np.maximum(1.0, np.abs(energy))
        sure = np.abs(energy - model.threshold) > near
        label = np.where(is_anomaly(energy, model.threshold), -1, 1)
        _compare("label", found[LABEL][sure], label[sure], 0.0)
    return Check(runtime, table.num_rows, worst, rounding)


def feeds_of(columns: tuple[ColumnInput, ...], table: pa.Table) -> dict[str, np.ndarray]:
    """Return the columns of a table as the inputs of a graph take them."""
    feeds: dict[str, np.ndarray] = {}
    for one in columns:
        column = table[one.column].combine_chunks()
        if one.kind == "text":
            values = np.array(column.fill_null("").to_pylist(), TEXT)
        elif one.kind == "date":
            values = column.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False)
        else:
            values = column.to_numpy(zero_copy_only=False)
        feeds[one.value.name] = values[:, None]
    return feeds


def _energies(model: FittedModel, table: pa.Table) -> tuple[np.ndarray, float]:
    """Return the library's energies, and what rounding in float32 makes of them, relative."""
    rows = as_rows(table, columns=model.read_columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)  # of units that numbers come without
        energy = model.energy(rows)
        features = np.concatenate([model.encoder.encode(chunk) for chunk in rows.chunks()])
    with np.errstate(all="ignore"):  # what is far away overflows
        exact = energy_of(model, features, np.float64)
    return energy, _worst(exact, energy)


def _worst(found: np.ndarray, energy: np.ndarray) -> float:
    return float(np.max(np.abs(found - energy) / np.maximum(1.0, np.abs(energy))))


def _compare(
    what: str, found: np.ndarray, wanted: np.ndarray, allowed: float, least: float = 1.0
) -> None:
    """Check values to a difference, relative to those above the least."""
    difference = np.abs(found - wanted) / np.maximum(least, np.abs(wanted))
    wrong = ~(difference <= allowed)  # NaN among them
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ExportError(
            f"the graph differs from the library, and was not written: the {what} of check row "
            f"{row} is {found[row]:.9g}, expected {wanted[row]:.9g} within {allowed:.1e}. "
            "This is a mistake of dagmm, or of the runtime that checked; please report it."
        )


def _runtime(data: bytes) -> tuple[Run, str]:
    """Return what runs a graph: ONNX Runtime where it is installed, or ONNX's own evaluator."""
    try:
        import onnxruntime
    except ImportError:
        import onnx
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(onnx.load_model_from_string(data))
        names = evaluator.output_names
        return (
            lambda feeds: dict(zip(names, evaluator.run(None, dict(feeds)), strict=True)),
            f"onnx.reference {onnx.__version__}",
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of the input that has a default
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return (
        lambda feeds: dict(zip(names, session.run(None, dict(feeds)), strict=True)),
        f"onnxruntime {onnxruntime.__version__}",
    )
