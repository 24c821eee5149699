"""Whether a training can be trusted, in words."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dagmm.inference.diagnostics import Diagnostics


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
        plain = ("unrelated", "all_linear", "linear", "empty", "empty_one", "dropped_one")
        return "plain" if self.kind in plain else "look"


_SENTENCES = {
    "undone": "training was undone for member {members}: the trained network overflows on its own "
    "rows, and the untrained one took its place; lower the learning rate",
    "trained": "the networks learnt: reconstruction error fell from {before:.3g} to {after:.3g}, "
    "and energies have a rank correlation of {correlation:.2f} with those before training",
    "trained_objective": "the networks learnt: the objective fell from {high:.3g} to {low:.3g} "
    "while reconstruction error went from {before:.3g} to {after:.3g}, and energies have a rank "
    "correlation of {correlation:.2f} with those before training",
    "same_order": "training changed next to nothing about which rows are strange: energies have a "
    "rank correlation of {correlation:.3f} with those before it, though reconstruction error went "
    "from {before:.3g} to {after:.3g}; train longer or with a higher learning rate",
    "nothing": "there was nothing to learn: the columns do not vary",
    "unrelated": "the networks found nothing that columns have in common: rows whose columns are "
    "shuffled against each other are rebuilt as well, with a reconstruction error of "
    "{shuffled:.3g} instead of {together:.3g}; what is strange in such rows shows in single "
    "columns",
    "worse": "the networks got worse in training: reconstruction error went from {before:.3g} to "
    "{after:.3g}; lower the learning rate",
    "hardly": "the networks hardly trained: reconstruction error went from {before:.3g} to "
    "{after:.3g}; train longer or with a higher learning rate",
    "all_linear": "all networks keep the principal components of their rows: what training added "
    "to them did not rebuild other rows better; their reconstruction error is {after:.3g}",
    "linear": "{member}the network keeps the principal components of its rows: what training "
    "added to them did not rebuild other rows better",
    "empty": "{member}{n} of {of} components are empty",
    "empty_one": "{member}1 of {of} components is empty",
    "dropped": "{member}{n} steps were dropped because loss or gradient was not finite; a few do "
    "no harm, against many scale the columns or, with DAGMM, lower the learning rate",
    "dropped_one": "{member}1 step was dropped because loss or gradient was not finite, which "
    "does no harm",
    "unmoved": "{member}training did not move {arrays}",
}


def verdict_of(diagnostics: Sequence[Diagnostics]) -> list[str]:
    """Say in words how a training went, the good and the bad.

    Parameters
    ----------
    diagnostics : sequence of Diagnostics
        One for each network.

    Returns
    -------
    list of str
    """
    sentences = []
    for kind, facts in findings_of(diagnostics):
        named = "" if facts.get("member") is None else f"member {facts['member']}: "
        sentences.append(_SENTENCES[kind].format(**facts | {"member": named}))
    return sentences


#: Share of the reconstruction error that must go before networks are said to have learnt.
_LEARNT = 0.2
#: Rank correlation with energies of the untrained networks from which training changed nothing.
_SAME_ORDER = 0.99


def findings_of(diagnostics: Sequence[Diagnostics]) -> list[Finding]:
    """Return what a training shows; ``member`` is a number, or None where there is only one.

    Parameters
    ----------
    diagnostics : sequence of Diagnostics
        One for each network.
    """

    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in diagnostics]))

    before, after = mean("reconstruction_before"), mean("reconstruction_after")
    high, low = mean("objective_before"), mean("objective_after")
    correlation = mean("rank_correlation")
    undone = [str(i) for i, one in enumerate(diagnostics) if one.undone]
    errors = {"before": before, "after": after}
    if undone:
        found = [Finding("undone", {"members": ", ".join(undone)})]
    elif before <= 1e-8:
        found = [Finding("nothing", {})]
    elif all(one.is_linear for one in diagnostics):
        found = [Finding("all_linear", errors)]
    elif correlation > _SAME_ORDER and after < 0.99 * before:
        found = [Finding("same_order", errors | {"correlation": correlation})]
    elif after < (1.0 - _LEARNT) * before:
        found = [Finding("trained", errors | {"correlation": correlation})]
    elif low < high - _LEARNT * before and after <= 1.01 * before:
        lowered = {"high": high, "low": low, "correlation": correlation}
        found = [Finding("trained_objective", errors | lowered)]
    else:
        found = [Finding("worse" if after > 1.01 * before else "hardly", errors)]
    if found[0].kind in ("all_linear", "trained", "trained_objective") and not any(
        one.relations is None or one.relations.are_used for one in diagnostics
    ):
        found = [Finding("unrelated", _mean_relations(diagnostics))]
    quiet = ("all_linear", "nothing", "unrelated")
    said = {"linear"} if found[0].kind in quiet else set()
    for i, one in enumerate(diagnostics):
        member = {"member": i if len(diagnostics) > 1 else None}
        own = [(kind, facts) for kind, facts in _findings_of_one(one) if kind not in said]
        found += [Finding(kind, member | facts) for kind, facts in own]
    return found


def _mean_relations(diagnostics: Sequence[Diagnostics]) -> dict[str, Any]:
    known = [one.relations for one in diagnostics if one.relations is not None]
    return {
        name: float(np.mean([getattr(one, name) for one in known]))
        for name in ("together", "shuffled")
    }


def _findings_of_one(one: Diagnostics) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if one.is_linear:
        found.append(("linear", {}))
    if one.empty_components:
        facts = {"n": one.empty_components, "of": one.n_components}
        found.append(("empty_one" if one.empty_components == 1 else "empty", facts))
    if one.dropped_steps:
        kind = "dropped_one" if one.dropped_steps == 1 else "dropped"
        found.append((kind, {"n": one.dropped_steps}))
    if one.unmoved_arrays and not one.undone:
        found.append(("unmoved", {"arrays": ", ".join(one.unmoved_arrays)}))
    return found
