import numpy as np
import pytest

from dagmm.report import numerals

MINUS, SPACE, NOTHING = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}", "\N{EN DASH}"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (numerals.count(1234567), "1,234,567"),
        (numerals.count(None), NOTHING),
        (numerals.percent(0.506), f"50.6{SPACE}%"),
        (numerals.percent(1.0), f"100{SPACE}%"),
        (numerals.percent(0.0), f"0{SPACE}%"),
        (numerals.percent(4.96e-7), f"0.0000496{SPACE}%"),
        (numerals.percent(None), NOTHING),
        (numerals.nats(-2.799), f"{MINUS}2.8"),
        (numerals.nats(1234.5), "1,234"),
        (numerals.nats(1.554e6), "1.55\N{MULTIPLICATION SIGN}10⁶"),
        (numerals.nats(None), NOTHING),
        (numerals.value(0.926870001), "0.92687"),
        (numerals.value("<b>"), "<b>"),
        (numerals.value(-1e-9), f"{MINUS}1\N{MULTIPLICATION SIGN}10⁻⁹"),
        (numerals.value(None), NOTHING),
        (numerals.rough(0.9999904), "1"),
        (numerals.rough("mill"), "mill"),
        (numerals.figure(0.98765), "0.988"),
        (numerals.figure(-0.5, 2), f"{MINUS}0.50"),
        (numerals.figure(None), NOTHING),
        (numerals.rate(1234.4), "1,234"),
        (numerals.rate(14.4), "14"),
        (numerals.rate(0.123), "0.12"),
        (numerals.rate(2.6e-5), "0.000026"),
        (numerals.moment(0.0), "1970-01-01 00:00"),
        (numerals.moment(1767571205.0), "2026-01-05 00:00:05"),
        (numerals.moment(np.nan), NOTHING),
        (numerals.moment(1e30), NOTHING),
    ],
)
def test_numbers_are_written(made, text):
    assert made == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (1.0, "1 s"), (90.0, "1.5 min"), (3600.0, "1 h"), (604800.0, "7 d")],
)
def test_durations_are_written_in_the_largest_unit(seconds, text):
    units = {unit: unit for unit in ("s", "min", "h", "d")}
    assert numerals.duration(seconds, units) == text.replace(" ", SPACE)
