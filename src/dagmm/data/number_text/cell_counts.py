"""What the cells of a text column look like, counted chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dagmm.data.number_text.cells import are_holes, tidied
from dagmm.data.number_text.number_format import STYLES, digits_of

#: Units that are written in Japanese; other words there count or name things, as in 3号機.
_JAPANESE = (
    "回転|時間|度|円|千円|万円|億円|銭|秒|分|日間|年間|個|本|枚|回|人|件|点|箱|袋|パーセント|"
    "ミリ|センチ|メートル|キロ|ミリメートル|センチメートル|キロメートル|グラム|キログラム|トン|"
    "リットル|ワット|キロワット|ボルト|アンペア|ヘルツ|パスカル|キロパスカル|メガパスカル"
)
_SIGN = r"%\x{2030}\x{00b0}\x{2032}\x{2033}'\"\x{00b5}\p{Greek}\p{Latin}"
_AFTER = (
    rf"(?:/?[{_SIGN}][{_SIGN}\d/\x{{00b7}}\x{{22c5}}*^(). -]{{0,15}}(?:/?(?:{_JAPANESE}))?"
    rf"|{_JAPANESE})"
)
_BEFORE = r"[A-Z]{0,3}\p{Sc}"
#: Any number with any unit; which style its digits have is seen later.
_FRONT = rf"^(?:[+-] ?(?P<before>{_BEFORE})? ?|(?P<front>{_BEFORE})? ?[+-]? ?)"
_DIGITS = r"(?P<digits>\d(?:[\d.,' ]*[\d.,])?|[.,]\d+)(?:[eE][+-]?\d+)?"
_ANY = _FRONT + _DIGITS + rf" ?(?P<after>{_AFTER})?$"
#: What most cells look like, in a form that RE2 takes apart many times as fast.
_MOST = r"^[+-]?(?P<digits>[0-9.,]+) ?(?P<after>[^0-9., '][^ ]*)?$"
_EXPONENT = r"^[eE][+-]?\d"
#: Four digits and more before any mark: not in groups of three.
_UNGROUPED = r"^\d{4}"
#: A point that cannot be a mark of thousands.
_CLEAR_POINT = r"^(?:\d+\.(?:\d{0,2}|\d{4,})|0\.\d+|\.\d+)$"
_CODE = r"^0\d+$"
_WHOLE = r"^\d+$"
#: Ways to write a number that are told apart in one column; columns of numbers have fewer.
_MOST_WAYS = 512
#: Marks of holes that are told apart.
_MOST_MARKS = 64


class Way(NamedTuple):
    """One way to write a number."""

    before: str
    after: str
    styles: int
    """One bit for each of the styles that the digits can be read in."""
    is_ungrouped: bool
    is_code: bool
    """Whether it begins with a zero that no number needs."""
    is_whole: bool


class Seen(NamedTuple):
    """How many cells are alike, and the first of them."""

    n: int
    example: str
    row: int

    def joined(self, other: "Seen") -> "Seen":
        """Return both together."""
        first = self if self.row <= other.row else other
        return first._replace(n=self.n + other.n)


@dataclass
class CellCounts:
    """What the cells of a text column look like; mergeable in the order of the rows.

    Parameters
    ----------
    ways : dict of Way to Seen
        Cells that are numbers.
    marks : dict of str to int
        Cells that stand for holes, by how they are written.
    others : Seen or None
        Cells that are neither.
    """

    ways: dict[Way, Seen] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    others: Seen | None = None

    @classmethod
    def of(cls, texts: pa.Array, start: int) -> "CellCounts":
        """Look at some cells, the first of which is in row ``start``."""
        counts = cls()
        encoded = texts.drop_null().dictionary_encode()
        if not len(encoded):
            return counts
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(~np.asarray(texts.is_null())) + start
        _, first, number = np.unique(codes, return_index=True, return_counts=True)
        written = encoded.dictionary
        tidy = tidied(written)
        gone = np.asarray(are_holes(tidy))
        cells = _Cells(written, number, rows[first])
        for i in np.flatnonzero(gone).tolist():
            counts._add_mark(tidy[i].as_py(), int(number[i]))
        counts._add_numbers(tidy, np.flatnonzero(~gone), cells)
        return counts

    def merge(self, other: "CellCounts") -> None:
        """Add what the rows that follow look like."""
        for mark, count in other.marks.items():
            self._add_mark(mark, count)
        for way, seen in other.ways.items():
            self._add_way(way, seen)
        if other.others is not None:
            self._add_other(other.others)

    @property
    def n_numbers(self) -> int:
        """Number of cells that are numbers in some style."""
        return sum(seen.n for seen in self.ways.values())

    @property
    def n_marks(self) -> int:
        """Number of cells that are marks of holes, not empty."""
        return sum(count for mark, count in self.marks.items() if mark)

    @property
    def n_cells(self) -> int:
        """Number of cells that are not empty."""
        return self.n_numbers + self.n_marks + (self.others.n if self.others else 0)

    def _add_numbers(self, tidy: pa.Array, index: np.ndarray, cells: "_Cells") -> None:
        chosen = tidy.take(pa.array(index))
        fits, before, digits, after = _taken_apart(chosen)
        styles = _styles_of(digits)
        is_number = fits & (styles > 0)
        if not is_number.all():
            self._add_other(cells.seen(index[~is_number]))
        flags = [
            np.asarray(pc.match_substring_regex(part, pattern))
            for part, pattern in ((digits, _UNGROUPED), (chosen, _CODE), (chosen, _WHOLE))
        ]
        for i, way in _groups(is_number, before, after, styles, flags):
            self._add_way(way, cells.seen(index[i]))

    def _add_way(self, way: Way, seen: Seen) -> None:
        if way in self.ways:
            self.ways[way] = self.ways[way].joined(seen)
        elif len(self.ways) < _MOST_WAYS:
            self.ways[way] = seen
        else:
            self._add_other(seen)

    def _add_other(self, seen: Seen) -> None:
        self.others = seen if self.others is None else self.others.joined(seen)

    def _add_mark(self, mark: str, count: int) -> None:
        known = mark in self.marks or len(self.marks) < _MOST_MARKS
        mark = mark if known else next(iter(self.marks))
        self.marks[mark] = self.marks.get(mark, 0) + count


class _Cells(NamedTuple):
    """Different cells, how often each occurs, and in which row first."""

    written: pa.Array
    number: np.ndarray
    row: np.ndarray

    def seen(self, index: np.ndarray) -> Seen:
        first = int(index[np.argmin(self.row[index])])
        count = int(self.number[index].sum())
        return Seen(count, self.written[first].as_py(), int(self.row[first]))


def _taken_apart(tidy: pa.Array) -> tuple[np.ndarray, pa.Array, pa.Array, pa.Array]:
    """Say which cells are like numbers, and return unit before, digits and unit after."""
    most = pc.extract_regex(tidy, _MOST)
    encoded = pc.struct_field(most, "after").fill_null(" ").dictionary_encode()
    units = encoded.dictionary
    is_unit = pc.match_substring_regex(units, f"^(?:{_AFTER})?$")
    is_unit = pc.and_not(is_unit, pc.match_substring_regex(units, _EXPONENT))
    fits = np.asarray(is_unit.take(encoded.indices))
    digits, after = pc.struct_field(most, "digits"), pc.struct_field(most, "after")
    before = pa.array([""]).take(pa.array(np.zeros(len(tidy), np.int64)))
    rest = pa.array(np.flatnonzero(~fits))
    if len(rest):
        parts = pc.extract_regex(tidy.take(rest), _ANY)
        fits[~fits] = np.asarray(parts.is_valid())
        fronts = (pc.struct_field(parts, name).fill_null("") for name in ("before", "front"))
        before = _with(before, rest, pc.binary_join_element_wise(*fronts, ""))
        digits = _with(digits, rest, pc.struct_field(parts, "digits"))
        after = _with(after, rest, pc.struct_field(parts, "after"))
    return fits, before, digits.fill_null(""), after.fill_null("")


def _with(texts: pa.Array, places: pa.Array, others: pa.Array) -> pa.Array:
    """Return texts with others in some places."""
    index = np.arange(len(texts))
    index[np.asarray(places)] = np.arange(len(texts), len(texts) + len(places))
    return pa.concat_arrays([texts, others]).take(pa.array(index))


def _styles_of(digits: pa.Array) -> np.ndarray:
    """Return one bit for each style that digits can be read in."""
    whole = np.asarray(pc.match_substring_regex(digits, _WHOLE))
    clear = np.asarray(pc.match_substring_regex(digits, _CLEAR_POINT))
    points = sum(1 << i for i, (_, decimal) in enumerate(STYLES) if decimal == ".")
    styles = np.where(whole, (1 << len(STYLES)) - 1, np.where(clear, points, 0))
    rest = np.flatnonzero(~whole & ~clear)
    if len(rest):
        others = digits.take(pa.array(rest))
        for bit, (thousands, decimal) in enumerate(STYLES):
            reads = pc.match_substring_regex(others, f"^{digits_of(thousands, decimal)}$")
            styles[rest] |= np.asarray(reads).astype(np.int64) << bit
    return styles


def _groups(
    wanted: np.ndarray,
    before: pa.Array,
    after: pa.Array,
    styles: np.ndarray,
    flags: list[np.ndarray],
) -> Iterator[tuple[np.ndarray, Way]]:
    """Yield the places of cells that are written in the same way, and that way."""
    places = np.flatnonzero(wanted)
    if not len(places):
        return
    units = [part.dictionary_encode() for part in (before, after)]
    code = styles
    for flag in flags:
        code = 2 * code + flag
    for unit in units:
        code = code * len(unit.dictionary) + unit.indices.to_numpy(zero_copy_only=False)
    _, first, group = np.unique(code[places], return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group))
    for i, some in enumerate(np.split(order, ends[:-1])):
        one = int(places[first[i]])
        units_of_one = before[one].as_py(), after[one].as_py()
        is_ungrouped, is_code, is_whole = (bool(flag[one]) for flag in flags)
        way = Way(*units_of_one, int(styles[one]), is_ungrouped, is_code, is_whole)
        yield places[some], way
