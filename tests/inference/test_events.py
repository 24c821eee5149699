import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dagmm.inference.events import FIRST_ROWS, LEAD_ROWS, CourseRows, EventTracker
from dagmm.preprocessing.pipeline import Features


def tracked(alarm, energy, gap, size, most=200, groups=None):
    """Feed rows in parts; ``groups`` names the asset of each row."""
    tracker = EventTracker(gap, most)
    names = np.zeros(len(alarm), int) if groups is None else groups
    for start in range(0, len(alarm), size):
        rows = np.arange(start, min(start + size, len(alarm)))
        for name in np.unique(names[rows]):
            own = rows[names[rows] == name]
            seen = Features(own[:, None].astype(np.float32))
            arrays = alarm[own], own, energy[own], own * 60.0
            tracker.add(str(name), *arrays, seen, lambda row: -row)
    return tracker


def merged(alarm, gap):
    """Merge one by one, the slow way."""
    events = []
    for row in np.flatnonzero(alarm):
        if events and row - events[-1][-1] - 1 <= gap:
            events[-1].append(int(row))
        else:
            events.append([int(row)])
    return events


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 4), st.integers(1, 60))
def test_alarms_are_merged_as_one_by_one(alarm, gap, size):
    alarm = np.array(alarm, bool)
    energy = np.random.default_rng(len(alarm)).permutation(len(alarm)).astype(float)
    tracker = tracked(alarm, energy, gap, size)
    expected = merged(alarm, gap)
    assert (tracker.n_alarms, tracker.n_events) == (alarm.sum(), len(expected))
    found = sorted(tracker.strangest(), key=lambda event: event.first_row)
    for event, rows in zip(found, expected, strict=True):
        peak = max(rows, key=lambda row: energy[row])
        assert (event.first_row, event.last_row, event.n_alarms) == (rows[0], rows[-1], len(rows))
        assert (event.peak_row, event.peak_energy, event.peak) == (peak, energy[peak], -peak)
        assert (event.first_time, event.last_time) == (60.0 * rows[0], 60.0 * rows[-1])
        course = CourseRows.joined(event.course)
        kept = range(max(0, rows[0] - LEAD_ROWS), min(len(alarm), rows[0] + FIRST_ROWS))
        assert course.row.tolist() == course.place.tolist() == list(kept)
        assert course.seen.inputs[:, 0].tolist() == list(kept)
        assert course.time.tolist() == [60.0 * row for row in kept]
    energies = [event.peak_energy for event in tracker.strangest()]
    assert energies == sorted(energies, reverse=True)


def test_alarms_of_different_assets_are_different_events():
    alarm = np.tile([True, True, False, False], 5)
    groups = np.tile([0, 1], 10)
    tracker = tracked(alarm, np.arange(20.0), 1, 6, groups=groups)
    assert tracker.n_events == 2
    assert {(event.group, event.n_alarms) for event in tracker.strangest()} == {("0", 5), ("1", 5)}


def test_of_many_events_the_strangest_are_kept_and_all_are_counted():
    energy = np.random.default_rng(0).permutation(1000).astype(float)
    alarm = np.arange(1000) % 3 == 0
    tracker = tracked(alarm, energy, 0, 100, most=7)
    assert tracker.n_events == 334
    expected = sorted(energy[alarm], reverse=True)[:7]
    assert [event.peak_energy for event in tracker.strangest()] == expected


def test_all_rows_are_one_event():
    tracker = tracked(np.ones(500, bool), np.ones(500), 0, 64)
    (event,) = tracker.strangest()
    assert (event.first_row, event.last_row, event.n_alarms, event.peak_row) == (0, 499, 500, 0)


def test_the_course_of_an_event_is_of_its_asset():
    groups = np.tile([0, 1], 60)
    alarm = np.zeros(120, bool)
    alarm[60] = True  # the thirty-first row of the first asset
    (event,) = tracked(alarm, np.arange(120.0), 1, 7, groups=groups).strangest()
    course = CourseRows.joined(event.course)
    assert course.place.tolist() == list(range(22, 60))
    assert course.row.tolist() == [2 * place for place in range(22, 60)]
