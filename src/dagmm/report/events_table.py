"""The strangest events as an Arrow table."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dagmm.report.contents import Contents
from dagmm.report.reasons import Reason
from dagmm.report.time_axis import Timing


def events_table(contents: Contents) -> pa.Table:
    """Return one row for each event, as :meth:`dagmm.Report.to_table` describes it."""
    events = [one.event for one in contents.strangest]
    reasons = [next(iter(one.reasons), None) for one in contents.strangest]
    timing = contents.timing
    return pa.table(
        {
            "asset": pa.array([event.group for event in events], pa.string()),
            "first_row": pa.array([event.first_row for event in events], pa.int64()),
            "last_row": pa.array([event.last_row for event in events], pa.int64()),
            "first_time": _times([event.first_time for event in events], timing),
            "last_time": _times([event.last_time for event in events], timing),
            "alarms": pa.array([event.n_alarms for event in events], pa.int64()),
            "row": pa.array([event.peak_row for event in events], pa.int64()),
            "energy": pa.array([event.peak_energy for event in events], pa.float64()),
            "reference_energy": pa.array(
                [one.reference_energy for one in contents.strangest], pa.float64()
            ),
            "is_explained": pa.array([one.is_explained for one in contents.strangest]),
            "top_feature": pa.array(_of(reasons, lambda reason: reason.column), pa.string()),
            "contribution": pa.array(
                _of(reasons, lambda reason: reason.contribution), pa.float64()
            ),
        }
    )


def _of(reasons: Sequence[Reason | None], value: Callable[[Reason], Any]) -> list[Any]:
    return [None if reason is None else value(reason) for reason in reasons]


def _times(times: Sequence[float], timing: Timing | None) -> pa.Array:
    values = np.array(times, np.float64)
    if timing is None or not timing.are_dates:
        return pa.array(values, from_pandas=True)
    milliseconds = pa.array(np.round(1000.0 * values), from_pandas=True)
    return milliseconds.cast(pa.int64()).cast(pa.timestamp("ms"))
