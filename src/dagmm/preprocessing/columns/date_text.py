"""Dates that are written as text, and how a column writes them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dagmm._core.errors import ArgumentError, InputError
from dagmm._core.wording import given, named
from dagmm.data.base import Chunk
from dagmm.data.number_text.cells import tidied

#: What comes first in dates such as 01/02/2020; nothing where a column has none.
Order: TypeAlias = Literal["", "day", "month"]
ORDERS: tuple[Order, ...] = get_args(Order)

_ZONE = r"(Z|[+-]\d{2}:?\d{2})?"
_TIME = rf"([ T]\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?\s*{_ZONE})?"
#: A date, perhaps with a time, a fraction of a second and a time zone.
_WRITTEN = rf"^\s*\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}{_TIME}\s*$"
_DAY_OF_MONTH = r"^\d{4}-\d{1,2}-(?P<day>\d{1,2})"
#: Other ways to write a date that can mean one day only, and how ISO 8601 writes it.
_OTHERS = (
    (r"^(\d{1,2})\.(\d{1,2})\.(\d{4})(?: |$)", r"\3-\2-\1 "),
    (r"^(\d{4})\.(\d{1,2})\.(\d{1,2})(?: |$)", r"\1-\2-\3 "),
    (r"^(\d{4})年 ?(\d{1,2})月 ?(\d{1,2})日 ?", r"\1-\2-\3 "),
    (r"^((?:19|20)\d{2})(\d{2})(\d{2})[T_ -]?(\d{2})(\d{2})(\d{2})$", r"\1-\2-\3 \4:\5:\6"),
    (r"^((?:19|20)\d{2})(\d{2})(\d{2})[T_ -]?(\d{2})(\d{2})$", r"\1-\2-\3 \4:\5"),
    (r"時 ?(\d)分", r"時0\1分"),
    (r"分 ?(\d(?:\.\d+)?)秒", r"分0\1秒"),
    (r"(^| )(\d{1,2})時 ?(\d{1,2})分 ?(\d{1,2}(?:\.\d+)?)秒$", r"\1\2:\3:\4"),
    (r"(^| )(\d{1,2})時 ?(\d{1,2})分$", r"\1\2:\3"),
)
#: A year of a Japanese era. What begins with a letter may be a code, unless a time of day follows.
_ERAS = {"昭和": 1925, "平成": 1988, "令和": 2018, "S": 1925, "H": 1988, "R": 2018}
_IN_ERA = (
    r"^(?P<era>昭和|平成|令和) ?(?P<year>元|\d{1,2})(?P<rest>[年./-].*)$",
    r"^(?P<era>[SHR])(?P<year>\d{1,2})(?P<rest>[年./-].* \d{1,2}[:時].*)$",
)
#: A date that can mean two days, unless its column says what comes first.
TWO_DAYS = r"^\s*(?P<first>\d{1,2})[/-](?P<second>\d{1,2})[/-]\d{4}\b"
_ORDERED = {"day": r"\3-\2-\1", "month": r"\3-\1-\2"}
#: A date that even its column does not tell: the year can be the first or the last number.
AMBIGUOUS = r"^\s*\d{1,2}/\d{1,2}/\d{2}\b"
#: A clock of twelve hours; what says which half of the day it is stands before or after it.
_CLOCK = r"(?P<hour>\d{1,2})(?P<rest>(?::\d{2}){1,2}(?:\.\d+)?)"
_AFTER = rf"(?i)^(?P<date>.*?){_CLOCK} ?(?P<half>[ap])\.?m\.?$"
_BEFORE = rf"^(?P<date>.*?)(?P<half>午[前後]) ?{_CLOCK}$"
_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True)
class DateReading:
    """How a column of text writes dates.

    Parameters
    ----------
    order : {"", "day", "month"}
        What comes first in dates such as 01/02/2020.
    format : str
        As ``datetime.strptime`` takes it; empty where dates are read as they are found.
    clock : str
        The column that holds the time of day; empty where that stands with the date.
    """

    order: Order = ""
    format: str = ""
    clock: str = ""

    @property
    def in_words(self) -> str:
        """What was said or found out; empty if nothing was."""
        said = f"written as {self.format}" if self.format else ""
        if not said and self.order:
            said = f"{self.order} first"
        clock = f"its time of day in column {self.clock!r}" if self.clock else ""
        return ", ".join(part for part in (said, clock) if part)

    def texts_of(self, chunk: Chunk, name: str) -> pa.Array:
        """Return the dates of a column, with the time of day, as text."""
        dates = chunk.text(name)
        if not self.clock:
            return dates
        return pc.binary_join_element_wise(dates, chunk.text(self.clock), " ")

    @property
    def example(self) -> str:
        """How 10:14:33 on the ninth of March is written."""
        if self.format:
            return f"{datetime(2024, 3, 9, 10, 14, 33).strftime(self.format)} ({self.format})"
        dates = {"day": "09/03/2024", "month": "03/09/2024", "": "2024-03-09"}
        return f"{dates[self.order]} 10:14:33"


#: Nothing is known of a column but that its dates can mean one day only.
ISO = DateReading()


def reading_as_told(form: object) -> DateReading:
    """Return the reading of a format that a user gives, or of none.

    Raises
    ------
    ArgumentError
        If it is no format that tells year, month and day.
    """
    if form is None:
        return ISO
    if isinstance(form, str) and form:
        moment = datetime(2019, 11, 23)
        try:
            if datetime.strptime(moment.strftime(form), form).date() == moment.date():
                return DateReading("", form)
        except ValueError:
            pass  # said below, with the format
    raise ArgumentError(
        f"{named('time_format')} must be a format as Python's strptime takes it, with year, month "
        f"and day, such as '%d/%m/%Y %H:%M:%S', got {form!r}."
    )


def dates_of(chunk: Chunk, name: str, expected: str, reading: DateReading = ISO) -> pa.Array:
    """Read a column of dates, or of text that is dates.

    Parameters
    ----------
    chunk : Chunk
    name : str
    expected : str
        Why dates are wanted, for the message.
    reading : DateReading
        How they are written where they are text.

    Returns
    -------
    pyarrow.TimestampArray
        Seconds on the wall clock; a hole is null.

    Raises
    ------
    InputError
        Naming the first row that is no date.
    """
    if chunk.kind(name) != "text" and not reading.clock:
        return chunk.dates(name)
    texts = reading.texts_of(chunk, name)
    dates = parsed(texts, reading)
    bad = np.asarray(dates.is_null()) & ~np.asarray(texts.is_null())
    if bad.any():
        row = int(np.argmax(bad))
        text = texts[row].as_py()
        raise InputError(
            f"column {name!r}, row {chunk.start + row}: expected a date such as "
            f"{reading.example}, got {text!r}; {expected}.{_remedy(text, reading)}"
        )
    return dates


def parsed(texts: pa.Array, reading: DateReading = ISO) -> pa.Array:
    """Read dates of ISO 8601, those that loggers write, and those that a reading tells.

    Null where a text is none. A time zone is left out: the hour is that on the wall clock of the
    place.
    """
    texts = as_iso(texts, reading)
    written = pc.match_substring_regex(texts, _WRITTEN)
    tidy = pc.if_else(pc.fill_null(written, False), texts, pa.scalar(None, pa.string()))
    tidy = pc.utf8_trim_whitespace(pc.replace_substring(tidy, "/", "-"))
    tidy = pc.replace_substring(tidy, "T", " ")
    tidy = pc.replace_substring_regex(tidy, rf"(\.\d+)?\s*{_ZONE}$", "")
    found = [pc.strptime(tidy, form, "s", error_is_null=True) for form in _FORMATS]
    dates = pc.coalesce(*found)
    # Of the 31st of February strptime makes a day of March.
    day = pc.struct_field(pc.extract_regex(tidy, _DAY_OF_MONTH), "day").cast(pa.int64())
    return pc.if_else(pc.equal(day, pc.day(dates)), dates, pa.scalar(None, dates.type))


def as_iso(texts: pa.Array, reading: DateReading = ISO) -> pa.Array:
    """Return dates that are written in another way as ISO 8601 writes them, the rest as it is.

    With a format, what is not written so is no date: it becomes an empty text.
    """
    if reading.format:
        return _by_format(texts, reading.format)
    other = pc.invert(pc.match_substring_regex(texts, _WRITTEN)).fill_null(False)
    if not pc.any(other, min_count=0).as_py():
        return texts
    places = np.flatnonzero(np.asarray(other))
    some = tidied(texts.cast(pa.string()).take(pa.array(places)))
    if reading.order:
        some = pc.replace_substring_regex(
            some, r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})\b", _ORDERED[reading.order]
        )
    for pattern in _IN_ERA:
        some = _in_common_era(some, pattern)
    some = pc.replace_substring_regex(some, r"(午[前後]) ?(\d{1,2})時", r" \1 \2時")
    for pattern, iso in _OTHERS:
        some = pc.replace_substring_regex(some, pattern, iso)
    for pattern in (_AFTER, _BEFORE):
        some = _in_24_hours(some, pattern)
    return pc.replace_with_mask(texts.cast(pa.string()), other, pc.utf8_trim_whitespace(some))


def format_of(text: str, order: Order) -> str:
    """Return the format of a date such as ``01/02/2020 3:44 PM``, for a message."""
    mark = text.strip().lstrip("0123456789")[:1]
    date = ("%d", "%m") if order == "day" else ("%m", "%d")
    rest = text.strip().split(maxsplit=1)[1:]
    if not rest:
        return mark.join((*date, "%Y"))
    half = re.search("(?i)[ap]m$", rest[0])
    clock = f"{'%I' if half else '%H'}:%M" + (":%S" if rest[0].count(":") > 1 else "")
    clock += ".%f" if "." in rest[0] else ""
    return f"{mark.join((*date, '%Y'))} {clock}{' %p' if half else ''}"


def _in_common_era(texts: pa.Array, pattern: str) -> pa.Array:
    """Return dates of a Japanese era with the year that others count."""
    of_era = pc.match_substring_regex(texts, pattern).fill_null(False)
    if not pc.any(of_era, min_count=0).as_py():
        return texts
    parts = pc.extract_regex(texts.filter(of_era), pattern)
    era, year, rest = (pc.struct_field(parts, part) for part in ("era", "year", "rest"))
    years = pc.if_else(pc.equal(year, "元"), "1", year).cast(pa.int64())
    before = pc.index_in(era, pa.array(list(_ERAS)))
    told = pc.add(years, pa.array(list(_ERAS.values()), pa.int64()).take(before))
    written = pc.binary_join_element_wise(told.cast(pa.string()), rest, "")
    return pc.replace_with_mask(texts, of_era, written)


def _in_24_hours(texts: pa.Array, pattern: str) -> pa.Array:
    """Return times of a clock of twelve hours as one of twenty-four tells them."""
    twelve = pc.match_substring_regex(texts, pattern).fill_null(False)
    if not pc.any(twelve, min_count=0).as_py():
        return texts
    parts = pc.extract_regex(texts.filter(twelve), pattern)
    date, hour, rest, half = (
        pc.struct_field(parts, part) for part in ("date", "hour", "rest", "half")
    )
    hours = hour.cast(pa.int64())
    is_later = pc.is_in(pc.utf8_lower(half), pa.array(["p", "午後"]))
    # 12 is the first hour of either half; what lies above is no such clock and stays wrong.
    hours = pc.if_else(
        pc.less_equal(hours, 12),
        pc.add(pc.if_else(pc.equal(hours, 12), 0, hours), pc.if_else(is_later, 12, 0)),
        pa.scalar(99, pa.int64()),
    )
    told = pc.binary_join_element_wise(
        pc.utf8_rtrim_whitespace(date),
        pc.binary_join_element_wise(hours.cast(pa.string()), rest, ""),
        " ",
    )
    return pc.replace_with_mask(texts, twelve, told)


def _by_format(texts: pa.Array, form: str) -> pa.Array:
    """Return dates of a format as ISO 8601 writes them; each text is read once."""
    encoded = texts.cast(pa.string()).dictionary_encode()
    dates = [_iso_of(text, form) for text in encoded.dictionary.to_pylist()]
    return pa.array(dates, pa.string()).take(encoded.indices)


def _iso_of(text: str, form: str) -> str:
    try:
        return datetime.strptime(text.strip(), form).isoformat(" ")
    except ValueError:
        return ""


def _remedy(text: str, reading: DateReading) -> str:
    if reading.format or not (re.match(TWO_DAYS, text) or re.match(AMBIGUOUS, text)):
        return ""
    if reading.order:
        return f" Its column has the {reading.order} first, as the training rows show."
    return (
        " Write the year first: whether day or month comes first, nobody can tell; or say it with "
        f"{given('time_format', '%d/%m/%Y')}."
    )
