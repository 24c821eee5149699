"""From rows to a fitted model: prepare, train, fit densities, calibrate, assemble."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int64

from dagmm._core.errors import ArgumentError
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm.data.base import Rows
from dagmm.data.images import ImageRows
from dagmm.inference.calibration.calibration import HELD_OUT, MOST_SERIES, Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.diagnostics import Diagnostics
from dagmm.inference.ensemble import (
    Component,
    TrainedNetwork,
    combine,
    energies_of_all,
    networks_of,
    with_shares,
)
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.record import TrainingRecord
from dagmm.inference.surprisal import Surprisal
from dagmm.inference.unfitted import Unfitted, combined, cross_fitted, energies_under
from dagmm.preprocessing.reference_values import reference_values_of
from dagmm.preprocessing.row_views import RowSubset, RowView, viewed
from dagmm.training.checkpoint.directory import Checkpoint
from dagmm.training.config import DetectorConfig, called
from dagmm.training.diagnostics import diagnose
from dagmm.training.fit_densities import (
    fit_input_densities,
    fit_latent_densities,
)
from dagmm.training.out_of_core import fit_latent_densities_of_all
from dagmm.training.precision import with_precision
from dagmm.training.prepare import DataConfig, Prepared, prepare_rows
from dagmm.training.prepare_windows import prepare_windows
from dagmm.training.splits.out_of_fold import Refit, unfitted_energies
from dagmm.training.start import Start
from dagmm.training.trainer import train
from dagmm.training.training_run import TrainedMember
from dagmm.training.trimming import usual_rows
from dagmm.training.weights import weigh

#: Takes how many rows each network is fitted to, and the shape of what it sees of one.
Preset: TypeAlias = Callable[[int, tuple[int, ...]], DetectorConfig]


class Seeds(NamedTuple):
    """The one source of chance of each stage."""

    training: np.random.SeedSequence
    latent_densities: np.random.SeedSequence
    splitting: np.random.SeedSequence
    drawing: np.random.SeedSequence
    input_densities: np.random.SeedSequence


def fit_model(
    rows: Rows,
    data: DataConfig,
    preset: Preset,
    n_networks: int,
    seed: int,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
    start: Start | None = None,
) -> tuple[FittedModel, Float[np.ndarray, " n_training"]]:
    """Fit a model to rows of a table, to windows of them, or to images.

    Parameters
    ----------
    rows : Rows
    data : DataConfig
        How they are read.
    preset : callable
        Decides networks, training and densities from the numbers alone.
    n_networks : int
    seed : int
    progress : Progress
    checkpoint : Checkpoint, optional
        Where the training is kept while it runs, and goes on from.
    start : WarmStart or FleetStart, optional
        Where networks start; they are drawn by default.

    Returns
    -------
    model : FittedModel
        Without a threshold.
    energy : ndarray of shape (n_training,)
        Energies of the training rows in their order, in nats. Of windows, those that some network
        was not fitted to, by such networks alone, where there are any; of a table that is too
        large to be held, the rows drawn from it.

    Raises
    ------
    ArgumentError, InputError, ModelFileError, ModelSaveError
        If an argument, the table or the checkpoint cannot be used.
    """
    seeds = Seeds(*np.random.SeedSequence(seed).spawn(5))
    prepared = prepare(rows, data, n_networks, seeds, progress)
    split = prepared.split
    config, initial = preset(split.n_each, prepared.shape), None
    if config.trim:
        _check_can_trim(rows, prepared)
    if start is not None:
        config, initial = start.begin(config, prepared)
    names = [config.view_of(i) for i in range(n_networks)]
    of_networks = prepared.views_of(names)
    trained = train(
        prepared.table,
        len(prepared.inputs),
        config.architectures,
        config.training,
        seeds.training,
        progress,
        initial=initial,
        inputs=prepared.training_rows(of_networks, config.training.cycles),
        checkpoint=checkpoint,
    )
    *input_seeds, trimming = seeds.input_densities.spawn(len(config.input_densities) + 1)
    is_usual = usual_rows(prepared.inputs, config.trim, np.random.default_rng(trimming))
    latent, fingerprint = _fit_latent(
        rows, prepared, is_usual, trained, of_networks, config, seeds, progress
    )

    def fit_to(places: Int64[np.ndarray, " n_some"], **known: Any) -> list[Component]:
        some = RowSubset(prepared.inputs, places)
        usual = is_usual[places]
        return fit_input_densities(some, usual, config, input_seeds, prepared.learn, **known)

    # Networks that are fitted to all rows see them as the densities of rows do.
    views = dict(zip(names, of_networks, strict=True)) if split.folds is None else None
    of_rows = fit_to(split.fitted, views=views)
    members = list(zip(of_networks, trained, strict=True))
    parts = [*(one for group in latent for one in group), *of_rows]
    if prepared.windows is None:  # parts of windows show different things, and count as they say
        parts = list(weigh(parts, members, prepared.inputs))

    refit = partial(fit_to, fitted=of_rows)
    scored = _scored(with_shares(parts), prepared, refit)
    exact = with_precision(scored.components, prepared.inputs)
    if exact is not scored.components:
        scored = _scored(exact, prepared, refit)
    components, energies, unfitted = scored
    kept = [
        result._replace(parameters=network.parameters)
        for result, network in zip(trained, networks_of(parts), strict=True)
    ]
    diagnostics = _diagnose(kept, components, energies, prepared, config, progress)
    record = TrainingRecord(
        n_rows=rows.n_rows,
        held_out_rows=len(split.held_out),
        fingerprint=fingerprint,
        histories=tuple(dict(result.history) for result in trained),
        diagnostics=diagnostics,
        drawn_rows=None if prepared.numbers is None else len(prepared.inputs),
        n_windows=None if prepared.windows is None else len(prepared.inputs),
        advised_window=prepared.advised_window,
    )

    calibration, energy = _calibrate(prepared, components, energies, unfitted)
    model = FittedModel(prepared.encoder, components, calibration, record, None, prepared.windows)
    return model, energy


def prepare(
    rows: Rows, data: DataConfig, n_networks: int, seeds: Seeds, progress: Progress
) -> Prepared:
    """Read and encode rows, and say who is fitted to which of them."""
    if data.window is not None:
        return prepare_windows(rows, data, n_networks, progress)
    return prepare_rows(rows, data, n_networks, (seeds.drawing, seeds.splitting), progress)


def _fit_latent(
    rows: Rows,
    prepared: Prepared,
    is_usual: Bool[np.ndarray, " n_held"],
    trained: Sequence[TrainedMember],
    views: Sequence[RowView | None],
    config: DetectorConfig,
    seeds: Seeds,
    progress: Progress,
) -> tuple[list[tuple[Component, ...]], str]:
    """Fit the densities of each network's z, and name the rows by their fingerprint."""
    seed = seeds.latent_densities
    if prepared.numbers is not None:
        return fit_latent_densities_of_all(rows, prepared, trained, views, config, seed, progress)
    components = fit_latent_densities(prepared, is_usual, trained, views, config, seed, progress)
    return components, prepared.fingerprint


def _check_can_trim(rows: Rows, prepared: Prepared) -> None:
    if isinstance(rows, ImageRows):
        raise ArgumentError(f"{called('trim')} is for tables, and these are images.")
    if prepared.numbers is not None:
        raise ArgumentError(
            f"{called('trim')} is for tables that are held in memory, and this one is larger: its "
            "mixtures are of all rows. Fit to a part of the rows, or take out those that are "
            "known to be strange."
        )


class _Scored(NamedTuple):
    """Components with the surprisals of their energies, and what these are of."""

    components: tuple[Component, ...]
    energies: Float[np.ndarray, "n_components n_held"]
    unfitted: list[Unfitted]


def _scored(components: tuple[Component, ...], prepared: Prepared, refit: Refit) -> _Scored:
    """Score the rows that are held, also by what was not fitted to them."""
    energies = energies_of_all(components, prepared.inputs)
    unfitted = unfitted_energies(components, energies, prepared.inputs, prepared.split, refit)
    return _Scored(_with_surprisals(components, energies, unfitted, prepared), energies, unfitted)


def _with_surprisals(
    components: tuple[Component, ...],
    energies: Float[np.ndarray, "n_components n_held"],
    unfitted: Sequence[Unfitted],
    prepared: Prepared,
) -> tuple[Component, ...]:
    """Learn the surprisal of each component's energies, of rows that it was not fitted to.

    Of its training rows where it was fitted to all, and of windows: those that a network left out
    are of one stretch of time, and say how that differs from the others. A model's only component
    needs none.
    """
    if len(components) == 1:
        return components
    split, networks = prepared.split, networks_of(components)
    own = {id(network): split.of_network(i) for i, network in enumerate(networks)}
    found = []
    for i, one in enumerate(components):
        energy = energies_under(unfitted, i)
        if not len(energy) or prepared.windows is not None:
            energy = energies[i, own.get(id(one.transform), split.fitted)]
        found.append(replace(one, surprisal=Surprisal.of(energy)))
    return tuple(found)


def _diagnose(
    trained: Sequence[TrainedMember],
    components: Sequence[Component],
    energies: Float[np.ndarray, "n_components n_held"],
    prepared: Prepared,
    config: DetectorConfig,
    progress: Progress,
) -> tuple[Diagnostics, ...]:
    """Say of each network what its training changed."""
    networks = networks_of(components)

    def check(i: int) -> Diagnostics:
        places = prepared.split.of_network(i)
        energy = _of_network(networks[i], components, energies)[places]
        left_out = np.setdiff1d(np.arange(len(prepared.inputs)), places)
        rows, unfitted = (
            viewed(RowSubset(prepared.inputs, some), networks[i].view)
            for some in (places, left_out)
        )
        return diagnose(
            config.architectures[i], config.training, trained[i], rows, energy, unfitted
        )

    progress.phase("checking", len(trained))
    found = []
    for one in parallel_map(check, range(len(trained))):
        found.append(one)
        progress.advance(len(found))
    return tuple(found)


def _of_network(
    network: TrainedNetwork,
    components: Sequence[Component],
    energies: Float[np.ndarray, "n_components n_held"],
) -> Float[np.ndarray, " n_held"]:
    """Energy of rows under one network's densities alone."""
    own = [i for i, one in enumerate(components) if one.transform is network]
    return combine(with_shares([components[i] for i in own]), energies[own])


def _calibrate(
    prepared: Prepared,
    components: tuple[Component, ...],
    energies: Float[np.ndarray, "n_components n_held"],
    unfitted: Sequence[Unfitted],
) -> tuple[Calibration, Float[np.ndarray, " n_training"]]:
    """Return what the model is to remember of normal rows, and the energies of the rows held."""
    split = prepared.split
    energy = combine(components, energies)
    places = np.concatenate([np.empty(0, np.int64), *(one.places for one in unfitted)])
    # Surprisals of windows are learnt from what was fitted to, and those of rows that all leave
    # out from enough; a single network leaves out few.
    is_few = split.folds is not None and prepared.windows is None
    of_unfitted = cross_fitted if is_few else combined
    held_out = of_unfitted(components, unfitted)[split.as_they_follow(places)]
    in_order = energy if split.order is None else energy[split.order]
    if split.folds is not None and prepared.windows is not None:
        # Windows that networks were fitted to look far more normal to them than new ones do.
        energy = in_order = held_out
    reference_values = reference_values_of(
        RowSubset(prepared.inputs, split.fitted),
        prepared.input_columns,
        n_numbers=prepared.encoder.n_numbers,
        of_windows=prepared.windows is not None,
    )
    calibration = Calibration(
        reference_values,
        EmpiricalDistribution.of(in_order, prepared.n_shared),
        series=in_order[-MOST_SERIES:].astype(np.float32) if prepared.is_series else None,
    )
    if len(held_out):
        is_series = prepared.is_series and split.are != HELD_OUT
        calibration = calibration.with_held_out(
            held_out, split.are, prepared.n_shared, is_series=is_series
        )
    return calibration, energy
