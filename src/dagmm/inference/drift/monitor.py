"""Watches energies for drift, and says from when on they are no longer those of known rows."""

import math
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from dagmm._core.arguments import check_number
from dagmm._core.errors import ArgumentError
from dagmm.inference.calibration.calibration import HELD_OUT, OF_A_TABLE, Calibration
from dagmm.inference.drift.evidence import Evidence
from dagmm.inference.drift.ranks import ConformalRanks
from dagmm.inference.fitted_model import FittedModel

#: How far a bound on false alarms can be trusted.
Bound: TypeAlias = Literal["proven", "approximate", "none"]
#: Chance of a false alarm when the user does not say.
ALPHA = 0.01
#: Energies that come a few at a time wait until there are so many.
_MOST_WAITING = 256


class DriftMonitor:
    """Watches the energies of rows as they come.

    The chance that it ever calls drift, however long it watches and however often it is asked, is
    ``alpha`` at most, if the rows are exchangeable with those whose energies the model keeps. It
    is the chance over both: of a model that happens to keep too low energies more than a share of
    ``alpha`` of all streams are called, of others next to none.

    Parameters
    ----------
    calibration : Calibration
        With energies of rows that were not fitted to.
    alpha : float, default=0.01
        Chance of a false alarm, in (0, 1).

    Attributes
    ----------
    alpha : float
    sample : EmpiricalDistribution
        The energies kept.
    ranks : ConformalRanks
    evidence : Evidence
    """

    def __init__(self, calibration: Calibration, alpha: object = ALPHA) -> None:
        assert calibration.held_out is not None, "checked by check_watchable"
        self.alpha = check_number("alpha", alpha, 0.0, 1.0, above=True)
        self.sample = calibration.held_out
        self.ranks = ConformalRanks(self.sample)
        self.evidence = Evidence()
        self._waiting: list[np.ndarray] = []
        self._n_waiting = 0
        self._highest = 0.0
        self._row: int | None = None
        self._since: int | None = None

    @property
    def n_rows(self) -> int:
        """Rows watched."""
        return self.evidence.n_rows + self._n_waiting

    @property
    def row(self) -> int | None:
        """Number of the row at which drift was called, from 0 on; None as long as it was not."""
        self._catch_up()
        return self._row

    @property
    def since(self) -> int | None:
        """Number of the row from which on rows are strange, as far as that can be told."""
        self._catch_up()
        return self._since

    @property
    def has_drifted(self) -> bool:
        """Whether drift was called; once it was it stays so."""
        return self.row is not None

    @property
    def log_evidence(self) -> float:
        """Highest evidence so far, in nats: drift is called at ``-log(alpha)``."""
        self._catch_up()
        return self._highest

    @property
    def p_value(self) -> float:
        """Chance that exchangeable rows ever look as strange; it holds at any time."""
        return math.exp(-self.log_evidence)

    def update(self, energy: Float[np.ndarray, " n_rows"]) -> None:
        """Watch the rows that follow; they are looked at many at a time, or when one asks.

        Parameters
        ----------
        energy : ndarray of shape (n_rows,)
            In nats.
        """
        self._waiting.append(energy)
        self._n_waiting += len(energy)
        if self._n_waiting >= _MOST_WAITING:
            self._catch_up()

    def follow(self, energy: Float[np.ndarray, " n_rows"]) -> Float[np.ndarray, " n_rows"]:
        """Watch the rows that follow, and return the evidence after each.

        Parameters
        ----------
        energy : ndarray of shape (n_rows,)
            In nats.

        Returns
        -------
        log_evidence : ndarray of shape (n_rows,)
            In nats; it falls again where rows become normal.
        """
        self._catch_up()
        return self._follow(energy)

    def go_on(
        self,
        ranks: ConformalRanks,
        evidence: Evidence,
        log_evidence: float,
        row: int | None,
        since: int | None,
    ) -> None:
        """Begin where another one stood; see :mod:`dagmm.inference.drift.state`."""
        self.ranks, self.evidence, self._highest = ranks, evidence, log_evidence
        self._row, self._since, self._waiting, self._n_waiting = row, since, [], 0

    def _catch_up(self) -> None:
        if self._waiting:
            waiting = np.concatenate(self._waiting)
            self._waiting, self._n_waiting = [], 0
            self._follow(waiting)

    def _follow(self, energy: np.ndarray) -> np.ndarray:
        first = self.evidence.n_rows
        log_evidence, since = self.evidence.add(*self.ranks.add(energy))
        self._highest = max(self._highest, float(log_evidence.max(initial=0.0)))
        called = log_evidence >= -math.log(self.alpha)
        if self._row is None and called.any():
            at = int(np.argmax(called))
            self._row, self._since = first + at, int(since[at])
        return log_evidence


def is_watchable(model: FittedModel) -> bool:
    """Whether new rows can be exchangeable with those that a model keeps the energies of."""
    return model.windows is None and model.calibration.held_out is not None


def check_watchable(model: FittedModel) -> None:
    """Check that new rows can be exchangeable with those that a model keeps the energies of.

    Raises
    ------
    ArgumentError
        Of windows, and where only energies of rows are kept that were fitted to.
    """
    if model.windows is not None:
        raise ArgumentError(
            f"drift: this model scores each row with the {model.n_steps - 1} before it, so that "
            "energies of neighbours are mostly of the same rows, and no bound on false alarms "
            "holds for them. Watch the share of rows above the threshold instead, or fit a model "
            "without windows to rows that do not depend on each other, such as one a batch."
        )
    if model.calibration.held_out is None:
        raise ArgumentError(
            "drift: this model keeps energies of rows only that it was fitted to, which are lower "
            "than those of new rows; calibrate it with normal rows first."
        )


def bound_on(calibration: Calibration) -> Bound:
    """Say how far the bound on false alarms can be trusted.

    It is proven where the whole model scored the rows kept as it scores new ones. Of rows that
    single networks left out, or an update's mixtures, the energies are those of a part of the
    model, and those of new rows may lie a little higher or lower.
    """
    if doubts_about(calibration):
        return "none"
    return "proven" if calibration.held_out_are in (HELD_OUT, OF_A_TABLE) else "approximate"


def doubts_about(calibration: Calibration) -> tuple[str, ...]:
    """Say why the bound on false alarms may not hold, where the rows kept show it."""
    sample = calibration.reference
    if sample.n_effective >= sample.n_rows:
        return ()
    worth = f"{sample.n_effective:.0f}"
    return (
        f"{sample.n_rows} {calibration.reference_are} follow each other so closely that they say "
        f"as much as about {worth} independent one{'' if worth == '1' else 's'}: such rows are "
        "not exchangeable, and the bound on false alarms does not hold; drift may be called where "
        "there is none",
    )
