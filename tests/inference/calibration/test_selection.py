import numpy as np
import pytest
from scipy import stats

from dagmm import ArgumentError
from dagmm.inference.calibration.selection import benjamini_hochberg, check_rate, select
from small_tables import CALIBRATION


def known(energy, n_shared=1):
    return CALIBRATION.with_held_out(energy, "rows held out of the fit", n_shared)


@pytest.mark.parametrize("fdr", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("n_known", [9, 99, 1000])
def test_rows_are_those_that_scipy_selects(fdr, n_known):
    rng = np.random.default_rng(n_known)
    energy = np.concatenate([rng.exponential(size=80), 3.0 + rng.exponential(size=20)])
    calibration = known(rng.exponential(size=n_known))
    p_value = (1 + (calibration.held_out.energy[:, None] >= energy).sum(axis=0)) / (n_known + 1)
    # Where p-values meet a bound to the last digit, fractions decide.
    expected = stats.false_discovery_control(p_value) <= fdr * (1.0 + 1e-9)
    np.testing.assert_array_equal(benjamini_hochberg(p_value, fdr), expected)
    if (n_known + 1) * fdr >= 1.0:
        found = select(calibration, energy, fdr)
        np.testing.assert_array_equal(found.is_selected, expected)
        np.testing.assert_allclose(found.p_value, p_value)


def test_the_rate_holds_on_the_mean_of_many_tables():
    """With one finite held-out sample for all rows of a table, drawn anew for each."""
    rng, shares, n_found = np.random.default_rng(0), [], 0
    for _ in range(300):
        energy = np.concatenate([rng.exponential(size=180), 6.0 + rng.exponential(size=20)])
        chosen = select(known(rng.exponential(size=300)), energy, 0.2).is_selected
        shares.append(chosen[:180].sum() / max(1, chosen.sum()))
        n_found += chosen[180:].sum()
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) <= 0.2 * 0.9 + 3.0 * error
    assert n_found / (300 * 20) > 0.9


def test_too_few_rows_for_the_rate_are_refused():
    message = (
        "select: at a false discovery rate of 0.05 nothing can ever be selected with 15 rows held "
        "out of the fit, of which the smallest p-value is 1 in 16; calibrate with at least 19 "
        "normal rows, or allow a higher rate."
    )
    with pytest.raises(ArgumentError) as caught:
        select(known(np.arange(15.0)), np.arange(3.0), 0.05)
    assert str(caught.value) == message
    assert check_rate(known(np.arange(19.0)), 0.05) == 0.05


def test_energies_of_rows_that_were_fitted_to_are_refused():
    with pytest.raises(ArgumentError, match=r"^select: .* calibrate it with normal rows first\.$"):
        select(CALIBRATION, np.arange(3.0), 0.1)


def test_a_long_table_needs_many_strange_rows_or_many_that_are_known():
    calibration, energy = known(np.arange(99.0)), np.zeros(1000)
    energy[:9] = 1000.0
    found = select(calibration, energy, 0.1)
    assert not found.is_selected.any()
    assert found.least_rows == 100
    assert found.warnings == (
        "none of 1000 rows is selected; of 99 rows held out of the fit the smallest p-value is 1 "
        "in 100, so that at least 100 rows must be stranger than all of them before any is. "
        "Calibrate with more normal rows, look at fewer rows, or allow a higher rate",
    )
    energy[:100] = 1000.0
    assert select(calibration, energy, 0.1).is_selected.sum() == 100
    assert select(calibration, energy[:10], 0.1).warnings == ()


def test_rows_that_depend_have_no_promise():
    slow = np.repeat(np.random.default_rng(0).normal(size=40), 25)
    (said,) = select(known(slow), np.full(10, 99.0), 0.1).warnings
    assert said.startswith("rows follow each other closely, so that p-values of neighbours go")
    (said,) = select(known(np.arange(99.0)), np.full(10, 999.0), 0.1, n_steps=5).warnings
    assert said.startswith("windows share rows, so that ")


def test_nothing_is_selected_of_nothing():
    found = select(known(np.arange(99.0)), np.empty(0), 0.1)
    assert (len(found.is_selected), found.warnings) == (0, ())


@pytest.mark.parametrize("fdr", [0.0, 1.0, "x", None, True])
def test_a_rate_that_is_none_is_refused(fdr):
    with pytest.raises(ArgumentError, match=r"^fdr must be in \(0, 1\), got "):
        check_rate(known(np.arange(99.0)), fdr)
