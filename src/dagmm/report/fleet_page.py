"""The page of a fleet: assets worst first, what is to blame in the worst, in one HTML file."""

from typing import Any

import numpy as np

from dagmm._core.visible import visible
from dagmm.inference.explain.counterfactual import MOST_COLUMNS
from dagmm.report.fleet_collect import EVENTS_OF_ASSET
from dagmm.report.fleet_contents import AssetFacts, FleetContents
from dagmm.report.language import Language, format_count, format_percent, format_rate
from dagmm.report.page import environment
from dagmm.report.plots.canvas import GUIDE, STRANGE
from dagmm.report.summary import Line, Summary, against_labels, counted, reason_of
from dagmm.report.svg import svg_of

#: Assets that are listed, those that are seen without unfolding the others, and those that are
#: named in one sentence.
_ASSETS, _UNFOLDED, _NAMED = 1000, 30, 5
#: From this share of the assets on, what goes on is more likely common to them than single faults.
_COMMON = 0.25


def fleet_page_of(contents: FleetContents, language: str, table: str, model: str) -> str:
    """Write the page.

    Parameters
    ----------
    contents : FleetContents
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
    page = environment().get_template("fleet.html")
    return visible(
        page.render(
            k=contents,
            t=text,
            title=text("fleet_title"),
            version=contents.version,
            summary=_summary(contents, text),
            figure=_alarms_of_assets(contents, text),
            table=table or text("of_this_table"),
            model=model,
            reason_of=lambda one: reason_of(one, text),
            most_replaced=MOST_COLUMNS,
            most_events=EVENTS_OF_ASSET,
            most_by_all=_ASSETS,
            n_unfolded=_UNFOLDED,
            assets=contents.assets[:_ASSETS],
        )
    )


def _summary(contents: FleetContents, text: Language) -> Summary:
    beyond, is_alarming = contents.beyond_chance, contents.n_alarms > 0
    tiles = [
        counted("tile_assets", len(contents.assets), text),
        counted("tile_beyond", len(beyond), text, bool(beyond)),
        counted("tile_rows", contents.n_rows, text),
        counted("tile_alarms", contents.n_alarms, text, is_alarming),
        counted("tile_events", contents.n_events, text, is_alarming),
    ]
    if contents.by_all:
        tiles.append(counted("tile_by_all", len(contents.by_all), text))
    lines = [*_alarms(contents, text), *against_labels(contents.quality, text)]
    lines += _by_all(contents, text)
    if contents.absent:
        facts = {"n": format_count(len(contents.absent)), "names": _few(contents.absent, text)}
        lines.append(Line(text("say_absent", **facts), "plain"))
    return Summary(tiles, lines, [])


def _alarms(contents: FleetContents, text: Language) -> list[Line]:
    if not contents.n_alarms:
        return [Line(text("say_none"), "good")]
    said = text(
        "say_fleet_alarms",
        alarms=format_count(contents.n_alarms),
        rows=format_count(contents.n_rows),
        share=format_percent(contents.alarm_share),
        n=format_count(len(contents.alarming)),
        of=format_count(len(contents.assets)),
        promised=format_rate(sum(one.promised for one in contents.assets)),
    )
    lines = [Line(said, "plain")]
    beyond = contents.beyond_chance
    found = [
        Line(text(key, n=format_count(len(some)), names=_few(_names(some), text)), "look")
        for key, some in (("say_beyond", beyond), ("say_far", contents.far_above))
        if some
    ]
    lines += found or [Line(text("say_within"), "good")]
    share = len(beyond) / len(contents.assets)
    if len(beyond) > 1 and share >= _COMMON:
        lines.append(Line(text("say_common", share=format_percent(share)), "look"))
    if contents.blamed:
        name, n = contents.blamed[0]
        counts = {"n": format_count(n), "of": format_count(contents.n_blamed)}
        lines.append(Line(text("say_blamed", name=name, **counts), "plain"))
    return lines


def _by_all(contents: FleetContents, text: Language) -> list[Line]:
    known = [one for one in contents.by_all if not one.is_unseen]
    unseen = [one for one in contents.by_all if one.is_unseen]
    return [
        Line(text(key, n=format_count(len(some)), names=_few(_names(some), text)), "look")
        for key, some in (("say_by_all", known), ("say_unseen", unseen))
        if some
    ]


def _names(assets: list[AssetFacts]) -> list[str]:
    return [one.asset for one in assets]


def _few(names: list[str], text: Language) -> str:
    """Name the first few, and say how many more there are."""
    n_more = len(names) - _NAMED
    more = [text("and_more", n=format_count(n_more))] if n_more > 0 else []
    return text("separator").join([*names[:_NAMED], *more])


def _alarms_of_assets(contents: FleetContents, text: Language) -> str:
    """Draw the share of alarms of each asset, the largest first."""
    shares = np.array([[one.alarm_share, one.promised / one.n_rows] for one in contents.assets])
    shares = 100.0 * shares[np.argsort(-shares[:, 0], kind="stable")]

    def draw(ax: Any) -> None:
        edges = np.arange(len(shares) + 1) + 0.5
        ax.stairs(shares[:, 0], edges, fill=True, color=STRANGE)
        ax.stairs(shares[:, 1], edges, color=GUIDE, baseline=None)
        ax.set(xlabel=text("axis_assets"), ylabel=text("axis_alarm_share"))
        ax.set(xlim=(edges[0], edges[-1]), ylim=(0.0, None))
        ax.spines[["top", "right"]].set_visible(False)

    return svg_of("assets", text("figure_assets"), (7.2, 2.3), draw)
