"""The strangest events as an Arrow table."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from dagmm.preprocessing.windows.clock import arrow_times
from dagmm.report.contents import Contents
from dagmm.report.reasons import Reason


def events_table(contents: Contents) -> pa.Table:
    """Return one row for each event, as :meth:`dagmm.Report.to_table` describes it."""
    events = [one.event for one in contents.strangest]
    reasons = [next(iter(one.reasons), None) for one in contents.strangest]
    are_dates = contents.timing is not None and contents.timing.are_dates
    return pa.table(
        {
            "asset": pa.array([event.group for event in events], pa.string()),
            "first_row": pa.array([event.first_row for event in events], pa.int64()),
            "last_row": pa.array([event.last_row for event in events], pa.int64()),
            "first_time": arrow_times([event.first_time for event in events], are_dates),
            "last_time": arrow_times([event.last_time for event in events], are_dates),
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
