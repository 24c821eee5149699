import re

import pytest

from dagmm._core.errors import ArgumentError
from dagmm.inference.calibration.alarm_budget import share_of_budget


def test_a_budget_is_a_share_of_the_rows():
    assert share_of_budget(3, "week", "1s") == pytest.approx(3 / 604800)
    assert share_of_budget(0.5, "day", "10 min") == pytest.approx(0.5 / 144)
    assert share_of_budget(1, "month", "1h") == pytest.approx(1 / 720)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ((0, "week", "1s"), "alarms must be a finite number > 0, got 0."),
        (("3", "week", "1s"), "alarms must be a finite number > 0, got '3'."),
        (
            (3, "weak", "1s"),
            "per must be one of 'hour', 'day', 'week', 'month', 'year', got 'weak'. "
            "Did you mean 'week'?",
        ),
        ((3, "week", 0), "every must be a finite number > 0, got 0."),
        (
            (24, "day", "1h"),
            "alarms must be fewer than the rows of a day, 24 at one every '1h', got 24.",
        ),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(budget, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        share_of_budget(*budget)
