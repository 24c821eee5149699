"""The plots that an estimator offers to notebooks."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_int
from dagmm._core.errors import ArgumentError
from dagmm.data.base import Rows
from dagmm.inference.calibration.threshold import is_anomaly
from dagmm.inference.explain.attribution import Explainer
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.pipeline import Features
from dagmm.report.plots.canvas import axes_for
from dagmm.report.plots.energies import EnergySeries, draw_histogram, draw_series, histogram_of
from dagmm.report.plots.explanation import draw_explanation
from dagmm.report.plots.latent import draw_latent, latent_view
from dagmm.report.plots.scale import EnergyScale


class PlotMethods:
    """Plots of whatever holds a fitted model and takes tables."""

    model_: FittedModel

    def plot_energy(self, X: Any, *, by_row: bool = False, ax: Any = None) -> Any:
        """Draw the energies of a table, and where the threshold lies among them.

        Energies are drawn evenly near those of normal rows and by their logarithm far away. As a
        histogram they are drawn with those of the training rows as a line, where the model
        remembers them.

        Parameters
        ----------
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
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.
        MissingExtraError
            Without matplotlib.
        """
        check_is_fitted(self)
        ax = axes_for(ax, "plot_energy")
        energy = self.model_.energy(self._rows(X, fitting=False))
        known = self._known_energies()
        if by_row:
            series = EnergySeries(np.arange(len(energy)), energy, energy, self.model_.threshold)
            draw_series(ax, series, EnergyScale.of(known[0] if len(known[0]) else energy))
        else:
            weight = np.ones(len(energy))
            draw_histogram(ax, histogram_of(energy, weight, *known, self.model_.threshold))
        return ax

    def plot_latent(self, X: Any, *, member: int = 0, ax: Any = None) -> Any:
        """Draw the rows of a table in one network's code space, with its mixture's ellipses.

        From left to right the main axis of the code, upwards how badly a row was rebuilt.
        Ellipses are drawn at one deviation (solid) and around 99 % of a component (dashed); rows
        far beyond them may lie outside of the axes.

        Parameters
        ----------
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
            Before ``fit`` or ``restore``.
        ArgumentError
            If there is no such member.
        InputError
            If the table does not fit the model; column and row are named.
        MissingExtraError
            Without matplotlib.
        """
        check_is_fitted(self)
        n_members = len(self.model_.members)
        if check_int("member", member, 0) >= n_members:
            raise ArgumentError(
                f"member must be below {n_members}, the number of networks, got {member}."
            )
        ax = axes_for(ax, "plot_latent", (5.6, 4.6))
        rows = self._rows(X, fitting=False)
        self.model_.check(rows)
        reader = self.model_.reader()
        windows = self.model_.windows
        chunks = rows.chunks() if windows is None else rows.chunks(self.model_.chunk_rows)
        features = np.concatenate([reader.read(chunk).inputs for chunk in chunks])
        strange = np.zeros(len(features), bool)
        if self.model_.threshold is not None:
            energy = self.model_.energy_of_features(features)
            strange = is_anomaly(energy, self.model_.threshold)
        draw_latent(ax, latent_view(self.model_.members[member], features, strange))
        return ax

    def plot_explanation(self, X: Any, *, row: int = 0, n_columns: int = 8, ax: Any = None) -> Any:
        """Draw what each column adds to the energy of a row, and what was expected there.

        Parameters
        ----------
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
            Before ``fit`` or ``restore``.
        ArgumentError
            If there is no such row, or the model was saved in format 1 and not calibrated since.
        InputError
            If the table does not fit the model; column and row are named.
        MissingExtraError
            Without matplotlib.
        """
        check_is_fitted(self)
        check_int("n_columns", n_columns, 1)
        rows = self._rows(X, fitting=False)
        if check_int("row", row, 0) >= rows.n_rows:
            raise ArgumentError(f"row must be below {rows.n_rows}, the rows of X, got {row}.")
        self.model_.check(rows)
        explainer = Explainer(self.model_)
        explanation = explainer.explain(_seen_of(explainer, rows, row))
        ax = axes_for(ax, "plot_explanation")
        draw_explanation(ax, explanation, 0, n_columns)
        return ax

    def _known_energies(self) -> tuple[np.ndarray, np.ndarray]:
        """Energies that the model remembers of its training rows, and how many rows each is."""
        known = self.model_.calibration
        sample = None if known is None else known.training
        return (np.empty(0), np.empty(0)) if sample is None else (sample.energy, sample.weight)

    def _rows(self, table: object, *, fitting: bool) -> Rows:
        """Check a table; what holds the model knows how."""
        raise NotImplementedError


def _seen_of(explainer: Explainer, rows: Rows, row: int) -> Features:
    """Return what the networks see of one row, which is what it is after those before it."""
    reader, size = explainer.reader(), explainer.chunk_rows
    for start in range(0, row + 1, size):
        seen = reader.read(rows.chunk(start, min(start + size, row + 1)), to_explain=True)
    return seen.of(np.arange(len(seen.inputs)) == len(seen.inputs) - 1)
