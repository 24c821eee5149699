"""What a model remembers of its training, and whether that can be trusted, in words."""

from typing import Any, NamedTuple

import numpy as np


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
        One for each member, see :func:`diagnose`.

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
        One for each member, see :func:`diagnose`.
    """
    before = float(np.mean([h["reconstruction_before"] for h in health]))
    after = float(np.mean([h["reconstruction_after"] for h in health]))
    objective = [
        float(np.mean([h[f"objective_{when}"] for h in health])) for when in ("before", "after")
    ]
    correlation = float(np.mean([h["rank_correlation"] for h in health]))
    undone = [str(i) for i, h in enumerate(health) if h["undone"]]
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
        if h["unmoved_arrays"] and not h["undone"]:
            facts = {"arrays": ", ".join(h["unmoved_arrays"])}
            found.append(Finding("unmoved", member | facts))
    return found
