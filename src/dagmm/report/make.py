"""From a model and a table to a report."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_int
from dagmm._core.durations import parse_duration
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import given, named
from dagmm.data.convert import as_rows
from dagmm.estimators.base import FittedModelEstimator
from dagmm.estimators.fleet_base import FittedFleetEstimator
from dagmm.estimators.said import said_arguments
from dagmm.evaluation.split import check_labels
from dagmm.inference.calibration.dependence import EVENT_GAP
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.fleet.directory import is_saved_fleet
from dagmm.inference.persistence.directory import load_model
from dagmm.report.axes import axes_of
from dagmm.report.collect import SAMPLE_ROWS, ReportData
from dagmm.report.contents import Contents, contents_of
from dagmm.report.events_table import events_table
from dagmm.report.model_card import ModelCard, model_card_of
from dagmm.report.page import environment, page_of
from dagmm.report.saved_page import SavedPage
from dagmm.report.texts import catalogue

if TYPE_CHECKING:
    from dagmm.report.fleet_make import FleetReport


@dataclass(frozen=True)
class Report(SavedPage):
    """A report that has been made.

    Parameters
    ----------
    contents : Contents
        Every number in it.
    html : str
        The page.

    Examples
    --------
    With ``model`` and ``x`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> report = dagmm.make_report(model, x, compare=False)
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report.save(f"{folder}/report.html")
    >>> report
    Report of 400 rows; save(path) writes the page.
    """

    contents: Contents
    html: str

    def to_table(self) -> pa.Table:
        """Return the strangest events, the highest energy first; rows where there is no event.

        ``.to_pandas()`` makes it a pandas DataFrame, ``polars.from_arrow`` a polars one.

        Returns
        -------
        pyarrow.Table
            ``asset``, ``first_row``, ``last_row``, ``first_time``, ``last_time`` (timestamps
            where the time axis has dates, else its numbers; null without one), ``alarms``,
            ``row`` (the one of the highest energy), ``energy``, ``reference_energy``,
            ``is_explained`` (false where a few columns do not explain that row), ``top_feature``,
            ``contribution`` (nats).
        """
        return events_table(self.contents)

    def __repr__(self) -> str:
        return f"Report of {self.contents.n_rows:,} rows; save(path) writes the page."


def make_report(
    model: Any,
    table: Any,
    *,
    lang: str = "en",
    time: str | None = None,
    group: str | None = None,
    labels: Any = None,
    every: Any = None,
    gap: int = EVENT_GAP,
    compare: bool = True,
    table_name: str = "",
    model_name: str = "",
    sample_rows: int = SAMPLE_ROWS,
) -> "Report | FleetReport":
    """Make a report on what a model says of a table: one HTML page that loads nothing.

    The report of a fleet lists its assets, the most alarms first, and says of the worst what is
    to blame.

    Parameters
    ----------
    model : estimator, FittedModel or path-like
        A fitted ``DAGMMDetector``, ``DAGMM`` or ``DAGMMFleet``, or the directory of a saved one.
    table : DataFrame or array-like of shape (n_rows, n_columns)
        The rows to score.
    lang : {"en", "ja"}, default="en"
    time : str, optional
        Column that is the time axis, dates or numbers. By default the one that was so at the
        fit, or the only column of dates.
    group : str, optional
        Column that names the asset a row belongs to. By default the one that was so at the fit.
        A fleet knows it.
    labels : array-like of shape (n_rows,), optional
        1 or True for an anomaly; only to say how well the alarms find them.
    every : float or str, optional
        Time from one row to the next, in seconds or as ``"10 min"``, for alarms a day and a
        week. By default what the time axis says.
    gap : int, default=10
        Most normal rows between two alarms of one event.
    compare : bool, default=True
        Whether to run other methods on a sample of the rows, which takes about half a minute; not
        of a fleet.
    table_name, model_name : str, optional
        How the page calls them.
    sample_rows : int, default=4000
        Of normal rows and of alarms so many are drawn at random for figures and comparison;
        counts are of all rows.

    Returns
    -------
    Report or FleetReport

    Raises
    ------
    ArgumentError
        If an argument cannot be used.
    InputError
        If the table does not fit the model or has no rows.
    MissingExtraError
        Without the ``report`` extra.

    Examples
    --------
    With ``model`` and ``x`` of the example of :class:`dagmm.DAGMMDetector`:

    >>> report = dagmm.make_report(model, x, lang="ja", compare=False)
    >>> report.html[:15]
    '<!doctype html>'
    """
    check_page(lang)
    check_int("gap", gap, 0)
    check_int("sample_rows", sample_rows, 10)
    step = None if every is None else parse_duration("every", every)
    fleet = fleet_of(model)
    if fleet is not None:
        from dagmm.report.fleet_make import make_fleet_report

        check_for_fleet(fleet, group, every)
        names = {"table_name": table_name, "model_name": model_name}
        return make_fleet_report(
            fleet, table, lang=lang, time=time, labels=labels, gap=gap, **names
        )
    fitted, model_card = described(model)
    rows = as_rows(table)
    fitted.check(rows)
    time, group = axes_of(fitted.table_encoder, rows.names, time, group)
    known = None if labels is None else check_labels(labels, rows.n_rows)
    data = ReportData(fitted, time, group, gap, sample_rows)
    energy = fitted.energy(rows)
    for chunk in rows.chunks():
        part = slice(chunk.start, chunk.start + chunk.n_rows)
        data.add(chunk, energy[part], None if known is None else known[part])
    return finish_report(data, model_card, lang, step, compare, table_name, model_name)


def fleet_of(model: Any) -> FittedFleetEstimator | None:
    """Return the fleet that a user passes, or that lies in a directory; None for anything else.

    Raises
    ------
    NotFittedError
    ModelFileError
        If a saved fleet cannot be read.
    """
    if isinstance(model, FittedFleetEstimator):
        check_is_fitted(model)
        return model
    if isinstance(model, str | os.PathLike) and is_saved_fleet(model):
        from dagmm.estimators.fleet import DAGMMFleet

        return DAGMMFleet.load(model)
    return None


def check_for_fleet(fleet: FittedFleetEstimator, group: str | None, every: Any) -> None:
    """Check what the report of a fleet does not take.

    Raises
    ------
    ArgumentError
    """
    if group not in (None, fleet.per):
        raise ArgumentError(
            f"{given('group', group)} differs from column {fleet.per!r}, which names the assets "
            "of this fleet; leave it out."
        )
    if every is not None:
        raise ArgumentError(
            f"{named('every')} belongs to the report of one model; that of a fleet counts alarms, "
            "not alarms a week."
        )


def finish_report(
    data: ReportData,
    model_card: ModelCard,
    lang: str,
    step: float | None,
    compare: bool,
    table_name: str,
    model_name: str,
) -> Report:
    """Make the report of rows that have been read.

    Parameters
    ----------
    data : ReportData
    model_card : ModelCard
    lang : {"en", "ja"}
    step : float or None
        Seconds from one row to the next.
    compare : bool
    table_name, model_name : str
    """
    contents = contents_of(data, model_card, step=step, comparing=compare)
    return Report(contents, page_of(contents, lang, table_name, model_name))


def check_page(lang: str) -> None:
    """Check that a page can be written, before the work for it begins.

    Raises
    ------
    ArgumentError
        If there is no such language.
    MissingExtraError
        Without the ``report`` extra.
    """
    from dagmm.report.svg import svg_of

    catalogue(lang)
    environment()
    svg_of("empty", "", (1.0, 1.0), lambda ax: ax.axis("off"))


def described(model: Any) -> tuple[FittedModel, ModelCard]:
    """Return the fitted model of whatever a user passes, and its card.

    Raises
    ------
    ArgumentError
        If it is no fitted model.
    ModelFileError
        If it is a path without one.
    """
    if isinstance(model, FittedModel):
        return model, model_card_of(model)
    if isinstance(model, str | os.PathLike):
        saved = load_model(model)
        said = said_arguments(saved.estimator, saved.arguments)
        return saved.model, model_card_of(
            saved.model, saved.estimator, said, saved.library_version
        )
    if isinstance(model, FittedModelEstimator) and hasattr(model, "model_"):
        name = type(model).__name__
        said = said_arguments(name, model.get_params(deep=False))
        return model.model_, model_card_of(model.model_, name, said)
    raise ArgumentError(
        "model must be a fitted DAGMMDetector, DAGMM or DAGMMFleet, a FittedModel or the path of "
        f"a saved one, got {type(model).__name__}."
    )
