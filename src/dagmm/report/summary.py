"""What a reader in a hurry has to know, in a few sentences."""

from dataclasses import dataclass

from dagmm.report.columns import FROZEN_ROWS
from dagmm.report.contents import Contents
from dagmm.report.language import (
    Language,
    format_count,
    format_excess,
    format_moment,
    format_nats,
    format_percent,
    format_rate,
)
from dagmm.report.quality import DetectionQuality
from dagmm.report.reasons import Strange

#: Sensors that are named in one sentence; events that are to be looked at first.
_NAMED, _FIRST = 5, 3


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
class First:
    """An event that is to be looked at first.

    Parameters
    ----------
    title : str
    severity : {"far", "clear", "near"} or None
    columns : str
        Which columns are to blame.
    facts : tuple of str
        When and where, how many alarms, how far above the threshold.
    """

    title: str
    severity: str | None
    columns: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """The top of the page.

    Parameters
    ----------
    tiles : list of Tile
    lines : list of Line
    first : list of First
    """

    tiles: list[Tile]
    lines: list[Line]
    first: list[First]


def summary_of(contents: Contents, text: Language) -> Summary:
    """Say the most important things."""
    lines = [*_alarms(contents, text), *against_labels(contents.quality, text)]
    lines += [*_moved(contents, text), *_frozen(contents, text), *_missing(contents, text)]
    lines.append(_training(contents, text))
    if contents.n_sampled < contents.n_rows:
        facts = {
            "rows": format_count(contents.n_rows),
            "sampled": format_count(contents.n_sampled),
        }
        lines.append(Line(text("say_sampled", **facts), "plain"))
    first = enumerate(contents.strangest[:_FIRST] if contents.are_events else [], 1)
    return Summary(
        _tiles(contents, text), lines, [_first(contents, text, i, one) for i, one in first]
    )


def reason_of(one: Strange, text: Language) -> str:
    """Name the column that explains a row most, or say that a few columns do not explain it."""
    if one.first_reason is not None:
        return one.first_reason
    if not one.is_explained and one.reasons:
        return text("and_others", name=one.reasons[0].column)
    return text("not_explained")


def _first(contents: Contents, text: Language, i: int, one: Strange) -> First:
    event = one.event
    facts = [] if event.group is None else [event.group]
    if contents.timing is not None and contents.timing.are_dates:
        facts.append(format_moment(event.first_time, contents.timing.step))
    assert contents.threshold is not None, "there are no events without one"
    above = format_excess(event.peak_energy - float(contents.threshold["energy"]))
    facts += [
        text("first_of", alarms=format_count(event.n_alarms)),
        text("first_by", energy=format_nats(event.peak_energy), above=above),
    ]
    return First(
        text("first_event", n=i),
        contents.severity(event.peak_energy),
        reason_of(one, text),
        tuple(facts),
    )


def _tiles(contents: Contents, text: Language) -> list[Tile]:
    tiles = [counted("tile_rows", contents.n_rows, text)]
    if contents.threshold is None:
        return tiles
    is_alarming = contents.n_alarms > 0
    tiles.append(counted("tile_alarms", contents.n_alarms, text, is_alarming))
    tiles.append(counted("tile_events", contents.n_events, text, is_alarming))
    if contents.expected is not None:
        week = contents.expected.per("week")
        if week is not None:
            tiles.append(Tile(format_rate(week[0]), text("tile_week")))
        else:
            tiles.append(Tile(format_percent(contents.expected.share), text("tile_share")))
    return tiles


def counted(key: str, n: int, text: Language, is_alarming: bool = False) -> Tile:
    """Return a number of things in large print."""
    number = format_count(n)
    return Tile(number, text(key, n=number), is_alarming)


def _alarms(contents: Contents, text: Language) -> list[Line]:
    if contents.threshold is None:
        return [Line(text("say_no_threshold"), "plain")]
    if not contents.n_alarms:
        return [Line(text("say_none"), "good")]
    said = text(
        "say_alarms",
        alarms=format_count(contents.n_alarms),
        rows=format_count(contents.n_rows),
        share=format_percent(contents.alarm_share),
        events=format_count(contents.n_events),
    )
    lines = [Line(said, "look")]
    if contents.n_alarms == contents.n_rows:
        lines.append(Line(text("say_all"), "look"))
    elif contents.expected is not None:
        lines.append(_against_promise(contents, contents.expected.share, text))
    if contents.expected is not None and contents.expected.counts_training_rows:
        lines.append(Line(text("say_optimistic"), "plain"))
    if contents.unexplained:
        facts = {"n": len(contents.unexplained), "of": len(contents.strangest)}
        said = text("say_unexplained", **{name: format_count(n) for name, n in facts.items()})
        lines.append(Line(said, "plain"))
    return lines


def _against_promise(contents: Contents, share: float, text: Language) -> Line:
    promised = format_percent(share)
    if contents.has_far_more:
        found = format_percent(contents.alarm_share)
        return Line(text("say_far_more", share=promised, found=found), "look")
    if contents.has_more:
        return Line(text("say_more", share=promised), "look")
    return Line(text("say_not_more", share=promised), "plain")


def against_labels(found: DetectionQuality | None, text: Language) -> list[Line]:
    """Say how many of the labelled anomalies are alarms, where there are labels."""
    if found is None or found.n_found is None:
        return []
    facts = {"n": found.n_anomalies, "found": found.n_found, "false": found.n_false}
    said = text("say_labels", **{name: format_count(fact) for name, fact in facts.items()})
    return [Line(said, "plain")]


def _moved(contents: Contents, text: Language) -> list[Line]:
    n_compared, moved = len(contents.compared_columns), contents.moved
    if not n_compared:
        return [Line(text("say_moved_unchecked"), "plain")]
    facts = {"n": format_count(len(moved)), "of": format_count(n_compared)}
    if moved:
        lines = [Line(text("say_moved", **facts, name=moved[0].name), "look")]
    else:
        lines = [Line(text("say_not_moved", **facts), "good")]
    n_others = len(contents.columns) - n_compared
    if n_others:
        lines.append(Line(text("say_not_compared", n=format_count(n_others)), "plain"))
    return lines


def _frozen(contents: Contents, text: Language) -> list[Line]:
    if not contents.knows_frozen:
        return [Line(text("say_frozen_unchecked"), "plain")]
    frozen = [column.name for column in contents.suspicious]
    if not frozen:
        return []
    n_more = len(frozen) - _NAMED
    more = [text("and_more", n=format_count(n_more))] if n_more > 0 else []
    facts = {
        "n": format_count(len(frozen)),
        "rows": FROZEN_ROWS,
        "names": text("separator").join([*frozen[:_NAMED], *more]),
    }
    return [Line(text("say_frozen", **facts), "look")]


def _missing(contents: Contents, text: Language) -> list[Line]:
    n_missing = contents.n_with_missing
    return [Line(text("say_missing", n=format_count(n_missing)), "plain")] if n_missing else []


def _training(contents: Contents, text: Language) -> Line:
    if not contents.training.is_good:
        return Line(text("say_not_trained"), "look")
    # Beside so many alarms nothing sounds as if all were well.
    if contents.has_far_more or contents.n_alarms == contents.n_rows:
        return Line(text("say_trained_but"), "plain")
    return Line(text("say_trained"), "good")
