"""From rows to a fitted model: encode, train, fix the mixture, record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from dagmm._core.digests import fingerprint_of
from dagmm._core.parallel import parallel_map, single_threaded_blas
from dagmm._core.progress import Progress
from dagmm.data.base import Rows
from dagmm.data.images import ImageRows
from dagmm.inference.calibration.calibration import (
    HELD_OUT,
    HELD_OUT_IN_TIME,
    OUT_OF_FOLD,
    OUT_OF_FOLD_IN_TIME,
    Calibration,
)
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.ensemble import Beside, Judge, combine
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.input_space import InputMixture
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.preprocessing.column_roles import ColumnRoles
from dagmm.preprocessing.columns.numeric import Scaling
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.reference_values import reference_values_of
from dagmm.preprocessing.row_views import FeatureMatrix
from dagmm.preprocessing.sampling import FeatureSample, encode_table
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.checkpoint.directory import Checkpoint
from dagmm.training.diagnostics import diagnose
from dagmm.training.fit_mixture import Finished, finish_member
from dagmm.training.out_of_core import finish_exactly
from dagmm.training.presets import DetectorConfig
from dagmm.training.splits.holdout import Split, split_rows
from dagmm.training.splits.out_of_fold import out_of_fold_energies
from dagmm.training.splits.time_blocks import TimeOrder
from dagmm.training.trainer import TrainedMember, TrainingRows, train

_T = TypeVar("_T")


def fit_model(
    rows: Rows,
    scaling: Scaling,
    config_of: Callable[[int, int], DetectorConfig],
    seed: int,
    progress: Progress,
    overrides: ColumnRoles | None = None,
    *,
    holding_out: bool = False,
    checkpoint: Checkpoint | None = None,
) -> tuple[FittedModel, np.ndarray]:
    """Fit a model to a table, or to images.

    Of a table whose encoded rows would take more than a bounded memory, networks are trained on
    rows drawn at random, and mixtures are fixed in one exact pass over all rows; see
    :mod:`dagmm.preprocessing.sampling`.

    Parameters
    ----------
    rows : Rows
    scaling : {"standard", "minmax", "none"}
        Of a table; images have their own.
    config_of : callable
        Takes the numbers of rows and of encoded features and returns the recipe.
    seed : int
    progress : Progress
    overrides : ColumnRoles, optional
        What the user says about columns; images have none.
    holding_out : bool, default=False
        Whether some rows of a large table are left out of training and mixture, and of a small
        one some by each network, so that something is known about rows that were not fitted to:
        drawn at random, or in blocks where ``overrides`` name the time axis; see
        :mod:`dagmm.training.splits.holdout`.
    checkpoint : Checkpoint, optional
        Where the training is kept while it runs, and goes on from.

    Returns
    -------
    model : FittedModel
        Without a threshold.
    energy : ndarray of shape (n_rows,)
        Energies of the training rows, those held out among them, in nats; of a table that is too
        large to be held, of the rows drawn from it.
    """
    progress.phase("reading", rows.n_rows)
    encoder = _learn(rows, scaling, overrides, progress)
    seeds = np.random.SeedSequence(seed)
    training_seed, mixture_seed, holdout_seed, drawing_seed, *beside_seeds = seeds.spawn(6)
    held = encode_table(rows, encoder, np.random.default_rng(drawing_seed), progress)
    features, n_held = held.features, held.n_rows
    # Of rows that are drawn it is found in the pass over all of them.
    fingerprint = fingerprint_of(rows.names, features[:n_held]) if held.numbers is None else ""
    recipe = config_of(n_held, encoder.n_features)
    n_members = len(recipe.architectures)
    shared = Split(n_held, np.arange(n_held))
    if holding_out:
        shared = _shared(rows, held, n_members, overrides, np.random.default_rng(holdout_seed))
        recipe = config_of(shared.n_each, encoder.n_features)
    trained = train(
        features,
        shared.n_fitted,
        recipe.architectures,
        recipe.plan,
        training_seed,
        progress,
        inputs=shared.folds and TrainingRows(None, shared.folds.fitted),
        checkpoint=checkpoint,
    )
    features, held_out = features[: shared.n_fitted], features[shared.n_fitted : n_held]
    mixture_seeds = mixture_seed.spawn(n_members)
    if held.numbers is None:
        finished = _finish(trained, features, shared, recipe, mixture_seeds, progress)
    else:
        left_out = np.sort(held.numbers[shared.order[shared.n_fitted :]])
        finished, fingerprint = finish_exactly(
            rows, encoder, left_out, trained, features, recipe, mixture_seeds, progress
        )
    health = _check(trained, finished, features, shared, recipe, progress)
    record = _record(rows, held, shared, fingerprint, trained, health)
    fit_beside = partial(_fit_beside, recipe=recipe, seeds=beside_seeds)
    members = tuple(member for member, _ in finished)
    beside = fit_beside(features)
    columns, of_rows = beside
    if of_rows is not None:
        # Whoever fits it again, to other rows, knows already how many components there are.
        n_components = (len(of_rows.mixture.phi),)
        fit_beside = partial(fit_beside, recipe=replace(recipe, row_components=n_components))
    judges = (*members, *(judge for judge in beside if judge is not None))
    calibration, energy = _calibrated(
        judges,
        [energy for _, energy in finished],
        reference_values_of(features, encoder.feature_columns),
        features,
        held_out,
        shared,
        fit_beside,
    )
    model = FittedModel(encoder, members, None, record, calibration, None, columns, of_rows)
    return model, energy


def _record(
    rows: Rows,
    held: FeatureSample,
    shared: Split,
    fingerprint: str,
    trained: Sequence[TrainedMember],
    health: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what a model remembers of its training, as plain data."""
    return {
        "n_rows": rows.n_rows,
        "held_out_rows": held.n_rows - shared.n_fitted,
        **({} if held.numbers is None else {"drawn_rows": held.n_rows}),
        "fingerprint": fingerprint,
        "histories": [dict(result.history) for result in trained],
        "health": health,
    }


def _calibrated(
    judges: tuple[Judge, ...],
    of_members: list[np.ndarray],
    reference_values: np.ndarray,
    features: np.ndarray,
    held_out: np.ndarray,
    shared: Split,
    fit_beside: Callable[[FeatureMatrix], Beside],
) -> tuple[Calibration, np.ndarray]:
    """Return what a model is to remember of normal rows, and the energies of the rows held.

    Parameters
    ----------
    judges : tuple of Member, MarginalMixtures or InputMixture
        All of a model, members first.
    of_members : list of ndarray
        Energies by each member of the rows that it was fitted to.
    reference_values : ndarray of shape (n_levels, n_features), float32
    features : ndarray of shape (n_fitted, n_features), float32
    held_out : ndarray of shape (n_held_out, n_features), float32
        Held out of the fit.
    shared : Split
    fit_beside : callable
        Fits what stands beside the members to encoded rows.
    """
    folds, beside = shared.folds, judges[len(of_members) :]
    if folds is not None:
        members = judges[: len(of_members)]
        of_members = list(parallel_map(lambda member: member.energy(features), members))
    energies = np.stack([*of_members, *(judge.energy(features) for judge in beside)])
    held_out_energy = combine(judges, np.stack([judge.energy(held_out) for judge in judges]))
    energy = np.empty(len(shared.order))
    energy[shared.order] = np.concatenate([combine(judges, energies), held_out_energy])
    calibration = Calibration(reference_values, EmpiricalDistribution.of(energy))
    if folds is not None:
        held_out_energy = out_of_fold_energies(judges, energies, features, folds, fit_beside)
        are = OUT_OF_FOLD_IN_TIME if shared.in_time else OUT_OF_FOLD
        calibration = calibration.with_held_out(held_out_energy, are)
    elif len(held_out):
        are = HELD_OUT_IN_TIME if shared.in_time else HELD_OUT
        calibration = calibration.with_held_out(held_out_energy, are)
    return calibration, energy


def _learn(
    rows: Rows, scaling: Scaling, overrides: ColumnRoles | None, progress: Progress
) -> TableEncoder | ImageEncoder:
    if isinstance(rows, ImageRows):
        return ImageEncoder.learn(rows)
    return fit_table_encoder(rows, scaling, overrides, progress)


def _shared(
    rows: Rows,
    held: FeatureSample,
    n_members: int,
    overrides: ColumnRoles | None,
    rng: np.random.Generator,
) -> Split:
    """Say who is fitted to which rows: in blocks, where the user names the time axis."""
    crossing = held.numbers is None
    time_order = None
    if crossing and overrides is not None and overrides.time is not None:
        time_order = TimeOrder.of(rows, overrides.time, overrides.group)
    return split_rows(
        held.features, held.n_rows, n_members, rng, crossing=crossing, time_order=time_order
    )


def _finish(
    trained: Sequence[TrainedMember],
    features: np.ndarray,
    shared: Split,
    recipe: DetectorConfig,
    seeds: Sequence[np.random.SeedSequence],
    progress: Progress,
) -> list[Finished]:
    """Fix the mixture of each member from the rows it was trained on."""

    def finish(i: int) -> Finished:
        architecture, rng = recipe.architectures[i], np.random.default_rng(seeds[i])
        floor = recipe.relative_floors[i]
        seen = shared.seen_by(i, features)
        return finish_member(architecture, trained[i], seen, recipe, floor, rng)

    return _each(finish, len(trained), "mixture", progress)


def _fit_beside(
    features: FeatureMatrix, recipe: DetectorConfig, seeds: Sequence[np.random.SeedSequence]
) -> Beside:
    """Fit what judges rows beside the members; None for what the recipe is without."""
    rows = features[:]
    column_rng, row_rng = (np.random.default_rng(seed) for seed in seeds)
    columns = mixture = None
    with single_threaded_blas():
        if recipe.column_components:
            columns = MarginalMixtures.fit(rows, recipe.column_components, column_rng)
        if recipe.row_components:
            mixture = InputMixture.fit(
                rows,
                recipe.row_components,
                recipe.row_floor,
                recipe.least_phi,
                recipe.row_share,
                row_rng,
            )
    return columns, mixture


def _check(
    trained: Sequence[TrainedMember],
    finished: Sequence[Finished],
    features: np.ndarray,
    shared: Split,
    recipe: DetectorConfig,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Say of each member what its training changed."""

    def check(i: int) -> dict[str, Any]:
        member, energy = finished[i]
        result = trained[i]._replace(parameters=member.parameters)
        seen = shared.seen_by(i, features)
        return diagnose(member.architecture, recipe.plan, result, seen, energy)

    return _each(check, len(trained), "checking", progress)


def _each(
    function: Callable[[int], _T], n_members: int, phase: str, progress: Progress
) -> list[_T]:
    """Apply a function to the number of each member, and tell how many are done."""
    progress.phase(phase, n_members)
    results = []
    for result in parallel_map(function, range(n_members)):
        results.append(result)
        progress.advance(len(results))
    return results
