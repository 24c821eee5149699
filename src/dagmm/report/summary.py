"""What a reader in a hurry has to know, in a few sentences."""

from dataclasses import dataclass

from dagmm.report.columns import FROZEN_ROWS
from dagmm.report.contents import Contents
from dagmm.report.language import Words
from dagmm.report.numerals import count, percent, rate

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
class Glance:
    """The top of the page.

    Parameters
    ----------
    tiles : list of Tile
    lines : list of Line
    """

    tiles: list[Tile]
    lines: list[Line]


def glance_of(contents: Contents, words: Words) -> Glance:
    """Say the most important things."""
    lines = [*_alarms(contents, words), *_labels(contents, words), *_moved(contents, words)]
    lines += [*_columns(contents, words), _training(contents, words)]
    if contents.n_sampled < contents.n_rows:
        facts = {"rows": count(contents.n_rows), "sampled": count(contents.n_sampled)}
        lines.append(Line(words("say_sampled", **facts), "plain"))
    return Glance(_tiles(contents, words), lines)


def _tiles(contents: Contents, words: Words) -> list[Tile]:
    tiles = [Tile(count(contents.n_rows), words("tile_rows"))]
    if contents.threshold is None:
        return tiles
    is_alarming = contents.n_alarms > 0
    tiles.append(Tile(count(contents.n_alarms), words("tile_alarms"), is_alarming))
    tiles.append(Tile(count(contents.n_events), words("tile_events"), is_alarming))
    if contents.expected is not None:
        week = contents.expected.per("week")
        if week is not None:
            tiles.append(Tile(rate(week[0]), words("tile_week")))
        else:
            tiles.append(Tile(percent(contents.expected.share), words("tile_share")))
    return tiles


def _alarms(contents: Contents, words: Words) -> list[Line]:
    if contents.threshold is None:
        return [Line(words("say_no_threshold"), "plain")]
    if not contents.n_alarms:
        return [Line(words("say_none"), "good")]
    key = "say_one_event" if contents.n_events == 1 else "say_alarms"
    said = words(
        key,
        alarms=count(contents.n_alarms),
        rows=count(contents.n_rows),
        share=percent(contents.alarm_share),
        events=count(contents.n_events),
    )
    lines = [Line(said, "look")]
    if contents.n_alarms == contents.n_rows:
        lines.append(Line(words("say_all"), "look"))
    elif contents.expected is not None:
        key, mood = ("say_more", "look") if contents.has_more else ("say_not_more", "plain")
        lines.append(Line(words(key, share=percent(contents.expected.share)), mood))
    return lines


def _labels(contents: Contents, words: Words) -> list[Line]:
    found = contents.labelled
    if found is None or found.n_found is None:
        return []
    facts = {"n": found.n_anomalies, "found": found.n_found, "false": found.n_false}
    said = words("say_labels", **{name: count(fact) for name, fact in facts.items()})
    return [Line(said, "plain")]


def _moved(contents: Contents, words: Words) -> list[Line]:
    moved = contents.moved
    if not moved:
        return [Line(words("say_not_moved"), "good")]
    facts = {"n": count(len(moved)), "of": count(len(contents.columns)), "name": moved[0].name}
    return [Line(words("say_moved", **facts), "look")]


def _columns(contents: Contents, words: Words) -> list[Line]:
    lines = []
    frozen = [column.name for column in contents.suspicious]
    if frozen:
        more = [words("and_more", n=count(len(frozen) - _NAMED))] if len(frozen) > _NAMED else []
        shown = words("separator").join([*frozen[:_NAMED], *more])
        key = "say_frozen_one" if len(frozen) == 1 else "say_frozen"
        facts = {"n": len(frozen), "rows": FROZEN_ROWS, "names": shown}
        lines.append(Line(words(key, **facts), "look"))
    n_missing = sum(column.n_missing > 0 for column in contents.columns)
    if n_missing:
        key = "say_missing_one" if n_missing == 1 else "say_missing"
        lines.append(Line(words(key, n=count(n_missing)), "plain"))
    return lines


def _training(contents: Contents, words: Words) -> Line:
    good = contents.training.is_good
    return Line(words("say_trained" if good else "say_not_trained"), "good" if good else "look")
