import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import chi2, norm

from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.dependence import dependence_of, n_events
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.calibration.threshold_rules import choose_threshold


def autoregressive(n, phi, seed):
    return slow(n, phi, np.random.default_rng(seed))


def slow(n, phi, rng):
    noise = rng.normal(size=n)
    noise[1:] *= np.sqrt(1.0 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise)


def calibration_of(energy, n_shared=1):
    return Calibration(
        np.zeros((8, 1), np.float32), EmpiricalDistribution.of(energy)
    ).with_held_out(energy, "rows of a calibration table", n_shared)


def test_independent_rows_count_as_what_they_are():
    found = [dependence_of(np.random.default_rng(seed).normal(size=600)) for seed in range(100)]
    assert sum(one == (600.0, 1.0) for one in found) >= 98


@pytest.mark.parametrize("phi", [0.8, 0.95])
def test_effective_rows_are_those_of_the_mean_of_scores(phi):
    # Of an autoregressive series the variance of a mean is known: (1 + phi) / (1 - phi) / n.
    expected = 5000 * (1.0 - phi) / (1.0 + phi)
    found = [dependence_of(autoregressive(5000, phi, seed)).n_effective for seed in range(40)]
    assert 0.7 * expected < np.median(found) < 1.2 * expected


def test_bursts_among_independent_rows_count_as_one_each():
    energy = np.random.default_rng(0).normal(size=5000)
    energy += 6.0 * (np.arange(5000) % 1000 < 20)
    assert dependence_of(energy) == (5000 / 20, 20.0)


def test_rows_that_share_what_they_are_scored_by_say_less():
    energy = np.random.default_rng(0).normal(size=400)
    assert dependence_of(energy, n_shared=60).n_effective == pytest.approx(400 / 60)
    assert dependence_of(energy[:50], n_shared=60).n_effective == 1.0


@pytest.mark.parametrize("energy", [np.zeros(300), np.arange(99.0), np.zeros(1)])
def test_what_says_nothing_counts_as_independent(energy):
    assert dependence_of(energy) == (len(energy), 1.0)


def test_a_drift_is_worth_a_few_rows():
    energy = np.linspace(0.0, 5.0, 400) + 0.1 * np.random.default_rng(0).normal(size=400)
    assert dependence_of(energy).n_effective < 20


@pytest.mark.parametrize(
    ("places", "expected"), [([], 0), ([4], 1), ([0, 11], 1), ([0, 12], 2), ([1, 2, 3, 40], 2)]
)
def test_alarms_with_ten_normal_rows_between_them_are_one_event(places, expected):
    assert n_events(np.array(places, np.int64)) == expected


def test_a_budget_of_events_allows_as_many_rows_as_an_event_has():
    # Every thousand rows a run of twenty that are high.
    energy = np.random.default_rng(0).exponential(size=20_000)
    run = np.arange(20_000) // 1000
    energy += (20.0 + 10.0 * run) * (np.arange(20_000) % 1000 < 20)
    calibration = calibration_of(energy)
    assert calibration.reference.dependence.event_rows == 20.0
    rule = {"alarms": 1, "per": "day", "every": "1 min"}
    rows = choose_threshold(calibration, **rule)
    events = choose_threshold(calibration, **rule, per_event=True)
    # Of twenty runs, each higher than the one before, thirteen in not quite fourteen days.
    assert events.share == pytest.approx(13 * 20 / 20_000, rel=0.01)
    assert events.rule == "at most 1 event of false alarms a day at a row every 1 min"
    alarms = np.flatnonzero(energy > events.energy)
    days = 20_000 / 1440
    assert n_events(alarms) == 13 == int(days)
    assert n_events(np.flatnonzero(energy > rows.energy)) < 0.2 * days


def test_the_interval_widens_with_what_the_rows_are_worth():
    energy = np.random.default_rng(0).exponential(size=1884)
    apart, windows = calibration_of(energy), calibration_of(energy, n_shared=60)
    rule = {"alarms": 1, "per": "month", "every": "12s"}
    tight, wide = (choose_threshold(one, **rule) for one in (apart, windows))
    assert tight.share == wide.share == pytest.approx(1 / 216_000)
    assert wide.energy == tight.energy
    assert wide.low < tight.low
    assert wide.high is None or wide.high > 1.5 * tight.high
    (warning,) = wide.warnings
    assert warning == (
        "dependent_rows",
        "1884 rows of a calibration table follow each other so closely that they say as much as "
        "about 31 independent ones: so rare an alarm is a guess, and the interval is wide; "
        "calibrate with normal rows of other days",
    )
    assert not tight.warnings


def test_a_default_says_what_so_few_rows_can_promise():
    energy = np.random.default_rng(0).exponential(size=141)
    found = choose_threshold(calibration_of(energy, 60), contamination="auto", n_steps=60)
    assert found.n_effective == pytest.approx(2.35)
    (warning,) = found.warnings
    assert warning.kind == "dependent_rows"
    assert warning.text == (
        "141 rows of a calibration table follow each other so closely that they say as much as "
        f"about 2 independent ones: between {100 * found.share_low:.1f} and "
        f"{100 * found.share_high:.1f} % of later normal rows may lie above it instead of 5 %, "
        "and more where the columns move on; calibrate with normal rows of other days"
    )


def seasonal(n, period, rng):
    place = np.arange(n) / period + rng.uniform()
    return np.sin(2.0 * np.pi * place) + slow(n, 0.5, rng)


def above_season(energy):
    return norm.sf(energy - np.sin(np.linspace(0.0, 2.0 * np.pi, 1000, endpoint=False))).mean()


SERIES = {
    "independent": (lambda n, rng: slow(n, 0.0, rng), norm.sf),
    "0.5": (lambda n, rng: slow(n, 0.5, rng), norm.sf),
    "0.9": (lambda n, rng: slow(n, 0.9, rng), norm.sf),
    "0.98": (lambda n, rng: slow(n, 0.98, rng), norm.sf),
    "0.995": (lambda n, rng: slow(n, 0.995, rng), norm.sf),
    # The energies of rows of such columns.
    "0.98 squared": (lambda n, rng: slow(n, 0.98, rng) ** 2, chi2(1).sf),
    "a day in 144 rows": (lambda n, rng: seasonal(n, 144, rng), above_season),
}


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("n", [300, 1000, 5000])
def test_the_stated_interval_holds_the_share_of_later_rows(name, n):
    draw, share_above = SERIES[name]
    rng, inside = np.random.default_rng(n), 0
    for _ in range(100):
        found = choose_threshold(calibration_of(draw(n, rng)), contamination="auto")
        inside += found.share_low <= share_above(found.energy) <= found.share_high
    # Of a hundred at 95 %, fewer than 90 are as rare as 1 in 100.
    assert inside >= 90


def test_a_random_walk_is_worth_one_row():
    found = [
        dependence_of(np.random.default_rng(seed).normal(size=1000).cumsum()).n_effective
        for seed in range(40)
    ]
    assert np.median(found) < 1.5
    assert max(found) < 20.0
