import json
import re

import numpy as np
import pytest

from dagmm._core.json_fields import JsonField
from dagmm.inference.drift.monitor import DriftMonitor
from dagmm.inference.drift.state import plain_of, take
from small_tables import CALIBRATION


def known(seed=0):
    energy = np.round(np.random.default_rng(seed).exponential(size=300), 1)
    return CALIBRATION.with_held_out(energy, "rows held out of the fit")


def stood(n_rows=500):
    energy = np.round(np.random.default_rng(9).exponential(size=n_rows), 1)
    energy[400:] += 2.0
    monitor = DriftMonitor(known())
    monitor.update(energy)
    return monitor


@pytest.mark.parametrize("n_rows", [0, 300, 500])
def test_a_monitor_goes_on_where_another_stood_to_the_bit(n_rows):
    monitor, other = stood(n_rows), DriftMonitor(known())
    take(other, JsonField(json.loads(json.dumps(plain_of(monitor))), "drift"))
    assert (other.n_rows, other.row, other.since, other.log_evidence) == (
        *(monitor.n_rows, monitor.row, monitor.since),
        monitor.log_evidence,
    )
    more = np.round(np.random.default_rng(8).exponential(size=200), 1)
    np.testing.assert_array_equal(other.follow(more), monitor.follow(more))
    assert (other.row, other.since) == (monitor.row, monitor.since)


def test_with_other_energies_it_begins_anew():
    other = DriftMonitor(known(seed=1))
    take(other, JsonField(plain_of(stood()), "drift"))
    assert (other.n_rows, other.row, other.log_evidence) == (0, None, 0.0)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n_rows", 5, "drift.added must be whole numbers of sum 5, got ["),
        ("gaps", [-1], "drift.gaps.0 must be a number of rows or steps, got -1"),
        ("begins", [0], "drift.begins must be a list of 7 to 7 entries, got [0]"),
        ("log_bets", ["x"] * 7, "drift.log_bets.0 must be a finite number, got 'x'"),
        ("row", "a", "drift.row must be a whole number, got 'a'"),
        ("known", 3, "drift.known must be a string, got 3"),
    ],
)
def test_what_is_damaged_is_named_and_not_taken(field, value, message):
    other = DriftMonitor(known())
    plain = plain_of(stood()) | {field: value}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        take(other, JsonField(plain, "drift"))
    assert other.n_rows == 0


def test_gaps_that_there_are_not_are_refused():
    plain = plain_of(stood(1)) | {"gaps": [301], "added": [1]}
    with pytest.raises(
        ValueError, match=r"^drift\.gaps must be ascending, below 301, got \[301\]"
    ):
        take(DriftMonitor(known()), JsonField(plain, "drift"))
