"""What a reader in a hurry has to know, in a few sentences."""

from dataclasses import dataclass

from dagmm.report.columns import FROZEN_ROWS
from dagmm.report.contents import Contents
from dagmm.report.language import Language, format_count, format_percent, format_rate

#: Sensors that are named in one sentence.
_NAMED = 5


@dataclass(frozen=True)
class Tile:
    """A number in large print.

    Parameters
    ----------
    number, label : str
    is_alarming : bool
    """

    number: str
    label: str
    is_alarming: bool = False


@dataclass(frozen=True)
class Line:
    """A sentence, and whether it is good news.

    Parameters
    ----------
    text : str
    mood : {"good", "look", "plain"}
    """

    text: str
    mood: str


@dataclass(frozen=True)
class Summary:
    """The top of the page.

    Parameters
    ----------
    tiles : list of Tile
    lines : list of Line
    """

    tiles: list[Tile]
    lines: list[Line]


def summary_of(contents: Contents, text: Language) -> Summary:
    """Say the most important things."""
    lines = [*_alarms(contents, text), *_labels(contents, text), *_moved(contents, text)]
    lines += [*_columns(contents, text), _training(contents, text)]
    if contents.n_sampled < contents.n_rows:
        facts = {
            "rows": format_count(contents.n_rows),
            "sampled": format_count(contents.n_sampled),
        }
        lines.append(Line(text("say_sampled", **facts), "plain"))
    return Summary(_tiles(contents, text), lines)


def _tiles(contents: Contents, text: Language) -> list[Tile]:
    tiles = [Tile(format_count(contents.n_rows), text("tile_rows"))]
    if contents.threshold is None:
        return tiles
    is_alarming = contents.n_alarms > 0
    tiles.append(Tile(format_count(contents.n_alarms), text("tile_alarms"), is_alarming))
    tiles.append(Tile(format_count(contents.n_events), text("tile_events"), is_alarming))
    if contents.expected is not None:
        week = contents.expected.per("week")
        if week is not None:
            tiles.append(Tile(format_rate(week[0]), text("tile_week")))
        else:
            tiles.append(Tile(format_percent(contents.expected.share), text("tile_share")))
    return tiles


def _alarms(contents: Contents, text: Language) -> list[Line]:
    if contents.threshold is None:
        return [Line(text("say_no_threshold"), "plain")]
    if not contents.n_alarms:
        return [Line(text("say_none"), "good")]
    key = "say_one_event" if contents.n_events == 1 else "say_alarms"
    said = text(
        key,
        alarms=format_count(contents.n_alarms),
        rows=format_count(contents.n_rows),
        share=format_percent(contents.alarm_share),
        events=format_count(contents.n_events),
    )
    lines = [Line(said, "look")]
    if contents.n_alarms == contents.n_rows:
        lines.append(Line(text("say_all"), "look"))
    elif contents.expected is not None:
        key, mood = ("say_more", "look") if contents.has_more else ("say_not_more", "plain")
        lines.append(Line(text(key, share=format_percent(contents.expected.share)), mood))
    return lines


def _labels(contents: Contents, text: Language) -> list[Line]:
    found = contents.quality
    if found is None or found.n_found is None:
        return []
    facts = {"n": found.n_anomalies, "found": found.n_found, "false": found.n_false}
    said = text("say_labels", **{name: format_count(fact) for name, fact in facts.items()})
    return [Line(said, "plain")]


def _moved(contents: Contents, text: Language) -> list[Line]:
    moved = contents.moved
    if not moved:
        return [Line(text("say_not_moved"), "good")]
    facts = {
        "n": format_count(len(moved)),
        "of": format_count(len(contents.columns)),
        "name": moved[0].name,
    }
    return [Line(text("say_moved", **facts), "look")]


def _columns(contents: Contents, text: Language) -> list[Line]:
    lines = []
    frozen = [column.name for column in contents.suspicious]
    if frozen:
        more = (
            [text("and_more", n=format_count(len(frozen) - _NAMED))]
            if len(frozen) > _NAMED
            else []
        )
        shown = text("separator").join([*frozen[:_NAMED], *more])
        key = "say_frozen_one" if len(frozen) == 1 else "say_frozen"
        facts = {"n": len(frozen), "rows": FROZEN_ROWS, "names": shown}
        lines.append(Line(text(key, **facts), "look"))
    n_missing = sum(column.n_missing > 0 for column in contents.columns)
    if n_missing:
        key = "say_missing_one" if n_missing == 1 else "say_missing"
        lines.append(Line(text(key, n=format_count(n_missing)), "plain"))
    return lines


def _training(contents: Contents, text: Language) -> Line:
    good = contents.training.is_good
    return Line(text("say_trained" if good else "say_not_trained"), "good" if good else "look")
