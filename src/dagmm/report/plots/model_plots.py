"""Plots of a fitted model and a table, for notebooks."""

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

    The axis of energies is linear near those of normal rows and logarithmic far away. The
    histogram shows those of the training rows as a line.

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

    Examples
    --------
    With ``model`` and ``x`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> dagmm.plot_energy(model, x).get_xlabel()
    'energy (nats, higher is stranger)'
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


def plot_latent(model: Any, X: Any, *, network: int = 0, ax: Any = None) -> Any:
    """Draw the rows of a table in one network's code space, with its mixture's ellipses.

    The horizontal axis is the principal axis of the code under the mixture, the vertical one the
    first residual feature. Ellipses are drawn at one standard deviation (solid) and around 99 %
    of a component (dashed); rows far beyond them may lie outside of the axes.

    Parameters
    ----------
    model : DAGMM, DAGMMDetector or FittedModel
        Fitted.
    X : DataFrame or array-like of shape (n_rows, n_features)
    network : int, default=0
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
        If there is no such network.
    InputError
        If the table does not fit the model; column and row are named.
    MissingExtraError
        Without matplotlib.

    Examples
    --------
    With ``model`` and ``x`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> dagmm.plot_latent(model, x).has_data()
    True
    """
    fitted, rows = _opened(model, X)
    n_networks = len(fitted.networks)
    if check_int("network", network, 0) >= n_networks:
        raise ArgumentError(
            f"network must be below {n_networks}, the number of networks, got {network}."
        )
    ax = axes_for(ax, "plot_latent", (5.6, 4.6))
    fitted.check(rows)
    reader = fitted.reader()
    windows = fitted.windows
    chunks = rows.chunks() if windows is None else rows.chunks(fitted.chunk_rows)
    features = np.concatenate([reader.read(chunk).inputs for chunk in chunks])
    above = np.zeros(len(features), bool)
    if fitted.threshold is not None:
        energy = fitted.energy_of_features(features)
        above = is_anomaly(energy, fitted.threshold)
    draw_latent(ax, latent_view(fitted, network, features, above))
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

    Examples
    --------
    With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> dagmm.plot_explanation(model, rows).get_xlabel()
    'contribution (nats)'
    """
    fitted, rows = _opened(model, X)
    check_int("n_columns", n_columns, 1)
    if check_int("row", row, 0) >= rows.n_rows:
        raise ArgumentError(f"row must be below {rows.n_rows}, the rows of X, got {row}.")
    fitted.check(rows)
    explainer = Explainer(fitted)
    explanation = explainer.explain(_features_of_row(explainer, rows, row))
    ax = axes_for(ax, "plot_explanation")
    draw_explanation(ax, explanation, 0, n_columns)
    return ax


def _opened(model: Any, X: Any) -> tuple[FittedModel, Rows]:
    """Return the fitted model and the rows of a table."""
    if isinstance(model, FittedModel):
        return model, as_rows(X)
    if not isinstance(model, FittedModelEstimator):
        raise ArgumentError(
            f"model must be a DAGMM, a DAGMMDetector or a FittedModel, got {type(model).__name__}."
        )
    check_is_fitted(model)
    return model.model_, model.rows(X)


def _features_of_row(explainer: Explainer, rows: Rows, row: int) -> Features:
    """Return the features of one row; with windows they depend on the rows before it."""
    reader, size = explainer.reader(), explainer.chunk_rows
    for start in range(0, row + 1, size):
        features = reader.read(rows.chunk(start, min(start + size, row + 1)), to_explain=True)
    return features.of(np.arange(len(features.inputs)) == len(features.inputs) - 1)
