"""The graph of a fitted model: from the columns of a table to label, score, energy and p-value.

Each part is recorded from the formula that scores: views, networks, densities, surprisals, their
mean, the decision. A density whose energy is a formula of NumPy's functions needs nothing here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagmm._core.errors import ExportError
from dagmm.inference.calibration.threshold import label_of, p_value_of, score_of
from dagmm.inference.ensemble import Component, Identity, TrainedNetwork, bounded, combine
from dagmm.inference.export.column_inputs import (
    ColumnInput,
    column_inputs,
    encoded_rows,
)
from dagmm.inference.export.recording import namespace
from dagmm.inference.export.recording.nodes import FLOAT
from dagmm.inference.export.recording.recorded import Recorded
from dagmm.inference.export.recording.recorder import Recorder, Value
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.row_views import RowView

#: The input that need not be given, and the outputs, in their order.
THRESHOLD = "threshold"
LABEL, SCORES, ENERGY, P_VALUE = OUTPUTS = ("label", "scores", "energy", "p_value")


@dataclass(frozen=True)
class ModelGraph:
    """A model as a graph.

    Parameters
    ----------
    recorder : Recorder
    columns : tuple of ColumnInput
    threshold : float or None
        Default of the input of that name; None for a model that does not decide.
    outputs : tuple of Value
    """

    recorder: Recorder
    columns: tuple[ColumnInput, ...]
    threshold: float | None
    outputs: tuple[Value, ...]


def graph_of(model: FittedModel, dtype: type[np.floating] | None = None) -> ModelGraph:
    """Record how a model scores rows.

    Parameters
    ----------
    model : FittedModel
    dtype : type, optional
        In which networks compute; each in that of its parameters by default, as in the library.

    Raises
    ------
    ExportError
        If a density's energy cannot be recorded.
    """
    encoder, reserved = model.table_encoder, (THRESHOLD, *OUTPUTS)
    columns = column_inputs(encoder, reserved)
    recorder = Recorder(namespace, (*reserved, *(one.value.name for one in columns)))
    energy = energy_of(model, encoded_rows(recorder, encoder, columns), dtype)
    outputs = {ENERGY: energy, P_VALUE: p_value_of(model.calibration, energy)}
    if model.threshold is not None:
        threshold = Recorded(recorder, Value(THRESHOLD, FLOAT, ()))
        scores = score_of(energy) + threshold
        outputs |= {SCORES: scores, LABEL: label_of(scores)}
    named = tuple(
        recorder.rename(outputs[name][:, None].value, name) for name in OUTPUTS if name in outputs
    )
    return ModelGraph(recorder, tuple(columns), model.threshold, named)


def energy_of(model: FittedModel, features: Any, dtype: type[np.floating] | None = None) -> Any:
    """Return the energy of encoded rows, all at once.

    Parameters
    ----------
    model : FittedModel
    features : Recorded or ndarray of shape (n_rows, n_features), float32
    dtype : type, optional
        In which networks compute; each in that of its parameters by default, as in the library.

    Returns
    -------
    Recorded or ndarray of shape (n_rows,), float64
    """
    views: dict[int, Any] = {id(None): features.T}
    seen: dict[int, Any] = {}

    def shown(view: RowView | None) -> Any:
        if id(view) not in views:
            assert view is not None, "rows as they are come first"
            views[id(view)] = view(features).T
        return views[id(view)]

    energies = []
    for component in model.components:
        transform = component.transform
        if id(transform) not in seen:
            x = shown(transform.view)
            seen[id(transform)] = _seen(transform, x, dtype)
        energies.append(_density_energy(component, seen[id(transform)]))
    return combine(model.components, energies)


def _seen(network: TrainedNetwork | Identity, x: Any, dtype: type[np.floating] | None) -> Any:
    """Return what densities see of rows by a network; the rows where there is none."""
    if isinstance(network, Identity):
        return x
    architecture, parameters = network.architecture, network.parameters
    if dtype is not None:
        parameters = parameters.astype(dtype)
    x, layers = x.astype(parameters.dtype), architecture.unflatten(parameters)
    return bounded(architecture.seen(x, *layers.rebuilt(x)))


def _density_energy(component: Component, z: Any) -> Any:
    try:
        return component.density.energy(z)
    except (TypeError, AttributeError) as error:  # a RecordingError is of the former
        raise ExportError(
            f"the density {component.density.kind!r} cannot be exported: in its energy, {error}. "
            "Fit a model without it, or write its energy with functions of NumPy that can."
        ) from error
