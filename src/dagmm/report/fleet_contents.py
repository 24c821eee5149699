"""Everything that the report of a fleet says, as numbers: no text, no layout."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dagmm._core.errors import InputError
from dagmm._version import __version__
from dagmm.report.alarms import alarm_calibration, expected_alarms, is_more, severity_of
from dagmm.report.fleet_collect import AssetData, FleetReportData
from dagmm.report.quality import DetectionQuality, detection_quality
from dagmm.report.reasons import Strange, blamed, explained

#: Assets whose strangest events are explained.
_DETAILED = 20


@dataclass(frozen=True)
class AssetFacts:
    """What there is to say of one asset.

    Parameters
    ----------
    asset : str
    n_rows, n_alarms, n_events : int
    promised : float
        Alarms to be expected if all its rows were normal, by its threshold.
    has_more : bool
        Whether there are more than chance would bring, with a chance of 1 in 1000.
    peak_row : int
        Number of the row of the highest energy.
    peak_energy, threshold, median : float
        The highest energy, the threshold, and the energy that half of the normal rows exceed.
    why_not : str
        Why it has no model of its own; empty where it has one.
    is_unseen : bool
        Whether the fleet was not fitted to it.
    """

    asset: str
    n_rows: int
    n_alarms: int
    n_events: int
    promised: float
    has_more: bool
    peak_row: int
    peak_energy: float
    threshold: float
    median: float
    why_not: str
    is_unseen: bool

    @property
    def alarm_share(self) -> float:
        """Share of the rows that are alarms."""
        return self.n_alarms / self.n_rows

    @property
    def is_own(self) -> bool:
        """Whether its own model scores it."""
        return not self.why_not and not self.is_unseen

    @property
    def severity(self) -> str | None:
        """How far its strangest row is above the threshold; None where it is not."""
        if self.peak_energy <= self.threshold:
            return None
        return severity_of(self.peak_energy, self.threshold, self.median)


@dataclass(frozen=True)
class AssetDetails:
    """The strangest events of one asset, and what is to blame.

    Parameters
    ----------
    facts : AssetFacts
    strangest : list of Strange
        The highest energy first.
    n_steps : int
        Rows that each row is scored with, itself included.
    """

    facts: AssetFacts
    strangest: list[Strange]
    n_steps: int


@dataclass(frozen=True)
class FleetContents:
    """Everything that the report of a fleet says.

    Parameters
    ----------
    per : str
        The column that names the asset of a row.
    n_rows, n_alarms, n_events : int
    gap : int
        Most normal rows between two alarms of one event.
    assets : list of AssetFacts
        Those with rows in the table, the worst first: with more alarms than chance would bring,
        then by how far the strangest row is above the threshold, measured by how far that is from
        usual rows.
    details : list of AssetDetails
        Of the first of them that have alarms.
    blamed : list of (str, int)
        For how many events of ``details`` each column is the first reason.
    absent : list of str
        Assets of the fleet that the table has no rows of.
    n_fitted : int
        Assets of the fleet.
    rules : list of str
        How thresholds were chosen.
    has_dates : bool
        Whether events have dates.
    quality : DetectionQuality or None
        Of all rows; energies are compared by how far they are above the threshold.
    version : str
        Of the library.
    """

    per: str
    n_rows: int
    n_alarms: int
    n_events: int
    gap: int
    assets: list[AssetFacts]
    details: list[AssetDetails]
    blamed: list[tuple[str, int]]
    absent: list[str]
    n_fitted: int
    rules: list[str]
    has_dates: bool
    quality: DetectionQuality | None
    version: str

    @property
    def alarm_share(self) -> float:
        """Share of the rows that are alarms."""
        return self.n_alarms / self.n_rows

    @property
    def promised_share(self) -> float:
        """Share of the rows that would be alarms if all were normal, by the thresholds."""
        return sum(one.promised for one in self.assets) / self.n_rows

    @property
    def alarming(self) -> list[AssetFacts]:
        """Assets with alarms."""
        return [one for one in self.assets if one.n_alarms]

    @property
    def beyond_chance(self) -> list[AssetFacts]:
        """Assets with more alarms than chance would bring."""
        return [one for one in self.assets if one.has_more]

    @property
    def far_above(self) -> list[AssetFacts]:
        """Assets whose strangest row is far above their threshold."""
        return [one for one in self.assets if one.severity == "far"]

    @property
    def by_all(self) -> list[AssetFacts]:
        """Assets that the model of all scores."""
        return [one for one in self.assets if not one.is_own]

    @property
    def n_blamed(self) -> int:
        """Events that are explained."""
        return sum(len(one.strangest) for one in self.details)

    def to_table(self) -> pa.Table:
        """Return one row for each asset, as :meth:`dagmm.FleetReport.to_table` describes it."""
        first = {one.facts.asset: one.strangest[0].first_reason for one in self.details}
        return pa.table(
            {
                "asset": pa.array([one.asset for one in self.assets], pa.string()),
                "rows": pa.array([one.n_rows for one in self.assets], pa.int64()),
                "alarms": pa.array([one.n_alarms for one in self.assets], pa.int64()),
                "promised": pa.array([one.promised for one in self.assets], pa.float64()),
                "has_more": pa.array([one.has_more for one in self.assets], pa.bool_()),
                "events": pa.array([one.n_events for one in self.assets], pa.int64()),
                "row": pa.array([one.peak_row for one in self.assets], pa.int64()),
                "energy": pa.array([one.peak_energy for one in self.assets], pa.float64()),
                "threshold": pa.array([one.threshold for one in self.assets], pa.float64()),
                "top_feature": pa.array(
                    [first.get(one.asset) for one in self.assets], pa.string()
                ),
                "scored_by": pa.array(["own" if one.is_own else "all" for one in self.assets]),
            }
        )


def fleet_contents_of(data: FleetReportData) -> FleetContents:
    """Finish what a pass over the rows has collected.

    Raises
    ------
    InputError
        If there were no rows.
    """
    if not data.n_rows:
        raise InputError("report: expected at least 1 row, got none.")
    fleet = data.fleet
    facts = [_facts_of(data, asset, one) for asset, one in data.assets.items()]
    facts.sort(key=_how_bad, reverse=True)
    details = []
    for one in facts[:_DETAILED]:
        known = data.assets[one.asset]
        if one.n_alarms:
            strangest = explained(known.model, known.events.strangest())
            details.append(AssetDetails(one, strangest, known.model.n_steps))
    decisions = [one.model.decision for one in data.assets.values()]
    quality = None
    if data.labels:
        excess, labels = np.concatenate(data.excess), np.concatenate(data.labels)
        quality = detection_quality(excess, labels, 0.0)
    return FleetContents(
        fleet.per,
        data.n_rows,
        sum(one.n_alarms for one in facts),
        sum(one.n_events for one in facts),
        data.gap,
        facts,
        details,
        blamed([one for part in details for one in part.strangest]),
        [asset for asset in fleet.assets if asset not in data.assets],
        len(fleet.assets),
        sorted({one.rule for one in decisions if one is not None}),
        any(one.has_dates for one in data.assets.values()),
        quality,
        __version__,
    )


def _how_bad(one: AssetFacts) -> tuple[bool, float, float]:
    above, usual = one.peak_energy - one.threshold, one.threshold - one.median
    return one.has_more, above / usual if usual > 0.0 else 0.0, above


def _facts_of(data: FleetReportData, asset: str, found: AssetData) -> AssetFacts:
    model, known = found.model, data.fleet.assets.get(asset)
    calibration = alarm_calibration(model)
    assert calibration is not None, "a fleet follows no alarm logic"
    expected = expected_alarms(calibration, model.threshold, None)
    assert expected is not None, "a detector decides"
    assert model.threshold is not None, "a detector decides"
    n_alarms = found.events.n_alarms
    return AssetFacts(
        asset,
        found.n_rows,
        n_alarms,
        found.events.n_events,
        expected.share * found.n_rows,
        is_more(n_alarms, found.n_rows, expected),
        found.peak_row,
        found.peak_energy,
        model.threshold,
        model.calibration.reference.energy_at(0.5),
        "" if known is None else known.why_not,
        known is None,
    )
