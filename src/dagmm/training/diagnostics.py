"""Whether a fit can be trusted: proof that it trained, and a verdict in words."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from dagmm._core.errors import ArgumentError
from dagmm._core.numerics import Array
from dagmm.inference.forward import outputs_of
from dagmm.mixture.gaussian import Mixture, Moments, covariance_penalty, floor_of
from dagmm.networks.network import Architecture
from dagmm.preprocessing.windows.features import Inputs
from dagmm.training.trainer import TrainedMember, TrainingPlan

#: Rows that trained and untrained network are compared on, or as many as have so many features
#: together; of a few more than these, all.
_SAMPLE_ROWS, _SAMPLE_INPUTS = 4096, 2**23


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
    most = max(1, min(_SAMPLE_ROWS, _SAMPLE_INPUTS // features.shape[1]))
    step = max(1, len(features) // most)
    sample = features[::step]
    check_untrained(*outputs_of(architecture, result.initial, sample)[:2])
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
    z, gamma, squared_error = outputs_of(architecture, parameters, rows)
    moments = Moments.of(z.astype(np.float64), gamma.astype(np.float64))
    energy = Mixture.from_moments(moments).energy(z)
    if architecture.mask_ratio > 0.0:
        hidden = np.random.default_rng(0).random(rows.shape) < architecture.mask_ratio
        seen = np.where(hidden, np.float32(0.0), rows)
        squared_error = outputs_of(architecture, parameters, seen, rows).squared_error
    reconstruction = float(squared_error.mean())
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


class Finding(NamedTuple):
    """One thing that a training shows.

    Parameters
    ----------
    kind : str
        A key of the sentences below.
    facts : dict
        What the sentence names.
    """

    kind: str
    facts: dict[str, Any]

    @property
    def mood(self) -> str:
        """``"good"``, ``"plain"`` for what does no harm, or ``"look"``."""
        if self.kind in ("trained", "trained_objective"):
            return "good"
        return "plain" if self.kind in ("empty", "empty_one", "dropped_one") else "look"


_SENTENCES = {
    "undone": "training was undone for member {members}: the trained network overflows on its own "
    "rows, and the untrained one took its place; lower the learning rate",
    "trained": "trained energies separate from untrained ones: reconstruction error fell from "
    "{before:.3g} to {after:.3g}, rank correlation with the untrained {correlation:.2f}",
    "trained_objective": "trained energies separate from untrained ones: the objective fell from "
    "{high:.3g} to {low:.3g} while reconstruction error went from {before:.3g} to {after:.3g}, "
    "rank correlation with the untrained {correlation:.2f}",
    "nothing": "there was nothing to learn: the columns do not vary",
    "worse": "the networks got worse in training: reconstruction error went from {before:.3g} to "
    "{after:.3g}; lower the learning rate",
    "hardly": "the networks hardly trained: reconstruction error went from {before:.3g} to "
    "{after:.3g}; train longer or with a higher learning rate",
    "empty": "{member}{n} of {of} components are empty",
    "empty_one": "{member}1 of {of} components is empty",
    "dropped": "{member}{n} steps were dropped because loss or gradient was not finite; a few do "
    "no harm, against many scale the columns or, with DAGMM, lower the learning rate",
    "dropped_one": "{member}1 step was dropped because loss or gradient was not finite, which "
    "does no harm",
    "unmoved": "{member}training did not move {arrays}",
}


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
    sentences = []
    for kind, facts in findings_of(health):
        named = "" if facts.get("member") is None else f"member {facts['member']}: "
        sentences.append(_SENTENCES[kind].format(**facts | {"member": named}))
    return sentences


def findings_of(health: list[dict[str, Any]]) -> list[Finding]:
    """Return what a training shows; ``member`` is a number, or None where there is only one.

    Parameters
    ----------
    health : list of dict
        One for each member, see :func:`health_of`.
    """
    before = float(np.mean([h["reconstruction_before"] for h in health]))
    after = float(np.mean([h["reconstruction_after"] for h in health]))
    # Models of format 1 say nothing about the objective.
    objective = [
        float(np.mean([h.get(f"objective_{when}", 0.0) for h in health]))
        for when in ("before", "after")
    ]
    correlation = float(np.mean([h["rank_correlation"] for h in health]))
    undone = [str(i) for i, h in enumerate(health) if h.get("undone")]
    errors = {"before": before, "after": after}
    if undone:
        found = [Finding("undone", {"members": ", ".join(undone)})]
    elif after < 0.99 * before:
        found = [Finding("trained", errors | {"correlation": correlation})]
    elif before <= 1e-8:
        found = [Finding("nothing", {})]
    elif objective[1] < objective[0] - 0.01 * before:
        lowered = {"high": objective[0], "low": objective[1], "correlation": correlation}
        found = [Finding("trained_objective", errors | lowered)]
    else:
        found = [Finding("worse" if after > 1.01 * before else "hardly", errors)]
    for i, h in enumerate(health):
        member = {"member": i if len(health) > 1 else None}
        n_empty, n_dropped = h["empty_components"], h["dropped_steps"]
        if n_empty:
            facts = {"n": n_empty, "of": h["n_components"]}
            found.append(Finding("empty_one" if n_empty == 1 else "empty", member | facts))
        if n_dropped:
            kind = "dropped_one" if n_dropped == 1 else "dropped"
            found.append(Finding(kind, member | {"n": n_dropped}))
        if h["unmoved_arrays"] and not h.get("undone"):
            facts = {"arrays": ", ".join(h["unmoved_arrays"])}
            found.append(Finding("unmoved", member | facts))
    return found


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
