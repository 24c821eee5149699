"""From a fleet and a table to a report."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dagmm.estimators.fleet_base import FittedFleetEstimator
from dagmm.evaluation.split import check_labels
from dagmm.report.axes import axes_of
from dagmm.report.fleet_collect import FleetReportData
from dagmm.report.fleet_contents import FleetContents, fleet_contents_of
from dagmm.report.fleet_page import fleet_page_of
from dagmm.report.saved_page import SavedPage

#: Rows that are looked at together, about: each asset has some among them.
_ROWS_AT_ONCE = 2**19


@dataclass(frozen=True)
class FleetReport(SavedPage):
    """A report of a fleet that has been made.

    Parameters
    ----------
    contents : FleetContents
        Every number in it.
    html : str
        The page.

    Examples
    --------
    With ``fleet`` and ``table`` of the example of :class:`dagmm.DAGMMFleet`:

    >>> dagmm.make_report(fleet, table)
    Report of 300 rows of 2 assets; save(path) writes the page.
    """

    contents: FleetContents
    html: str

    def to_table(self) -> pa.Table:
        """Return one row for each asset of the table, the most alarms first.

        Returns
        -------
        pyarrow.Table
            ``asset``, ``rows``, ``alarms``, ``promised`` (alarms to be expected if all rows were
            normal), ``has_more`` (whether there are more than chance would bring), ``events``,
            ``row`` and ``energy`` (of the strangest row), ``threshold``, ``top_feature`` (of the
            strangest event, where it was explained) and ``scored_by`` (``"own"`` or ``"all"``).
        """
        return self.contents.to_table()

    def __repr__(self) -> str:
        n = len(self.contents.assets)
        return (
            f"Report of {self.contents.n_rows:,} rows of {n:,} asset{'s' * (n != 1)}; "
            "save(path) writes the page."
        )


def make_fleet_report(
    fleet: FittedFleetEstimator,
    table: Any,
    *,
    lang: str,
    time: str | None,
    labels: Any,
    gap: int,
    table_name: str,
    model_name: str,
) -> FleetReport:
    """Make the report of a fleet, as :func:`dagmm.make_report` takes its arguments."""
    rows = fleet._rows(table)
    time, _ = axes_of(fleet.fleet_.of_all.table_encoder, rows.names, time, fleet.per)
    known = None if labels is None else check_labels(labels, rows.n_rows)
    by_all = fleet.unseen == "all"
    data = FleetReportData(fleet.fleet_, unseen_by_all=by_all, time=time, gap=gap)
    for chunk in rows.chunks(_ROWS_AT_ONCE):
        part = slice(chunk.start, chunk.start + chunk.n_rows)
        data.add(chunk, None if known is None else known[part])
    return finish_fleet_report(data, lang, table_name, model_name)


def finish_fleet_report(
    data: FleetReportData, lang: str, table_name: str, model_name: str
) -> FleetReport:
    """Make the report of rows that have been read.

    Parameters
    ----------
    data : FleetReportData
    lang : {"en", "ja"}
    table_name, model_name : str
    """
    contents = fleet_contents_of(data)
    return FleetReport(contents, fleet_page_of(contents, lang, table_name, model_name))
