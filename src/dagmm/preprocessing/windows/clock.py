"""When each row was measured, and on which asset."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int64

from dagmm._core.errors import InputError
from dagmm._core.wording import named
from dagmm.data.base import Chunk
from dagmm.preprocessing.columns.date_text import ISO, DateReading, as_iso, dates_of, parsed
from dagmm.preprocessing.columns.datetimes import seconds_of

_FRACTION = r":\d{2}(?P<fraction>\.\d+)\s*(?:Z|[+-]\d{2}:?\d{2})?\s*$"
_ZONE = r":\d{2}(?:\.\d+)?\s*(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})\s*$"
#: Seconds at the beginning of 1990 and of 2100.
_SINCE, _UNTIL = 631_152_000.0, 4_102_444_800.0
#: Name of the one asset of a table without a column that names them.
ONE_ASSET = ""


def times_of(
    chunk: Chunk, name: str, reading: DateReading = ISO
) -> Float64[np.ndarray, " n_rows"]:
    """Return when each row was measured, in seconds.

    Since 1970 for dates; numbers are seconds since whenever, or what :func:`seconds_in` says.

    Raises
    ------
    InputError
        If a row has no time, or one that cannot be read; column and row are named.
    """
    times = known_times_of(chunk, name, reading)
    bad = ~np.isfinite(times)
    if bad.any():
        raise InputError(
            f"column {name!r} has no time in row {chunk.start + int(np.argmax(bad))}; each row "
            "needs one where windows are asked for. Fill it, or leave the row out."
        )
    return times


def known_times_of(
    chunk: Chunk, name: str, reading: DateReading = ISO
) -> Float64[np.ndarray, " n_rows"]:
    """Return what :func:`times_of` does, but NaN for a row that has no time.

    Raises
    ------
    InputError
        If a time cannot be read; column and row are named.
    """
    times = times_in_numbers(chunk, name, reading)
    if times is None:
        is_date = chunk.kind(name) == "date" and not reading.clock
        times = chunk.instants(name) if is_date else _read(chunk, name, reading)
    return np.asarray(times, np.float64)


def times_in_numbers(
    chunk: Chunk, name: str, reading: DateReading = ISO
) -> Float64[np.ndarray, " n_rows"] | None:
    """Return the times of a clock that counts, NaN in holes; None where it holds dates.

    Where a format is told, or the time of day has a column of its own, text is never a number.

    A CSV file that is read as a model says, not as its cells look, has the clock as text.
    """
    if reading.clock:
        return None
    kind = chunk.kind(name)
    if kind in ("number", "integer"):
        return seconds_in(np.asarray(chunk.numbers((name,))[:, 0], np.float64))
    if kind != "text" or reading.format:
        return None
    texts = chunk.text(name)
    try:
        numbers = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None  # some cell is no number: all are to be dates
    if numbers.null_count == len(numbers):
        return None
    return seconds_in(np.asarray(numbers.fill_null(np.nan).to_numpy(zero_copy_only=False)))


def seconds_in(numbers: Float64[np.ndarray, " n_rows"]) -> Float64[np.ndarray, " n_rows"]:
    """Return seconds where numbers are so large that they must be something else.

    Milli-, micro- or nanoseconds from 1990 to 2100, or digits such as 20200301154406. As seconds
    all of these would lie thousands of years ahead; each number is judged by itself.
    """
    seconds = numbers.copy()
    for per_second in (1e3, 1e6, 1e9):
        first, last = _SINCE * per_second, _UNTIL * per_second
        seconds = np.where((numbers >= first) & (numbers < last), numbers / per_second, seconds)
    for digits, after in ((14, 1), (12, 100)):
        first, last = 1990 * 10.0 ** (digits - 4), 2100 * 10.0 ** (digits - 4)
        places = np.flatnonzero((numbers >= first) & (numbers < last))
        if len(places):
            whole = numbers[places].astype(np.int64) * after
            dates = parsed(pa.array(whole).cast(pa.string()))
            known = np.asarray(dates.is_valid())
            seconds[places[known]] = seconds_of(dates)[known]
    return seconds


def axis_times_of(
    chunk: Chunk, name: str, reading: DateReading = ISO
) -> tuple[Float64[np.ndarray, " n_rows"], bool]:
    """Return times as people read them, and whether they are dates.

    Returns
    -------
    times : ndarray of shape (n_rows,)
        Seconds since 1970 on the wall clock, or the column's own numbers; NaN in holes.
    are_dates : bool

    Raises
    ------
    InputError
        If the column holds neither dates nor numbers; the row is named.
    """
    numbers = times_in_numbers(chunk, name, reading)
    if numbers is not None:
        return numbers, False
    dates = dates_of(chunk, name, "it is the time axis", reading)
    seconds = seconds_of(dates).astype(np.float64)
    seconds[np.asarray(dates.is_null())] = np.nan
    return seconds, True


def arrow_times(times: Sequence[float], are_dates: bool) -> pa.Array:
    """Return what :func:`axis_times_of` has as Arrow timestamps, or numbers; null for NaN."""
    values = np.array(times, np.float64)
    if not are_dates:
        return pa.array(values, from_pandas=True)
    milliseconds = pa.array(np.round(1000.0 * values), from_pandas=True)
    return milliseconds.cast(pa.int64()).cast(pa.timestamp("ms"))


def assets_of(chunk: Chunk, name: str | None) -> tuple[list[str], np.ndarray]:
    """Return the assets of a chunk and, for each row, which of them it belongs to.

    Raises
    ------
    InputError
        If a row names none.
    """
    names, asset = known_assets_of(chunk, name)
    found = [one for one in names if one is not None]
    if len(found) < len(names):
        row = chunk.start + int(np.argmax(asset == names.index(None)))
        raise InputError(
            f"column {name!r} names no asset in row {row}; each row needs one where windows are "
            "asked for. Fill it, or leave the row out."
        )
    return found, asset


def known_assets_of(
    chunk: Chunk, name: str | None
) -> tuple[list[str | None], Int64[np.ndarray, " n_rows"]]:
    """Return what :func:`assets_of` does, with None for an asset where rows name none."""
    if name is None:
        return [ONE_ASSET], np.zeros(chunk.n_rows, np.int64)
    texts = pc.dictionary_encode(chunk.text(name), null_encoding="encode")
    return texts.dictionary.to_pylist(), np.asarray(texts.indices, np.int64)


def check_forward(
    chunk: Chunk,
    time: str,
    group: str | None,
    asset: str,
    before: float,
    times: Float64[np.ndarray, " n_rows"],
    places: np.ndarray,
    reading: DateReading = ISO,
) -> None:
    """Check that the clock of one asset does not run backwards.

    Parameters
    ----------
    chunk : Chunk
    time, group : str
        Names of the columns.
    asset : str
    before : float
        When the asset's last row before these was measured; ``-inf`` if there is none.
    times : ndarray of shape (n_rows,)
        Of the asset's rows, in their order.
    places : ndarray of shape (n_rows,)
        Where these rows lie in the chunk.
    reading : DateReading
        How dates are written.

    Raises
    ------
    InputError
        Naming column, row and both times.
    """
    earlier = np.concatenate([[before], times[:-1]])
    back = times < earlier
    if not back.any():
        return
    i = int(np.argmax(back))
    of_asset = "" if group is None else f" for {group} {asset!r}"
    remedy = "asset by asset"
    if group is None:
        remedy = f"or name the column of its asset in {named('group')}"
    is_date = times_in_numbers(chunk, time, reading) is None
    now, then = (_written(value, is_date) for value in (times[i], earlier[i]))
    raise InputError(
        f"column {time!r} runs backwards in row {chunk.start + int(places[i])}{of_asset}: {now} "
        f"comes after {then}. Sort the rows by {time!r}, {remedy}."
    )


def _read(chunk: Chunk, name: str, reading: DateReading) -> np.ndarray:
    """Read dates that are written as text, with fractions of a second and time zones."""
    dates = dates_of(chunk, name, "it is the time axis", reading)
    seconds = dates.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    texts = as_iso(reading.texts_of(chunk, name), reading)
    fraction = pc.struct_field(pc.extract_regex(texts, _FRACTION), "fraction")
    seconds = seconds + _numbers(fraction)
    zone = pc.extract_regex(texts, _ZONE)
    sign = np.where(
        np.asarray(pc.equal(pc.struct_field(zone, "sign"), "-").fill_null(False)), -1, 1
    )
    minutes = 60.0 * _numbers(pc.struct_field(zone, "hours"))
    minutes += _numbers(pc.struct_field(zone, "minutes"))
    return seconds - 60.0 * sign * minutes


def _numbers(texts: pa.Array) -> np.ndarray:
    return texts.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)


def _written(value: float, is_date: bool) -> str:
    if not is_date:
        return f"{value:.15g}"
    return datetime.fromtimestamp(value, UTC).replace(tzinfo=None).isoformat(sep=" ")
