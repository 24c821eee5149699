"""Plots of what a fitted model says of a table, for notebooks."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_int
from dagmm._core.errors import ArgumentError
from dagmm.data.base import Rows
from dagmm.data.convert import as_rows
from dagmm.estimators.base import FittedModelEstimator
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.pipeline import Features
from dagmm.report.plots.canvas import axes_for
from dagmm.report.plots.energies import EnergySeries, draw_histogram, draw_series, histogram_of
from dagmm.report.plots.explanation import draw_explanation
from dagmm.report.plots.latent import draw_latent, latent_view
from dagmm.report.plots.scale import EnergyScale


def plot_energy(model: Any, X: Any, *, by_row: bool = False, ax: Any = None) -> Any:
    """Draw the energies of a table, and where the threshold lies among them.

    Energies are drawn evenly near those of normal rows and by their logarithm far away. As a
    histogram they are drawn with those of the training rows as a line.

    Parameters
    ----------
    model : DAGMM, DAGMMDetector or FittedModel
        Fitted.
    X : DataFrame or array-like of shape (n_rows, n_features)
    by_row : bool, default=False
        Whether to draw the energies in the order of the rows instead of a histogram.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    NotFittedError
        If an estimator was neither fitted nor restored.
    InputError
        If the table does not fit the model; column and row are named.
    MissingExtraError
        Without matplotlib.
    """
    fitted, rows = _opened(model, X)
    ax = axes_for(ax, "plot_energy")
    energy = fitted.energy(rows)
    known = fitted.calibration.training
    if by_row:
        series = EnergySeries(np.arange(len(energy)), energy, energy, fitted.threshold)
        draw_series(ax, series, EnergyScale.of(known.energy))
    else:
        weight = np.ones(len(energy))
        draw_histogram(
            ax, histogram_of(energy, weight, known.energy, known.weight, fitted.threshold)
        )
    return ax


def plot_latent(model: Any, X: Any, *, member: int = 0, ax: Any = None) -> Any:
    """Draw the rows of a table in one network's code space, with its mixture's ellipses.

    From left to right the main axis of the code, upwards how badly a row was rebuilt.
    Ellipses are drawn at one deviation (solid) and around 99 % of a component (dashed); rows
    far beyond them may lie outside of the axes.

    Parameters
    ----------
    model : DAGMM, DAGMMDetector or FittedModel
        Fitted.
    X : DataFrame or array-like of shape (n_rows, n_features)
    member : int, default=0
        Which of the networks.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    NotFittedError
        If an estimator was neither fitted nor restored.
    ArgumentError
        If there is no such member.
    InputError
        If the table does not fit the model; column and row are named.
    MissingExtraError
        Without matplotlib.
    """
    fitted, rows = _opened(model, X)
    n_members = len(fitted.members)
    if check_int("member", member, 0) >= n_members:
        raise ArgumentError(
            f"member must be below {n_members}, the number of networks, got {member}."
        )
    ax = axes_for(ax, "plot_latent", (5.6, 4.6))
    fitted.check(rows)
    reader = fitted.reader()
    windows = fitted.windows
    chunks = rows.chunks() if windows is None else rows.chunks(fitted.chunk_rows)
    features = np.concatenate([reader.read(chunk).inputs for chunk in chunks])
    strange = np.zeros(len(features), bool)
    if fitted.threshold is not None:
        energy = fitted.energy_of_features(features)
        strange = is_anomaly(energy, fitted.threshold)
    draw_latent(ax, latent_view(fitted.members[member], features, strange))
    return ax


def plot_explanation(
    model: Any, X: Any, *, row: int = 0, n_columns: int = 8, ax: Any = None
) -> Any:
    """Draw what each column adds to the energy of a row, and what was expected there.

    Parameters
    ----------
    model : DAGMM, DAGMMDetector or FittedModel
        Fitted.
    X : DataFrame or array-like of shape (n_rows, n_features)
    row : int, default=0
        Which row of X, counted from 0.
    n_columns : int, default=8
        Most columns to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    NotFittedError
        If an estimator was neither fitted nor restored.
    ArgumentError
        If there is no such row.
    InputError
        If the table does not fit the model; column and row are named.
    MissingExtraError
        Without matplotlib.
    """
    fitted, rows = _opened(model, X)
    check_int("n_columns", n_columns, 1)
    if check_int("row", row, 0) >= rows.n_rows:
        raise ArgumentError(f"row must be below {rows.n_rows}, the rows of X, got {row}.")
    fitted.check(rows)
    explainer = Explainer(fitted)
    explanation = explainer.explain(_seen_of(explainer, rows, row))
    ax = axes_for(ax, "plot_explanation")
    draw_explanation(ax, explanation, 0, n_columns)
    return ax


def _opened(model: Any, X: Any) -> tuple[FittedModel, Rows]:
    """Return the fitted model that somebody holds, and the rows of a table."""
    if isinstance(model, FittedModel):
        return model, as_rows(X)
    if not isinstance(model, FittedModelEstimator):
        raise ArgumentError(
            f"model must be a DAGMM, a DAGMMDetector or a FittedModel, got {type(model).__name__}."
        )
    check_is_fitted(model)
    return model.model_, model.rows(X)


def _seen_of(explainer: Explainer, rows: Rows, row: int) -> Features:
    """Return what the networks see of one row, which is what it is after those before it."""
    reader, size = explainer.reader(), explainer.chunk_rows
    for start in range(0, row + 1, size):
        seen = reader.read(rows.chunk(start, min(start + size, row + 1)), to_explain=True)
    return seen.of(np.arange(len(seen.inputs)) == len(seen.inputs) - 1)
