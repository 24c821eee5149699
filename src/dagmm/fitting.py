"""From rows to a fitted model: encode, train, fix the mixture, record."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dagmm.calibration import Calibration
from dagmm.checkpoint import Checkpoint
from dagmm.encoder import Encoder, ImageEncoder, Overrides, Scaling
from dagmm.energy_sample import EnergySample
from dagmm.fitted import FittedModel, Member, combine
from dagmm.health import check_untrained, health_of
from dagmm.holdout import hold_out
from dagmm.mixture import Mixture, Moments
from dagmm.networks import Architecture
from dagmm.parallel import side_by_side
from dagmm.progress import Progress
from dagmm.recipe import Recipe
from dagmm.refinement import refine
from dagmm.rows import CHUNK_ROWS, ImageRows, Rows
from dagmm.scoring import latent_rows
from dagmm.training import TrainedMember, train
from dagmm.typical import typical_values
from dagmm.windows import Inputs


def encode_rows(rows: Rows, encoder: Encoder | ImageEncoder) -> np.ndarray:
    """Encode a whole table into one array, padded so that few shapes are ever compiled.

    Returns
    -------
    ndarray of shape (padded_rows, n_features), float32
        Zero beyond ``rows.n_rows``.
    """
    features = np.zeros((padded_rows(rows.n_rows), encoder.n_features), np.float32)
    for chunk in rows.chunks():
        features[chunk.start : chunk.start + chunk.n_rows] = encoder.encode(chunk)
    return features


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
        Energies of the training rows, those held out among them, in nats.
    """
    progress.phase("reading", 2)
    encoder: Encoder | ImageEncoder
    if isinstance(rows, ImageRows):
        encoder = ImageEncoder.learn(rows)
    else:
        encoder = Encoder.learn(rows, scaling, overrides)
    progress.advance(1)
    features = encode_rows(rows, encoder)
    fingerprint = fingerprint_of(rows.names, features[: rows.n_rows])
    seeds = np.random.SeedSequence(seed)
    training_seed, mixture_seed, holdout_seed = seeds.spawn(3)
    n_fitted, order = rows.n_rows, np.arange(rows.n_rows)
    if holding_out:
        n_fitted, order = hold_out(features, rows.n_rows, np.random.default_rng(holdout_seed))
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
    features, unseen = features[:n_fitted], features[n_fitted : rows.n_rows]
    progress.phase("mixture", len(trained))

    def finish(i: int) -> tuple[Member, np.ndarray, dict[str, Any]]:
        architecture, rng = recipe.architectures[i], np.random.default_rng(mixture_seeds[i])
        member, energy = finish_member(
            architecture, trained[i], features, recipe, recipe.relative_floors[i], rng
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
        "fingerprint": fingerprint,
        "histories": [dict(result.history) for result in trained],
        "health": health,
    }
    model = FittedModel(encoder, tuple(members), None, record)
    unseen_energy = model.energy_of_features(unseen)
    energy = np.empty(rows.n_rows)
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
    """Fix the mixture from all rows with dropout off, and measure the training energies.

    A network that training drove so far that it overflows is of no use: the one before training
    takes its place, and the verdict says so.

    Raises
    ------
    ArgumentError
        If the network overflows even before training.
    """
    parameters = result.parameters
    z, moments = latent_moments(architecture, parameters, features)
    if not all(np.isfinite(part).all() for part in (z, *moments)):
        parameters = result.initial
        z, moments = latent_moments(architecture, parameters, features)
        check_untrained(z, *moments)
    if recipe.components:
        mixture = refine(z, recipe.components, relative_floor, rng, least_phi=recipe.least_phi)
    else:
        mixture = Mixture.from_moments(moments, relative_floor)
    energy = np.concatenate(
        [mixture.energy(z[:, i : i + CHUNK_ROWS]) for i in range(0, z.shape[1], CHUNK_ROWS)]
    )
    low, location, high = np.percentile(energy, (25, 50, 75))
    spread = float(high - low) or 1.0
    return Member(architecture, parameters, mixture, float(location), spread), energy


def latent_moments(
    architecture: Architecture, parameters: np.ndarray, features: Inputs
) -> tuple[np.ndarray, Moments]:
    """Z of all rows, and the moments of the memberships the estimation network gives them."""
    z = np.empty((architecture.n_latent, len(features)), np.float32)
    total: Moments | None = None
    for start in range(0, len(features), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        z[:, part], gamma, _ = latent_rows(architecture, parameters, features[part])
        moments = Moments.of(z[:, part].astype(np.float64), gamma.astype(np.float64))
        total = moments if total is None else total.merge(moments)
    assert total is not None, "there is at least one row"
    return z, total


def fingerprint_of(names: tuple[str, ...], features: np.ndarray) -> str:
    """SHA-256 of the columns' names and the encoded training rows."""
    digest = hashlib.sha256("\x1f".join(names).encode())
    digest.update(np.ascontiguousarray(features).data)
    return digest.hexdigest()


def padded_rows(n_rows: int) -> int:
    """Return the next of 64, 80, 96, 112, 128, 160, ...: four sizes to each doubling."""
    step = max(16, 1 << max(0, (n_rows - 1).bit_length() - 3))
    return max(64, -(-n_rows // step) * step)
