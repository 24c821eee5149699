"""Finding out how the numbers of a text column are written, from all of its cells."""

from dataclasses import dataclass

from dagmm.data.number_text.cell_counts import CellCounts, Seen, Way
from dagmm.data.number_text.number_format import STYLES, NumberFormat

_COMMA = STYLES.index((",", "."))
_DECIMAL_COMMA = STYLES.index(("", ","))


@dataclass(frozen=True)
class Found:
    """How most of a column's numbers are written.

    Parameters
    ----------
    format : NumberFormat
    n_read : int
        Number of cells that are numbers of this format.
    odd : Seen or None
        Cells that are neither numbers of this format nor marks of holes.
    is_doubtful : bool
        Whether a comma was taken for a mark of thousands or of decimals, and could be the other.
    is_code : bool
        Whether numbers begin with zeros that no number needs.
    is_whole : bool
        Whether all numbers are digits alone.
    example : Seen
        A number; with a comma, where that is in doubt.
    bare : Seen or None
        Numbers without the unit that the others have.
    """

    format: NumberFormat
    n_read: int
    odd: Seen | None
    is_doubtful: bool
    is_code: bool
    is_whole: bool
    example: Seen
    bare: Seen | None


def find_format(
    counts: CellCounts,
    thousands: str | None = None,
    decimal: str | None = None,
    has_semicolons: bool = False,
) -> Found | None:
    """Return how the numbers of a column are written; None where it has none.

    Parameters
    ----------
    counts : CellCounts
        Of all cells.
    thousands, decimal : str, optional
        Marks that are known.
    has_semicolons : bool, default=False
        Whether the cells come from a file that is separated by semicolons, as files are where
        people write decimal commas.
    """
    if not counts.ways:
        return None
    before, after = _unit_of(counts.ways)
    ways = {
        way: seen
        for way, seen in counts.ways.items()
        if (way.before, way.after) in ((before, after), ("", ""))
    }
    style, is_doubtful = _style_of(ways, thousands, decimal, has_semicolons)
    read = {way: seen for way, seen in ways.items() if _reads(way, style, thousands)}
    odd = counts.others
    for way, seen in counts.ways.items():
        if way not in read:
            odd = seen if odd is None else odd.joined(seen)
    bare = None
    if before or after:
        for way, seen in read.items():
            if not (way.before or way.after):
                bare = seen if bare is None else bare.joined(seen)
    shown = [seen for way, seen in read.items() if not is_doubtful or "," in seen.example]
    example = min(shown or list(read.values()) or list(ways.values()), key=lambda seen: seen.row)
    return Found(
        NumberFormat(before, after, *STYLES[style]),
        sum(seen.n for seen in read.values()),
        odd,
        is_doubtful,
        any(way.is_code for way in read) and all(way.is_whole for way in read),
        all(way.is_whole for way in read),
        example,
        bare,
    )


def _unit_of(ways: dict[Way, Seen]) -> tuple[str, str]:
    """Return the unit that most numbers have; none where more of them have none."""
    counts: dict[tuple[str, str], int] = {}
    for way, seen in ways.items():
        unit = (way.before, way.after)
        counts[unit] = counts.get(unit, 0) + seen.n
    # Of two that are as frequent the order of rows decides nothing.
    return max(counts, key=lambda unit: (counts[unit], unit))


def _style_of(
    ways: dict[Way, Seen], thousands: str | None, decimal: str | None, has_semicolons: bool
) -> tuple[int, bool]:
    """Return the style that most numbers can be read in, and whether a comma is in doubt."""
    known = [
        i
        for i, (groups, mark) in enumerate(STYLES)
        if (thousands is None or groups in ("", thousands)) and decimal in (None, mark)
    ]
    if thousands:
        known = [i for i in known if STYLES[i][0] == thousands] or known
    counts = {
        i: sum(seen.n for way, seen in ways.items() if _reads(way, i, thousands)) for i in known
    }
    if decimal is None:
        points = sum(1 << i for i, (_, mark) in enumerate(STYLES) if mark == ".")
        # What could be groups of three is no decimal comma, unless some cell can be nothing else.
        if not any(not way.styles & points for way in ways):
            counts = {i: n for i, n in counts.items() if STYLES[i][1] == "."} or counts
    best = max(counts, key=lambda i: (counts[i], -i))
    if decimal is not None or thousands is not None or best != _COMMA:
        return best, False
    n_commas = sum(seen.n for way, seen in ways.items() if not way.styles & 1 and not way.is_whole)
    can_be_decimal = all(way.styles >> _DECIMAL_COMMA & 1 for way in ways)
    if not (n_commas and can_be_decimal):
        return best, False
    all_have_one = n_commas == sum(seen.n for seen in ways.values())
    return (_DECIMAL_COMMA if has_semicolons and all_have_one else _COMMA), True


def _reads(way: Way, style: int, thousands: str | None) -> bool:
    """Whether a number can be read in a style; its groups of three must be consistent."""
    if not way.styles >> style & 1:
        return False
    return not (STYLES[style][0] and way.is_ungrouped and not thousands)
