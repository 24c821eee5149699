"""The page: numbers, texts and figures in one HTML file."""

from typing import Any

from dagmm._core.errors import MissingExtraError
from dagmm._core.visible import visible
from dagmm.inference.drift.columns import MOVED
from dagmm.inference.explain.counterfactual import MOST_COLUMNS
from dagmm.report.columns import Column
from dagmm.report.contents import Contents
from dagmm.report.figures import Figures
from dagmm.report.language import FORMATS, Language
from dagmm.report.summary import reason_of, summary_of

#: Lines of the longest tables.
_EVENTS, _COLUMNS, _REASONS = 25, 120, 8
#: Columns that are seen without unfolding the others.
_UNFOLDED = 30


def page_of(contents: Contents, language: str, table: str, model: str) -> str:
    """Write the page.

    Parameters
    ----------
    contents : Contents
    language : {"en", "ja"}
    table, model : str
        How the page calls them; may be empty.

    Returns
    -------
    str
        HTML that loads nothing.

    Raises
    ------
    ArgumentError
        If there is no such language.
    MissingExtraError
        Without Jinja2 or matplotlib.
    """
    text = Language(language)
    template = environment().get_template("report.html")
    page = template.render(
        k=contents,
        t=text,
        figures=Figures(contents, text),
        summary=summary_of(contents, text),
        title=text("title"),
        version=contents.model_card.version,
        table=table or text("of_this_table"),
        model=model,
        reason_of=lambda one: reason_of(one, text),
        most_replaced=MOST_COLUMNS,
        moved_from=MOVED,
        n_unfolded=_UNFOLDED,
        events=contents.strangest[:_EVENTS] if contents.are_events else [],
        reasons=contents.strangest[:_REASONS],
        columns=listed(contents.columns)[:_COLUMNS],
    )
    return visible(page)


def listed(columns: tuple[Column, ...]) -> list[Column]:
    """Return columns in their order; of many those with something to see first."""
    if len(columns) <= _COLUMNS:
        return list(columns)
    return sorted(columns, key=lambda column: not _is_notable(column))


def _is_notable(column: Column) -> bool:
    return bool(
        column.n_missing
        or column.is_constant
        or column.is_frozen
        or column.unseen_share
        or column.moved in ("some", "far")
    )


def environment() -> Any:
    """Return the templates; whatever is put into them is escaped.

    Raises
    ------
    MissingExtraError
        Without Jinja2.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError(
            "report needs the 'report' extra: pip install \"dagmm[report]\"."
        ) from error
    made = Environment(
        loader=PackageLoader("dagmm.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FORMATS
    return made
