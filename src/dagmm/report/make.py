"""From a model and a table to a report."""

import os
from dataclasses import dataclass
from html import escape
from typing import Any

import pyarrow as pa

from dagmm._core.arguments import check_int, near
from dagmm._core.durations import parse_duration
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import named
from dagmm.data.convert import as_rows
from dagmm.data.files.write import write_text
from dagmm.estimators.base import FittedModelEstimator
from dagmm.evaluation.split import check_labels
from dagmm.inference.calibration.dependence import EVENT_GAP
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.persistence.directory import load_model
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.report.collect import SAMPLE_ROWS, ReportData
from dagmm.report.contents import Contents, contents_of
from dagmm.report.events_table import events_table
from dagmm.report.model_card import ModelCard, model_card_of
from dagmm.report.page import environment, page_of
from dagmm.report.texts import catalogue


@dataclass(frozen=True)
class Report:
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

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the page to a file that appears whole.

        Parameters
        ----------
        path : path-like
        force : bool, default=False
            Whether a file that exists may be replaced.

        Raises
        ------
        ArgumentError
            If the file exists and ``force`` is not set, or its directory does not exist.
        OSError
            If it cannot be written.
        """
        write_text(os.fspath(path), self.html, force=force)

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

    def _repr_html_(self) -> str:
        # Links within the page would otherwise lead to the notebook that shows it.
        page = self.html.replace("<head>", '<head>\n<base href="about:srcdoc">', 1)
        return (
            f'<iframe srcdoc="{escape(page)}" sandbox style="width: 100%; height: 45rem; '
            'border: 0"></iframe>'
        )


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
) -> Report:
    """Make a report on what a model says of a table: one HTML page that loads nothing.

    Parameters
    ----------
    model : estimator, FittedModel or path-like
        A fitted ``DAGMMDetector`` or ``DAGMM``, or the directory of a saved one.
    table : DataFrame or array-like of shape (n_rows, n_columns)
        The rows to score.
    lang : {"en", "ja"}, default="en"
    time : str, optional
        Column that is the time axis, dates or numbers. By default the one that was so at the
        fit, or the only column of dates.
    group : str, optional
        Column that names the asset a row belongs to. By default the one that was so at the fit.
    labels : array-like of shape (n_rows,), optional
        1 or True for an anomaly; only to say how well the alarms find them.
    every : float or str, optional
        Time from one row to the next, in seconds or as ``"10 min"``, for alarms a day and a
        week. By default what the time axis says.
    gap : int, default=10
        Most normal rows between two alarms of one event.
    compare : bool, default=True
        Whether to run other methods on a sample of the rows, which takes about half a minute.
    table_name, model_name : str, optional
        How the page calls them.
    sample_rows : int, default=4000
        Of normal rows and of alarms so many are drawn at random for figures and comparison;
        counts are of all rows.

    Returns
    -------
    Report

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
        return saved.model, model_card_of(
            saved.model, saved.estimator, _said(saved.arguments), saved.library_version
        )
    if isinstance(model, FittedModelEstimator) and hasattr(model, "model_"):
        arguments = model.get_params(deep=False)
        return model.model_, model_card_of(model.model_, type(model).__name__, _said(arguments))
    raise ArgumentError(
        "model must be a fitted DAGMMDetector or DAGMM, a FittedModel or the path of a saved one, "
        f"got {type(model).__name__}."
    )


def axes_of(
    encoder: TableEncoder,
    names: tuple[str, ...],
    time: str | None,
    group: str | None,
) -> tuple[str | None, str | None]:
    """Return time axis and asset: what is said, or what was so at the fit.

    Parameters
    ----------
    encoder : TableEncoder
    names : tuple of str
        Columns of the table.
    time, group : str or None

    Raises
    ------
    ArgumentError
        If the table has no such column.
    """
    for argument, name in (("time", time), ("group", group)):
        if name is not None and name not in names:
            raise ArgumentError(
                f"{named(argument)} names column {name!r}, which the table does not have. "
                f"{near(name, names)}"
            )
    aside: dict[str, list[str]] = {"time": [], "date": [], "group": []}
    clocks = {reading.clock for _, reading in encoder.date_readings}
    for column in encoder.unused_columns:
        if column.name in names and column.reason in aside and column.name not in clocks:
            aside[column.reason].append(column.name)
    dates = aside["time"] or [*aside["date"], *(date.name for date in encoder.dates)]
    if time is None and len(dates) == 1:
        time = dates[0]
    if group is None and aside["group"]:
        group = aside["group"][0]
    return time, group


def _said(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments without what the page shows elsewhere."""
    return {name: value for name, value in arguments.items() if name != "feature_names_in_"}
