import re

import pytest

from dagmm._core.durations import parse_duration
from dagmm._core.errors import ArgumentError


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("1s", 1.0),
        ("10 min", 600.0),
        ("1.5h", 5400.0),
        (" 250 ms ", 0.25),
        ("2d", 172800.0),
        (5, 5.0),
        (0.1, 0.1),
    ],
)
def test_durations_are_seconds_or_have_a_unit(duration, seconds):
    assert parse_duration("every", duration) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize("duration", ["1", "s", "1 fortnight", "-1s", "0s", "", "1s2", "1e3s"])
def test_a_text_that_is_no_duration_is_refused(duration):
    message = f"every must be a duration > 0 such as '1s', '10 min' or '1 h', got {duration!r}."
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        parse_duration("every", duration)
