"""From rows to a model of windows: as :mod:`dagmm.training.fit`, and what windows need beside."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dagmm._core.digests import fingerprint_of
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm.data.base import CHUNK_ROWS, Rows
from dagmm.inference.calibration.calibration import OUT_OF_FOLD_WINDOWS, Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.ensemble import Member, combine, combine_held_out
from dagmm.inference.fitted_model import FittedModel
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.columns.numeric import Scaling
from dagmm.preprocessing.reference_values import reference_values_of
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
from dagmm.training.checkpoint.directory import Checkpoint
from dagmm.training.diagnostics import diagnose
from dagmm.training.fit_mixture import finish_member
from dagmm.training.presets import DetectorConfig
from dagmm.training.splits.folds import Folds
from dagmm.training.splits.window_folds import folds_of
from dagmm.training.trainer import TrainedMember, TrainingRows, train

#: Windows that reference values are found from, evenly over the table.
_SAMPLE_WINDOWS = 20_000
#: Most inputs of them.
_SAMPLE_INPUTS = 2**26


def fit_windows(
    rows: Rows,
    length: WindowLength,
    scaling: Scaling,
    detail: Detail,
    config_of: Callable[[int, int, int], DetectorConfig],
    seed: int,
    progress: Progress,
    overrides: ColumnRoles,
    checkpoint: Checkpoint | None = None,
) -> tuple[FittedModel, np.ndarray]:
    """Fit a model to windows of a table.

    Each network leaves out a quarter of each asset's time, so that there are energies of windows
    that were not fitted to; see :mod:`dagmm.training.splits.window_folds`.

    Parameters
    ----------
    rows : Rows
    length : WindowLength
    scaling : {"standard", "minmax", "none"}
    detail : {"summary", "sequence"}
        What the networks see of a window.
    config_of : callable
        Takes the numbers of windows, of rows of a window and of encoded features, and returns
        the recipe.
    seed : int
    progress : Progress
    overrides : ColumnRoles
    checkpoint : Checkpoint, optional
        Where the training is kept while it runs, and goes on from.

    Returns
    -------
    model : FittedModel
        Without a threshold.
    energy : ndarray of shape (n_windows,)
        Energies of the training windows that some network was not fitted to, by such networks
        alone; of all of them by all networks where the table is too small for that.
    """
    progress.phase("reading", 3)
    encoder = fit_table_encoder(rows, scaling, overrides)
    progress.advance(1)
    series = series_of(rows, length)
    features = encode_rows(rows, encoder)
    fingerprint = fingerprint_of(rows.names, features[: rows.n_rows])
    features[: rows.n_rows] = features[series.order]
    progress.advance(2)
    windows = _windows_of(series, length, features, detail)
    inputs = _inputs(windows, features, series)
    sample = _sample_of(inputs)
    shape = (windows.n_steps, encoder.n_features)
    n_members = len(config_of(len(series.ends), *shape).architectures)
    folds = folds_of(series.ends, series.asset, windows.n_steps, n_members)
    recipe = config_of(folds.n_fitted, *shape)
    training_seed, mixture_seed = np.random.SeedSequence(seed).spawn(2)
    table, training = _to_train_on(windows, features, series, inputs, folds.fitted)
    trained = train(
        table,
        rows.n_rows,
        recipe.architectures,
        recipe.plan,
        training_seed,
        progress,
        inputs=training,
        checkpoint=checkpoint,
    )
    members, energies, health = _finish(trained, inputs, folds, recipe, mixture_seed, progress)
    record: dict[str, Any] = {
        "n_rows": rows.n_rows,
        "n_windows": len(series.ends),
        "held_out_rows": 0,
        "fingerprint": fingerprint,
        "histories": [dict(result.history) for result in trained],
        "health": list(health),
    }
    energy, are = _joined(members, energies, folds)
    reference_values = reference_values_of(
        sample, windows.input_columns(encoder.feature_columns), of_windows=True
    )
    calibration = Calibration(reference_values, EmpiricalDistribution.of(energy))
    if are:
        calibration = calibration.with_held_out(energy, are)
    return FittedModel(encoder, members, None, record, calibration, windows), energy


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


def _to_train_on(
    windows: WindowSpec,
    features: np.ndarray,
    series: Series,
    inputs: WindowInputs,
    fitted: list[np.ndarray],
) -> tuple[np.ndarray, TrainingRows]:
    """Return rows, and how their windows are made: once where that takes little, or each time."""
    if windows.view.detail == "summary":
        table = np.zeros((padded_rows(len(inputs)), windows.n_inputs), np.float32)
        for start in range(0, len(inputs), CHUNK_ROWS):
            part = inputs[start : start + CHUNK_ROWS]
            table[start : start + len(part)] = part
        return table, TrainingRows(None, fitted)
    first = np.zeros(len(features), np.int32)
    first[: len(series.first)] = series.first
    ends = [series.ends[places] for places in fitted]
    return features, TrainingRows(WindowGather(windows.view, first), ends)


def _finish(
    trained: Sequence[TrainedMember],
    inputs: WindowInputs,
    folds: Folds,
    recipe: DetectorConfig,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> tuple[tuple[Member, ...], tuple[np.ndarray, ...], tuple[dict[str, Any], ...]]:
    """Fix the mixture of each member, and say what its training changed.

    Returns
    -------
    members : tuple of Member
    energies : tuple of ndarray
        By each member, of the windows that it was not fitted to; of all where there are none.
    health : tuple of dict
    """
    seeds = seed.spawn(len(trained))

    def finish(i: int) -> tuple[Member, np.ndarray, dict[str, Any]]:
        architecture, rng = recipe.architectures[i], np.random.default_rng(seeds[i])
        own = inputs.of(folds.fitted[i])
        member, energy = finish_member(
            architecture, trained[i], own, recipe, recipe.relative_floors[i], rng
        )
        result = trained[i]._replace(parameters=member.parameters)
        proof = diagnose(architecture, recipe.plan, result, own, energy)
        held_out = inputs.of(folds.held_out[i]) if len(folds.held_out[i]) else inputs
        return member, member.energy(held_out), proof

    progress.phase("mixture", len(trained))
    finished = []
    for one in parallel_map(finish, range(len(trained))):
        finished.append(one)
        progress.advance(len(finished))
    members, energies, health = zip(*finished, strict=True)
    return members, energies, health


def _sample_of(inputs: WindowInputs) -> np.ndarray:
    n_windows, n_inputs = inputs.shape
    most = max(1, min(_SAMPLE_WINDOWS, _SAMPLE_INPUTS // n_inputs))
    return inputs[:: -(-n_windows // most)]


def _joined(
    members: tuple[Member, ...], energies: tuple[np.ndarray, ...], folds: Folds
) -> tuple[np.ndarray, str]:
    """Return one energy for each window that says most about new ones, and what they are."""
    groups = folds.groups()
    if not groups:
        return combine(members, np.stack(energies)), ""
    parts = [
        (tuple(members[i] for i in group), np.stack([energies[i] for i in group]))
        for group in groups
    ]
    return combine_held_out(members, parts), OUT_OF_FOLD_WINDOWS
