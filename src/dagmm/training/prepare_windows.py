"""The first stage of a fit of windows: as :mod:`dagmm.training.prepare`, and what they need."""

from dataclasses import replace

import numpy as np

from dagmm._core.digests import fingerprint_of
from dagmm._core.progress import Progress
from dagmm.data.base import CHUNK_ROWS, Rows
from dagmm.inference.calibration.calibration import OUT_OF_FOLD_WINDOWS
from dagmm.preprocessing.sampling import encode_rows, padded_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.preprocessing.windows.features import (
    Detail,
    WindowFeatures,
    WindowGather,
    WindowInputs,
    scaled_view,
)
from dagmm.preprocessing.windows.fit import Series, series_of
from dagmm.preprocessing.windows.length import WindowLength
from dagmm.preprocessing.windows.nonstationary import nonstationary_features
from dagmm.preprocessing.windows.spec import WindowSpec
from dagmm.training.prepare import DataConfig, Prepared
from dagmm.training.splits.holdout import Split, everything
from dagmm.training.splits.window_folds import folds_of


def prepare_windows(rows: Rows, data: DataConfig, n_networks: int, progress: Progress) -> Prepared:
    """Prepare windows of a table.

    Each network leaves out a quarter of each asset's time, so that there are energies of windows
    that were not fitted to; see :mod:`dagmm.training.splits.window_folds`.

    Parameters
    ----------
    rows : Rows
    data : DataConfig
        With a window.
    n_networks : int
    progress : Progress
    """
    assert data.window is not None, "asked only for windows"
    progress.phase("reading", 3)
    encoder = fit_table_encoder(rows, data.scaling, data.roles)
    progress.advance(1)
    features = encode_rows(rows, encoder)
    reading = encoder.reading_of(data.window.time)
    series = series_of(rows, data.window, features[: rows.n_rows], reading)
    fingerprint = fingerprint_of(rows.names, features[: rows.n_rows])
    features[: rows.n_rows] = features[series.order]
    progress.advance(2)
    windows = _windows_of(series, data.window, features, data.detail)
    made = _inputs(windows, features, series)
    split = everything(len(made))
    folds = folds_of(series.ends, series.asset, windows.n_steps, n_networks)
    if folds.groups():
        split = Split(split.fitted, split.held_out, folds, OUT_OF_FOLD_WINDOWS)
    shape = (windows.n_steps, encoder.n_features)
    prepared = Prepared(
        *(encoder, shape, made, split, features, series.ends, fingerprint),
        gather=_gather(windows, features, series),
        windows=windows,
    )
    if data.detail == "sequence":
        return prepared
    # Inputs that take little are made once, not each time they are looked at.
    table, places = _table_of(made), np.arange(len(made))
    return replace(prepared, inputs=table[: len(made)], table=table, places=places, gather=None)


def _windows_of(
    series: Series, length: WindowLength, features: np.ndarray, detail: Detail
) -> WindowSpec:
    """Learn what the networks are to see of a window."""
    nonstationary = nonstationary_features(features[: len(series.asset)], series.asset)
    view = WindowFeatures.unscaled(detail, series.n_steps, nonstationary)
    windows = WindowSpec(length.time, length.group, length.step, series.interval, series.gap, view)
    return windows.with_view(scaled_view(view, _inputs(windows, features, series), CHUNK_ROWS))


def _inputs(windows: WindowSpec, features: np.ndarray, series: Series) -> WindowInputs:
    return WindowInputs(windows.view, features, series.ends, series.first[series.ends])


def _gather(windows: WindowSpec, features: np.ndarray, series: Series) -> WindowGather:
    first = np.zeros(len(features), np.int32)
    first[: len(series.first)] = series.first
    return WindowGather(windows.view, first)


def _table_of(inputs: WindowInputs) -> np.ndarray:
    """Return all inputs, padded so that few shapes are ever compiled."""
    table = np.zeros((padded_rows(len(inputs)), inputs.shape[1]), np.float32)
    for start in range(0, len(inputs), CHUNK_ROWS):
        part = inputs[start : start + CHUNK_ROWS]
        table[start : start + len(part)] = part
    return table
