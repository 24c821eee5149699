"""From a fitted model to a file of ONNX that scores as it does."""

import os
from typing import NamedTuple

from dagmm._core.errors import ExportError
from dagmm.data.files.write import check_target, write_bytes
from dagmm.inference.export.check import Check, check_graph
from dagmm.inference.export.metadata import metadata_of, said_of
from dagmm.inference.export.model_graph import THRESHOLD, graph_of
from dagmm.inference.export.onnx_file import check_onnx, model_bytes
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.image_encoder import ImageEncoder


class Exported(NamedTuple):
    """What was written.

    Parameters
    ----------
    path : str
    inputs, outputs : tuple of str
        Names; ``threshold`` may be left out.
    n_bytes : int
    check : Check
        How far the graph and the library differ.
    """

    path: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    n_bytes: int
    check: Check


def export_onnx(
    model: FittedModel, path: str | os.PathLike[str], *, force: bool = False
) -> Exported:
    """Write a fitted model as one graph of ONNX, from the columns of a table to the decision.

    The graph is recorded from the formulas that score, run on rows of its own making, and only
    written where its energies are those of the library: within 1e-5 nats, relative to energies
    above one nat; or, where that is more, within four times what rounding to float32 makes of the
    library's own.

    Parameters
    ----------
    model : FittedModel
        Of tables, rows by themselves.
    path : path-like
        A file; ``"-"`` is standard output.
    force : bool, default=False
        Whether a file that exists may be replaced.

    Returns
    -------
    Exported

    Raises
    ------
    ArgumentError
        If the file exists and ``force`` is not set, or cannot be written.
    ExportError
        If the model has what no graph holds, or the graph differs from the library.
    MissingExtraError
        Without the package onnx.
    """
    target = os.fspath(path)
    _check_model(model)
    check_onnx()
    check_target(target, force)
    graph = graph_of(model)
    data = model_bytes(graph, metadata_of(model, graph), said_of(graph.columns))
    check = check_graph(model, graph, data)
    write_bytes(target, data, force=force)
    optional = () if graph.threshold is None else (THRESHOLD,)
    return Exported(
        target,
        (*(one.value.name for one in graph.columns), *optional),
        tuple(one.name for one in graph.outputs),
        len(data),
        check,
    )


def _check_model(model: FittedModel) -> None:
    """Check that a graph can hold what a model is made of."""
    instead = 'score with dagmm itself ("dagmm score", or energy in Python)'
    if isinstance(model.encoder, ImageEncoder):
        raise ExportError(f"a model of images cannot be exported; {instead}.")
    if model.windows is not None:
        raise ExportError(
            "a model of windows cannot be exported, as a graph sees each row by itself; fit one "
            f"without a window, or {instead}."
        )
    if model.encoder.imputation is None:
        raise ExportError(
            "the model fills no holes, as those of an older version do; fit it again to export it."
        )
    for network in model.networks:
        architecture = network.architecture
        for name in ("comp_activation", "est_activation"):
            activation = getattr(architecture, name)
            if not isinstance(activation, str):
                raise ExportError(
                    f"{name} is the function {activation!r}, which cannot be exported; fit a "
                    "model with an activation that has a name, such as 'tanh'."
                )
        if architecture.shape:
            raise ExportError(f"a convolutional network cannot be exported; {instead}.")
