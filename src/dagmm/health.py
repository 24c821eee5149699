"""Whether a fit can be trusted: proof that it trained, and a verdict in words."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from dagmm.errors import ArgumentError
from dagmm.mixture import Mixture, Moments, covariance_penalty, floor_of
from dagmm.networks import Architecture
from dagmm.numerics import Array
from dagmm.scoring import latent_rows
from dagmm.training import TrainedMember, TrainingPlan
from dagmm.windows import Inputs

#: Rows that trained and untrained network are compared on.
_SAMPLE_ROWS = 4096


def health_of(
    architecture: Architecture,
    plan: TrainingPlan,
    result: TrainedMember,
    features: Inputs,
    energy: np.ndarray,
) -> dict[str, Any]:
    """Compare a trained network with the same network before training.

    Parameters
    ----------
    architecture : Architecture
    plan : TrainingPlan
    result : TrainedMember
    features : ndarray of shape (n_rows, n_features), float32, or WindowInputs
    energy : ndarray of shape (n_rows,)
        Energies of the trained member.

    Returns
    -------
    dict
        ``reconstruction_before`` and ``reconstruction_after`` (mean squared error of the same
        rows; with the same of their values hidden, where the network is trained to rebuild hidden
        values), ``objective_before`` and ``objective_after`` (what training lowers, of these rows,
        with the energy and the covariance penalty at their full weights), ``rank_correlation``
        (Spearman's, between the energies of the untrained and the trained network),
        ``unmoved_arrays`` (parameters that training left as they were), ``undone`` (whether the
        trained network overflowed and the untrained one took its place), ``dropped_steps``,
        ``empty_components``, ``n_components``.
    """
    step = max(1, len(features) // _SAMPLE_ROWS)
    sample = features[::step]
    check_untrained(*latent_rows(architecture, result.initial, sample)[:2])
    before, after = (
        _measured(architecture, plan, parameters, sample)
        for parameters in (result.initial, result.parameters)
    )
    phi = result.history["phi"][-1]
    return {
        "reconstruction_before": before.reconstruction,
        "reconstruction_after": after.reconstruction,
        "objective_before": before.objective,
        "objective_after": after.objective,
        "rank_correlation": rank_correlation(before.energy, energy[::step]),
        "unmoved_arrays": _unmoved(architecture, result),
        "undone": result.parameters is result.initial,
        "dropped_steps": int(sum(result.history["dropped_steps"])),
        "empty_components": int(sum(weight < 1e-3 for weight in phi)),
        "n_components": len(phi),
    }


class _Measured(NamedTuple):
    """What a network makes of some rows."""

    reconstruction: float
    objective: float
    energy: np.ndarray
    """Under the mixture that the estimation network describes, in nats."""


def _measured(
    architecture: Architecture, plan: TrainingPlan, parameters: np.ndarray, rows: np.ndarray
) -> _Measured:
    z, gamma, _ = latent_rows(architecture, parameters, rows)
    moments = Moments.of(z.astype(np.float64), gamma.astype(np.float64))
    energy = Mixture.from_moments(moments).energy(z)
    hidden = np.random.default_rng(0).random(rows.shape) < architecture.mask_ratio
    seen = np.where(hidden, np.float32(0.0), rows)
    reconstruction = float(latent_rows(architecture, parameters, seen, rows)[2].mean())
    penalty = covariance_penalty(moments.cov + np.diag(floor_of(moments.variance)))
    objective = (
        plan.reconstruction_weight * reconstruction
        + plan.lambda1 * float(energy.mean())
        + plan.lambda2 * float(penalty)
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


def verdict_of(health: list[dict[str, Any]]) -> list[str]:
    """Say in words how a training went, the good and the bad.

    Parameters
    ----------
    health : list of dict
        One for each member, see :func:`health_of`.

    Returns
    -------
    list of str
    """
    before = float(np.mean([h["reconstruction_before"] for h in health]))
    after = float(np.mean([h["reconstruction_after"] for h in health]))
    # Models of format 1 say nothing about the objective.
    objective = [
        float(np.mean([h.get(f"objective_{when}", 0.0) for h in health]))
        for when in ("before", "after")
    ]
    correlation = float(np.mean([h["rank_correlation"] for h in health]))
    sentences = []
    if any(h.get("undone") for h in health):
        undone = ", ".join(str(i) for i, h in enumerate(health) if h.get("undone"))
        sentences.append(
            f"training was undone for member {undone}: the trained network overflows on its own "
            "rows, and the untrained one took its place; lower the learning rate"
        )
    elif after < 0.99 * before:
        sentences.append(
            f"trained energies separate from untrained ones: reconstruction error fell from "
            f"{before:.3g} to {after:.3g}, rank correlation with the untrained {correlation:.2f}"
        )
    elif before <= 1e-8:
        sentences.append("there was nothing to learn: the columns do not vary")
    elif objective[1] < objective[0] - 0.01 * before:
        sentences.append(
            f"trained energies separate from untrained ones: the objective fell from "
            f"{objective[0]:.3g} to {objective[1]:.3g} while reconstruction error went from "
            f"{before:.3g} to {after:.3g}, rank correlation with the untrained {correlation:.2f}"
        )
    else:
        what, remedy = (
            ("got worse in training", "lower the learning rate")
            if after > 1.01 * before
            else ("hardly trained", "train longer or with a higher learning rate")
        )
        sentences.append(
            f"the networks {what}: reconstruction error went from {before:.3g} to {after:.3g}; "
            f"{remedy}"
        )
    for i, h in enumerate(health):
        name = f"member {i}: " if len(health) > 1 else ""
        if h["empty_components"]:
            verb = "is" if h["empty_components"] == 1 else "are"
            sentences.append(
                f"{name}{h['empty_components']} of {h['n_components']} components {verb} empty"
            )
        if h["dropped_steps"]:
            steps = "1 step was" if h["dropped_steps"] == 1 else f"{h['dropped_steps']} steps were"
            sentences.append(
                f"{name}{steps} dropped because loss or gradient was not finite; lower the "
                "learning rate or scale the columns"
            )
        if h["unmoved_arrays"] and not h.get("undone"):
            sentences.append(f"{name}training did not move {', '.join(h['unmoved_arrays'])}")
    return sentences


def _unmoved(architecture: Architecture, result: TrainedMember) -> list[str]:
    before = architecture.named(result.initial)
    after = architecture.named(result.parameters)
    names = [name for name in before if np.array_equal(before[name], after[name])]
    if architecture.n_components > 1:
        return names
    # With one component every membership is one: there is nothing to estimate.
    return [name for name in names if not name.startswith("estimation.")]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, with ties at their mean rank; 0 where either side has one value only."""
    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return 0.0
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])
