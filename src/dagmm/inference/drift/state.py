"""Where a monitor of drift stands, as plain data and back, so that it goes on after a restart."""

from typing import Any

import numpy as np

from dagmm._core.json_fields import JsonField
from dagmm.inference.calibration.energies import MAX_KEPT
from dagmm.inference.drift.evidence import N_BETS, Evidence
from dagmm.inference.drift.monitor import DriftMonitor
from dagmm.inference.drift.ranks import ConformalRanks


def plain_of(monitor: DriftMonitor) -> dict[str, Any]:
    """Return where a monitor stands, as JSON can hold it."""
    log_evidence = monitor.log_evidence  # looks at all rows that wait
    evidence, gaps = monitor.evidence, np.flatnonzero(monitor.ranks.added)
    return {
        "known": monitor.ranks.digest,
        "n_rows": monitor.n_rows,
        "gaps": gaps.tolist(),
        "added": monitor.ranks.added[gaps].tolist(),
        "log_bets": _numbers(evidence.log_bets),
        "log_best": _numbers(evidence.log_best),
        "begins": evidence.begins.tolist(),
        "log_evidence": log_evidence,
        "row": monitor.row,
        "since": monitor.since,
    }


def take(monitor: DriftMonitor, plain: JsonField) -> None:
    """Go on from where another monitor of the same energies stood.

    A monitor whose model was calibrated anew meanwhile begins anew, as places among other rows
    are other places.

    Raises
    ------
    ValueError
        Naming the first field that is missing, unknown, or not as it must be; nothing is taken.
    """
    names = ("known", "n_rows", "gaps", "added", "log_bets", "log_best", "begins")
    *parts, log_evidence, row, since = plain.fields(*names, "log_evidence", "row", "since")
    known, n_rows, gaps, added, log_bets, log_best, begins = parts
    if known.text() != monitor.ranks.digest:
        return
    places = [one.whole() for one in gaps.items(MAX_KEPT + 1)]
    counts = [one.size(2**62) for one in added.items(len(places), least=len(places))]
    if places != sorted(set(places)) or (places and places[-1] >= len(monitor.ranks.added)):
        gaps.fail(f"ascending, below {len(monitor.ranks.added)}")
    if sum(counts) != n_rows.whole():
        added.fail(f"whole numbers of sum {n_rows.value}")
    evidence = Evidence()
    evidence.n_rows = n_rows.whole()
    evidence.log_bets, evidence.log_best = _read(log_bets), _read(log_best)
    evidence.begins = np.array([one.whole() for one in begins.items(N_BETS, least=N_BETS)])
    highest = log_evidence.number()
    called = [None if one.value is None else one.whole() for one in (row, since)]
    ranks = ConformalRanks(monitor.sample)
    ranks.go_on(np.array(places, np.int64), np.array(counts, np.int64))
    monitor.go_on(ranks, evidence, highest, *called)


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _read(plain: JsonField) -> np.ndarray:
    found = plain.items(N_BETS, least=N_BETS)
    return np.array([-np.inf if one.value is None else one.number() for one in found])
