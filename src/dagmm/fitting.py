"""From rows to a fitted model: encode, train, fix the mixture, record."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dagmm.calibration import Calibration
from dagmm.checkpoint import Checkpoint
from dagmm.drawing import encode_rows as encode_rows
from dagmm.drawing import encode_table
from dagmm.drawing import padded_rows as padded_rows
from dagmm.encoder import Encoder, ImageEncoder, Overrides, Scaling
from dagmm.energy_sample import EnergySample
from dagmm.exact_pass import digest_of, finish_exactly
from dagmm.finishing import latent_moments as latent_moments
from dagmm.finishing import sketch
from dagmm.fitted import FittedModel, Member, combine
from dagmm.health import health_of
from dagmm.holdout import hold_out
from dagmm.networks import Architecture
from dagmm.parallel import side_by_side
from dagmm.progress import Progress
from dagmm.recipe import Recipe
from dagmm.refinement import moments_under
from dagmm.rows import CHUNK_ROWS, ImageRows, Rows
from dagmm.training import TrainedMember, train
from dagmm.typical import typical_values
from dagmm.watching import WatchedRows
from dagmm.windows import Inputs


def fit_model(
    rows: Rows,
    scaling: Scaling,
    recipe_of: Callable[[int, int], Recipe],
    seed: int,
    progress: Progress,
    overrides: Overrides | None = None,
    *,
    holding_out: bool = False,
    checkpoint: Checkpoint | None = None,
) -> tuple[FittedModel, np.ndarray]:
    """Fit a model to a table, or to images.

    Of a table whose encoded rows would take more than a bounded memory, networks are trained on
    rows drawn at random, and mixtures are fixed in one exact pass over all rows; see
    :mod:`dagmm.drawing`.

    Parameters
    ----------
    rows : Rows
    scaling : {"standard", "minmax", "none"}
        Of a table; images have their own.
    recipe_of : callable
        Takes the numbers of rows and of encoded features and returns the recipe.
    seed : int
    progress : Progress
    overrides : Overrides, optional
        What the user says about columns; images have none.
    holding_out : bool, default=False
        Whether some rows of a large table are left out of training and mixture, so that
        something is known about rows that were not fitted to; see :mod:`dagmm.holdout`.
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
    encoder: Encoder | ImageEncoder
    if isinstance(rows, ImageRows):
        encoder = ImageEncoder.learn(rows)
    else:
        encoder = Encoder.learn(WatchedRows(rows, progress), scaling, overrides)
    seeds = np.random.SeedSequence(seed)
    training_seed, mixture_seed, holdout_seed, drawing_seed = seeds.spawn(4)
    held = encode_table(rows, encoder, np.random.default_rng(drawing_seed), progress)
    features, n_held = held.features, held.n_rows
    # Of rows that are drawn it is found in the pass over all of them.
    fingerprint = fingerprint_of(rows.names, features[:n_held]) if held.numbers is None else ""
    n_fitted, order = n_held, np.arange(n_held)
    if holding_out:
        n_fitted, order = hold_out(features, n_held, np.random.default_rng(holdout_seed))
    recipe = recipe_of(n_fitted, encoder.n_features)
    mixture_seeds = mixture_seed.spawn(len(recipe.architectures))
    trained = train(
        features,
        n_fitted,
        recipe.architectures,
        recipe.plan,
        training_seed,
        progress,
        checkpoint=checkpoint,
    )
    features, unseen = features[:n_fitted], features[n_fitted:n_held]
    exact = None
    if held.numbers is not None:
        left_out = np.sort(held.numbers[order[n_fitted:]])
        exact, fingerprint = finish_exactly(
            rows, encoder, left_out, trained, features, recipe, mixture_seeds, progress
        )
    progress.phase("mixture" if exact is None else "checking", len(trained))

    def finish(i: int) -> tuple[Member, np.ndarray, dict[str, Any]]:
        architecture, rng = recipe.architectures[i], np.random.default_rng(mixture_seeds[i])
        member, energy = (
            finish_member(
                architecture, trained[i], features, recipe, recipe.relative_floors[i], rng
            )
            if exact is None
            else exact[i]
        )
        result = trained[i]._replace(parameters=member.parameters)
        return member, energy, health_of(architecture, recipe.plan, result, features, energy)

    members, energies, health = [], [], []
    for member, energy, proof in side_by_side(finish, range(len(trained))):
        members.append(member)
        energies.append(energy)
        health.append(proof)
        progress.advance(len(members))
    record: dict[str, Any] = {
        "n_rows": rows.n_rows,
        "held_out_rows": len(unseen),
        **({} if exact is None else {"drawn_rows": n_held}),
        "fingerprint": fingerprint,
        "histories": [dict(result.history) for result in trained],
        "health": health,
    }
    model = FittedModel(encoder, tuple(members), None, record)
    unseen_energy = model.energy_of_features(unseen)
    energy = np.empty(n_held)
    energy[order] = np.concatenate([combine(model.members, np.stack(energies)), unseen_energy])
    calibration = Calibration(
        typical_values(features, encoder.feature_columns), EnergySample.of(energy)
    )
    if len(unseen):
        calibration = calibration.with_unseen(unseen_energy, "rows held out of the fit")
    return replace(model, calibration=calibration), energy


def finish_member(
    architecture: Architecture,
    result: TrainedMember,
    features: Inputs,
    recipe: Recipe,
    relative_floor: float,
    rng: np.random.Generator,
) -> tuple[Member, np.ndarray]:
    """Fix the mixture from all rows that are held, and measure their energies.

    Raises
    ------
    ArgumentError
        If the network overflows even before training.
    """
    one, z, moments = sketch(architecture, result, features, recipe, relative_floor, rng)
    if one.chosen is not None:
        moments = moments_under(one.chosen, z)[0]
    mixture = one.mixture_from(moments, recipe, relative_floor)
    energy = np.concatenate(
        [mixture.energy(z[:, i : i + CHUNK_ROWS]) for i in range(0, z.shape[1], CHUNK_ROWS)]
    )
    return one.member(mixture, energy), energy


def fingerprint_of(names: tuple[str, ...], features: np.ndarray) -> str:
    """SHA-256 of the columns' names and the encoded training rows."""
    digest = digest_of(names)
    digest.update(np.ascontiguousarray(features).data)
    return digest.hexdigest()
