"""Everything that the report says, as numbers: no text, no layout."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from dagmm._core.errors import InputError
from dagmm.inference.calibration.alarm_rule import AlarmRule
from dagmm.inference.drift.columns import MOVED
from dagmm.report.alarms import (
    Budget,
    Expected,
    alarm_calibration,
    budget_of,
    expected_alarms,
    is_far_more,
    is_more,
    rule_of,
    severity_of,
)
from dagmm.report.collect import ReportData
from dagmm.report.columns import Column
from dagmm.report.comparison import Compared, compared
from dagmm.report.model_card import ModelCard
from dagmm.report.plots.energies import EnergyHistogram, EnergySeries, histogram_of
from dagmm.report.plots.latent import LatentView, latent_view
from dagmm.report.plots.scale import EnergyScale
from dagmm.report.quality import DetectionQuality, detection_quality
from dagmm.report.reasons import Strange, blamed, strangest_of
from dagmm.report.time_axis import Timing
from dagmm.report.training import Training, training_of

#: Rows of each kind in the picture of the code space.
_PICTURED = {"normal": 1500, "alarms": 700}
#: Distances below this would be written as 0.00.
_LEAST_DISTANCE = 0.005
#: Columns whose course is drawn.
_TRACED = 6


@dataclass(frozen=True)
class Trace:
    """The course of one column.

    Parameters
    ----------
    column : Column
    at : ndarray of shape (n_points,)
        Row numbers, or times.
    low, high : ndarray of shape (n_points,)
        Lowest and highest value of the rows of each point.
    """

    column: Column
    at: Float[np.ndarray, " n_points"]
    low: Float[np.ndarray, " n_points"]
    high: Float[np.ndarray, " n_points"]


@dataclass(frozen=True)
class Contents:
    """Everything that the report says.

    Parameters
    ----------
    n_rows, n_alarms, n_events, n_groups : int
    n_sampled : int
        Rows that figures and comparison are made of; ``n_rows`` where all are.
    gap : int
        Most normal rows between two alarms of one event.
    threshold : dict or None
        What it means; see :class:`dagmm.inference.calibration.threshold.Threshold`.
    logic : AlarmRule or None
        What makes an alarm of energies above the threshold, where that is more than being so.
    timing : Timing or None
    uses_time : bool
        Whether figures are drawn over time, not over row numbers.
    columns : tuple of Column
    expected : Expected or None
    has_more : bool
        Whether there are more alarms than normal rows would have.
    has_far_more : bool
        Whether there are so many more that most of them need another reason than single faults.
    n_steps : int
        Rows that each row is scored with, itself included.
    median : float
        Energy that half of the normal rows exceed.
    budget : Budget or None
    histogram : EnergyHistogram
    scale : EnergyScale
    series : EnergySeries
    strangest : list of Strange
    are_events : bool
        Whether the strangest are events; else rows.
    blamed : list of (str, int)
        How often each column is the first reason.
    traces : list of Trace
        Of the columns that are blamed most often.
    latent : LatentView
        Of the first member.
    quality : DetectionQuality or None
    training : Training
    compared : Compared or None
    model_card : ModelCard
    """

    n_rows: int
    n_alarms: int
    n_events: int
    n_groups: int
    n_sampled: int
    gap: int
    threshold: dict[str, Any] | None
    logic: AlarmRule | None
    timing: Timing | None
    uses_time: bool
    columns: tuple[Column, ...]
    expected: Expected | None
    has_more: bool
    has_far_more: bool
    n_steps: int
    median: float
    budget: Budget | None
    histogram: EnergyHistogram
    scale: EnergyScale
    series: EnergySeries
    strangest: list[Strange]
    are_events: bool
    blamed: list[tuple[str, int]]
    traces: list[Trace]
    latent: LatentView
    quality: DetectionQuality | None
    training: Training
    compared: Compared | None
    model_card: ModelCard

    @property
    def alarm_share(self) -> float:
        """Share of the rows that are alarms."""
        return self.n_alarms / self.n_rows

    @property
    def moved(self) -> list[Column]:
        """Columns that have moved, the furthest first."""
        found = [column for column in self.columns if column.moved in ("some", "far")]
        return sorted(found, key=lambda column: -(column.distance or 0.0))

    @property
    def compared_columns(self) -> list[Column]:
        """Columns that could be compared with the training rows."""
        return [column for column in self.columns if column.distance is not None]

    @property
    def limit_of_moving(self) -> float:
        """No column that has not moved is further from the training rows than this."""
        return max(MOVED, self.noise)

    @property
    def unexplained(self) -> list[Strange]:
        """The strangest alarms that a few columns do not explain."""
        return [one for one in self.strangest if not one.is_explained]

    def severity(self, energy: float) -> str | None:
        """Say how far an alarm is above the threshold, measured by how far that is from usual.

        Returns
        -------
        {"far", "clear", "near"} or None
            None where the threshold is not above the energy of usual rows.
        """
        if self.threshold is None:
            return None
        return severity_of(energy, float(self.threshold["energy"]), self.median)

    @property
    def by_distance(self) -> list[Column]:
        """Columns that have moved at all, the furthest first."""
        known = [column for column in self.columns if (column.distance or 0.0) >= _LEAST_DISTANCE]
        return sorted(known, key=lambda column: -(column.distance or 0.0))

    @property
    def noise(self) -> float:
        """The largest distance that chance alone can bring about."""
        return max((column.noise for column in self.compared_columns), default=0.0)

    @property
    def constant(self) -> list[Column]:
        """Columns with one number in all rows."""
        return [column for column in self.columns if column.is_constant]

    @property
    def n_missing(self) -> int:
        """Missing values in all columns."""
        return sum(column.n_missing for column in self.columns)

    @property
    def n_with_missing(self) -> int:
        """Columns with missing values."""
        return sum(column.n_missing > 0 for column in self.columns)

    def n_of(self, kind: str) -> int:
        """Columns of a kind."""
        return sum(column.kind == kind for column in self.columns)

    @property
    def component_shares(self) -> list[float]:
        """Shares of the components of the member that is shown, the largest first."""
        return sorted(self.latent.phi.tolist(), reverse=True)

    @property
    def has_poor_tail_fit(self) -> bool:
        """Whether the threshold comes from a tail that the fitted distribution does not follow."""
        warnings = [] if self.threshold is None else self.threshold["warnings"]
        return any(warning["kind"] == "poor_tail_fit" for warning in warnings)

    @property
    def suspicious(self) -> list[Column]:
        """Columns of numbers that stood still though they moved in training.

        Of none it is known where :attr:`knows_frozen` is false.
        """
        return [column for column in self.columns if column.is_frozen]

    @property
    def knows_frozen(self) -> bool:
        """Whether the model knows which columns of numbers moved in training."""
        return all(
            column.is_frozen is not None for column in self.columns if column.kind == "number"
        )


def contents_of(
    data: ReportData, model_card: ModelCard, *, step: float | None = None, comparing: bool = True
) -> Contents:
    """Finish what a pass over the rows has collected.

    Parameters
    ----------
    data : ReportData
    model_card : ModelCard
    step : float, optional
        Seconds from one row to the next; by default what the time axis says.
    comparing : bool, default=True

    Raises
    ------
    InputError
        If there were no rows.
    """
    if not data.n_rows:
        raise InputError("report: expected at least 1 row, got none.")
    model = data.model
    timing = None if data.timing is None else data.timing.finish()
    if step is None and timing is not None and timing.are_dates:
        step = timing.step
    # Rows of several assets, or out of order, would make a line that runs back and forth.
    uses_time = timing is not None and timing.is_ascending and data.n_groups == 1
    uses_time = uses_time and timing is not None and timing.first != timing.last
    uses_time = uses_time and bool(np.isfinite(data.series.low[:, 1]).all())
    known = alarm_calibration(model)
    expected = None if known is None else expected_alarms(known, model.threshold, step)
    columns = data.columns.finish()
    strangest, are_events = strangest_of(data)
    histogram = _histogram(data)
    series = data.series
    at = series.low[:, 1] if uses_time else series.first_row
    first = blamed(strangest)
    quality = None
    if data.labels:
        energy, labels = np.concatenate(data.energies), np.concatenate(data.labels)
        quality = detection_quality(energy, labels, model.threshold)
    n_alarms = data.events.n_alarms
    return Contents(
        data.n_rows,
        n_alarms,
        data.events.n_events,
        data.n_groups,
        len(data.normal) + len(data.alarms),
        data.gap,
        rule_of(model),
        model.decision.alarm_rule
        if model.decision is not None and model.has_alarm_logic
        else None,
        timing,
        uses_time,
        columns,
        expected,
        expected is not None and is_more(n_alarms, data.n_rows, expected),
        expected is not None and is_far_more(n_alarms, data.n_rows, expected),
        model.n_steps,
        model.calibration.reference.energy_at(0.5),
        None if known is None else budget_of(known, model.threshold),
        histogram,
        histogram.scale,
        EnergySeries(
            at, series.low[:, 0], series.high[:, 0], model.threshold, series.rows_per_point
        ),
        strangest,
        are_events,
        first,
        _traces(data, columns, [name for name, _ in first], at),
        _latent(data),
        quality,
        training_of(model),
        compared(data) if comparing else None,
        model_card,
    )


def _histogram(data: ReportData) -> EnergyHistogram:
    model, samples = data.model, (data.normal, data.alarms)
    energy = np.concatenate([sample.first("energy") for sample in samples])
    weight = np.concatenate([np.full(len(sample), sample.weight) for sample in samples])
    known = model.calibration.training
    return histogram_of(energy, weight, known.energy, known.weight, model.threshold)


def _latent(data: ReportData) -> LatentView:
    parts = [
        sample.first("inputs", _PICTURED[kind])
        for kind, sample in (("normal", data.normal), ("alarms", data.alarms))
    ]
    strange = np.repeat([False, True], [len(part) for part in parts])
    return latent_view(data.model, 0, np.concatenate(parts), strange)


def _traces(
    data: ReportData, columns: tuple[Column, ...], blamed: list[str], at: np.ndarray
) -> list[Trace]:
    """Return the course of the columns that are blamed, or of the first ones where none is."""
    names = data.model.table_encoder.numbers.names
    by_name = {column.name: column for column in columns}
    wanted = [name for name in blamed if name in names] or list(names)
    return [
        Trace(by_name[name], at, data.traces.low[:, j], data.traces.high[:, j])
        for name in wanted[:_TRACED]
        for j in [names.index(name)]
    ]
