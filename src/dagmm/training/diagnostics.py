"""Diagnostics of a training: each network compared with itself before it was trained."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dagmm._core.errors import ArgumentError
from dagmm._core.numerics import Array
from dagmm._core.ranks import rank_correlation
from dagmm.inference.diagnostics import Diagnostics, Relations
from dagmm.inference.forward import outputs_of
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.moments import Moments, covariance_penalty, floor_of
from dagmm.networks.network import Architecture
from dagmm.preprocessing.row_views import FeatureMatrix
from dagmm.training.schedule import TrainingConfig
from dagmm.training.training_run import TrainedMember

#: Rows that trained and untrained network are compared on, or as many as have so many features
#: together; of a few more than these, all.
_SAMPLE_ROWS, _SAMPLE_INPUTS = 4096, 2**23
#: Rows that a network was not fitted to, from which on they are looked at for relations.
_ENOUGH_UNFITTED = 100


def diagnose(
    architecture: Architecture,
    config: TrainingConfig,
    result: TrainedMember,
    features: FeatureMatrix,
    energy: np.ndarray,
    unfitted: FeatureMatrix | None = None,
) -> Diagnostics:
    """Compare a trained network with the same network before training.

    Parameters
    ----------
    architecture : Architecture
    config : TrainingConfig
    result : TrainedMember
    features : ndarray of shape (n_rows, n_features), float32, or WindowInputs
    energy : ndarray of shape (n_rows,)
        Energies of the trained member.
    unfitted : ndarray of shape (n_unfitted, n_features), float32, or WindowInputs, optional
        Rows that the network was not fitted to.

    Returns
    -------
    Diagnostics
    """
    step = _step(features)
    sample = features[::step]
    check_untrained(*outputs_of(architecture, result.initial, sample)[:2])
    before, after = (
        _measured(architecture, config, parameters, sample)
        for parameters in (result.initial, result.parameters)
    )
    phi = result.history["phi"][-1]
    return Diagnostics(
        before.reconstruction,
        after.reconstruction,
        before.objective,
        after.objective,
        rank_correlation(before.energy, energy[::step]),
        () if result.is_start else tuple(_unmoved(architecture, result)),
        result.parameters is result.initial,
        result.is_start,
        int(sum(result.history["dropped_steps"])),
        int(sum(weight < 1e-3 for weight in phi)),
        len(phi),
        _relations(architecture, result.parameters, sample, unfitted),
    )


def _step(features: FeatureMatrix) -> int:
    most = max(1, min(_SAMPLE_ROWS, _SAMPLE_INPUTS // features.shape[1]))
    return max(1, len(features) // most)


def _relations(
    architecture: Architecture,
    parameters: np.ndarray,
    sample: np.ndarray,
    unfitted: FeatureMatrix | None,
) -> Relations | None:
    """Compare rows with rows whose columns have nothing in common (permutation test).

    A code can hold some columns as they are: that the error fell says nothing by itself.
    """
    if unfitted is not None and len(unfitted) >= _ENOUGH_UNFITTED:
        sample = unfitted[:: _step(unfitted)]
    if sample.shape[1] < 2 or len(sample) < 2:
        return None
    together = _errors(architecture, parameters, sample)
    shuffled = np.random.default_rng(0).permuted(sample, axis=0)
    apart = _errors(architecture, parameters, shuffled)
    deviation = np.hypot(together.std(), apart.std()) / np.sqrt(len(sample))
    found = (float(together.mean()), float(apart.mean()), float(deviation))
    return Relations(*found) if np.isfinite(found).all() else None


def _errors(
    architecture: Architecture, parameters: np.ndarray, rows: np.ndarray
) -> Float[np.ndarray, " n_rows"]:
    """Squared error of each row; of values that it does not see, where it is trained so."""
    seen = rows
    if architecture.mask_ratio > 0.0:
        hidden = np.random.default_rng(0).random(rows.shape) < architecture.mask_ratio
        seen = np.where(hidden, np.float32(0.0), rows)
    return outputs_of(architecture, parameters, seen, rows).squared_error.astype(np.float64)


class _Measured(NamedTuple):
    """What a network makes of some rows."""

    reconstruction: float
    objective: float
    energy: np.ndarray
    """Under the mixture that the estimation network describes, in nats."""


def _measured(
    architecture: Architecture, config: TrainingConfig, parameters: np.ndarray, rows: np.ndarray
) -> _Measured:
    z, gamma, _ = outputs_of(architecture, parameters, rows)
    moments = Moments.of(z.astype(np.float64), gamma.astype(np.float64))
    energy = GaussianMixture.from_moments(moments).energy(z)
    reconstruction = float(_errors(architecture, parameters, rows).mean())
    penalty = covariance_penalty(moments.cov + np.diag(floor_of(moments.variance)))
    objective = (
        config.reconstruction_weight * reconstruction
        + config.lambda1 * float(energy.mean())
        + config.lambda2 * float(penalty)
    )
    return _Measured(reconstruction, objective, energy)


def check_untrained(*parts: Array) -> None:
    """Check what a network makes of the training rows before it is trained.

    Raises
    ------
    ArgumentError
        If anything is not finite, which only an activation of the user's own can bring about.
    """
    if not all(np.isfinite(part).all() for part in parts):
        raise ArgumentError(
            "comp_activation and est_activation must keep the network finite, but it overflows on "
            "the training rows even before training; use a function that grows more slowly."
        )


def _unmoved(architecture: Architecture, result: TrainedMember) -> list[str]:
    before = architecture.named(result.initial)
    after = architecture.named(result.parameters)
    names = [name for name in before if np.array_equal(before[name], after[name])]
    if architecture.n_components > 1:
        return names
    # With one component every membership is one: there is nothing to estimate.
    return [name for name in names if not name.startswith("estimation.")]
