"""What stands around the rows of a CSV file: lines before its header, a row of units after it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from dagmm.data.number_text.cells import HOLE_WORDS, NORMALIZED

#: Lines before a header that are looked at.
MOST_PREAMBLE = 100
#: Rows of the table that must agree with each other where those above them do not.
_LEAST_ROWS = 2
_NUMBER = re.compile(r"\s*[+-]?(\d[\d.,]*|[.,]\d+)([eE][+-]?\d+)?\s*%?\s*")
_UNITS = (
    "s ms us ns min h hr hour hours sec day days d V mV kV A mA uA kA W kW MW kWh Wh VA kVA var "
    "Pa hPa kPa MPa bar mbar psi mmHg Torr degC degF deg C F K Hz kHz MHz GHz rpm J kJ N kN Nm g "
    "mg kg t m mm cm km um nm in ft L l mL ml ppm ppb pH lx dB dBA rad mol G gal L/min m3 m2 pcs "
    "count counts 秒 分 時 時間 度 回 個 円 本 枚 人 日 トン 回転"
)
_KNOWN = frozenset(unit.lower() for unit in _UNITS.split())
_SIGNS = re.compile(r"[%‰°Ωµμ]|\w/\w|\w\^?[23]$")
_CLOCK = re.compile(
    r"(?i)(yyyy|yy|mm|dd|hh|ss|hms|ymd)([-/:. ]?(yyyy|yy|mm|dd|hh|ss|m|d|h|s|f+))*"
)
_LONGEST = 24


class Record(NamedTuple):
    """One line of a CSV file, or several where cells hold line breaks."""

    cells: list[str]
    n_lines_before: int
    is_after_blank: bool


class Preamble(NamedTuple):
    """Where a table begins."""

    n_records: int
    delimiter: str


def find_preamble(records: dict[str, list[Record]]) -> Preamble:
    """Return how many records stand before the header, and what separates cells below them.

    Parameters
    ----------
    records : dict of str to list of Record
        The first records of the file, by delimiter.

    Returns
    -------
    Preamble
        Of no records where it is not clear that there are some. The header holds no number, rows
        below it do, and all of these have as many cells, which records above it have not; up to
        a blank line some of them may.
    """
    best = Preamble(0, "")
    most = 0
    for mark, known in records.items():
        numbers = [len(record.cells) for record in known]
        width = numbers[-1] if numbers else 0
        first = len(numbers)
        while first and numbers[first - 1] == width:
            first -= 1
        if not 0 < first <= MOST_PREAMBLE or width < 2:
            continue
        below = range(min(len(known), MOST_PREAMBLE) - 1, first - 1, -1)
        begins = [i for i in below if known[i].is_after_blank]
        begins += [first] if width not in numbers[:first] else []
        begin = next((i for i in begins if _is_header(known[i:])), None)
        if begin is not None and width > most:
            best, most = Preamble(begin, mark), width
    return best


def _is_header(records: Sequence[Record]) -> bool:
    header, *rows = (record.cells for record in records)
    has_rows = len(rows) >= _LEAST_ROWS and any(map(_has_number, rows[:2]))
    return has_rows and not _has_number(header)


def units_in(row: Sequence[str], after: Sequence[Sequence[str]]) -> bool:
    """Say whether a row below the header holds units.

    Parameters
    ----------
    row : sequence of str
    after : sequence of sequence of str
        Some rows below it.

    Returns
    -------
    bool
        Only where it is clear: it holds no number, some units that are known, and nothing where
        rows below hold numbers that is no unit.
    """
    cells = [NORMALIZED(cell).strip() for cell in row]
    if len(after) < _LEAST_ROWS or any(len(other) != len(row) for other in after):
        return False
    if any(_NUMBER.fullmatch(cell) for cell in cells):
        return False
    numeric = [all(_NUMBER.fullmatch(other[i]) for other in after) for i in range(len(row))]
    below = [cell for cell, is_numeric in zip(cells, numeric, strict=True) if is_numeric]
    others = [cell for cell, is_numeric in zip(cells, numeric, strict=True) if not is_numeric]
    known = [cell for cell in below if _is_unit(cell)]
    return (
        bool(known)
        and all(_is_unit(cell) or _is_nothing(cell) for cell in below)
        and all(_is_unit(cell) or _is_nothing(cell) or _is_clock(cell) for cell in others)
    )


def unit_of(cell: str) -> str:
    """Return the unit in a cell, without brackets; empty for none."""
    unit = NORMALIZED(cell).strip()
    bare = unit.strip("[]()<> ") if unit[:1] in "[(<" else unit
    return "" if _is_nothing(bare) else bare


def _is_unit(cell: str) -> bool:
    bare = cell.strip("[]()<> ")
    if not bare or len(bare) > _LONGEST or HOLE_WORDS.fullmatch(bare):
        return False
    return bare.lower() in _KNOWN or bool(_SIGNS.search(bare)) or bare != cell


def _is_nothing(cell: str) -> bool:
    return not cell.strip("[]()<>-\u2013\u2014\u30fc ")


def _is_clock(cell: str) -> bool:
    return bool(_CLOCK.fullmatch(cell.strip("[]()")))


def _has_number(row: Sequence[str]) -> bool:
    return any(_NUMBER.fullmatch(cell) for cell in row)
