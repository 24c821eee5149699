"""How the model trained, and whether to trust it."""

from dataclasses import dataclass

from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.verdict import Finding, findings_of

#: Terms of the loss that are drawn.
TERMS = ("reconstruction", "energy")


@dataclass(frozen=True)
class MemberRecord:
    """What one network's training recorded.

    Parameters
    ----------
    n_components : int
        Of the mixture that scores rows.
    before, after : float
        Mean squared reconstruction error of the same rows before and after training.
    correlation : float
        Rank correlation of its energies with those before training.
    dropped_steps, empty_components : int
    curves : dict of str to list of (float or None)
        One value an epoch of each of :data:`TERMS`.
    """

    n_components: int
    before: float
    after: float
    correlation: float
    dropped_steps: int
    empty_components: int
    curves: dict[str, list[float | None]]


@dataclass(frozen=True)
class Training:
    """How a model trained.

    Parameters
    ----------
    n_rows, n_held_out : int
        Training rows, and those among them that nothing was fitted to.
    findings : list of Finding
    members : list of MemberRecord
    """

    n_rows: int
    n_held_out: int
    findings: list[Finding]
    members: list[MemberRecord]

    @property
    def is_good(self) -> bool:
        """Whether nothing was found that speaks against it."""
        return all(finding.mood != "look" for finding in self.findings)


def training_of(model: FittedModel) -> Training:
    """Read a model's record."""
    record = model.record
    return Training(
        record.n_rows,
        record.held_out_rows,
        findings_of(record.diagnostics),
        [
            MemberRecord(
                0 if mixture is None else mixture.n_components,
                diagnostics.reconstruction_before,
                diagnostics.reconstruction_after,
                diagnostics.rank_correlation,
                diagnostics.dropped_steps,
                diagnostics.empty_components,
                {term: history[term] for term in TERMS},
            )
            for mixture, diagnostics, history in zip(
                map(model.mixture_of, model.networks),
                record.diagnostics,
                record.histories,
                strict=True,
            )
        ],
    )
