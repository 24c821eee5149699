import numpy as np
import pytest

from dagmm import DAGMMDetector
from dagmm.inference.ensemble import Member
from dagmm.mixture.combination import symmetric_exp, symmetric_log
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.training.splits.folds import Folds
from dagmm.training.splits.out_of_fold import out_of_fold_energies


class Network(Member):
    """Energies are distances from a place."""

    def __init__(self, place, location, spread):
        for name, value in (("place", place), ("location", location), ("spread", spread)):
            object.__setattr__(self, name, value)

    def energy(self, features):
        return np.abs(features[:, 0].astype(np.float64) - self.place)


class Beside(MarginalMixtures):
    """The same, but no network."""

    __init__ = Network.__init__
    energy = Network.energy


FEATURES = np.arange(8, dtype=np.float32)[:, None]
#: Two members leave out the even rows, one the odd ones.
EVEN, ODD = np.arange(0, 8, 2), np.arange(1, 8, 2)
FOLDS = Folds([ODD, EVEN, ODD], [EVEN, ODD, EVEN])


def relative(judge, rows):
    return symmetric_log((judge.energy(FEATURES[rows]) - judge.location) / judge.spread)


def test_rows_are_judged_by_those_that_were_not_fitted_to_them():
    members = Network(0.0, 1.0, 2.0), Network(3.0, 0.5, 1.0), Network(-2.0, 4.0, 4.0)
    energies = np.stack([member.energy(FEATURES) for member in members])
    found = out_of_fold_energies(members, energies, FEATURES, FOLDS, lambda rows: (None, None))
    # Put on the scale of all three, whoever speaks.
    location, spread = (1.0 + 0.5 + 4.0) / 3, (2.0 + 1.0 + 4.0) / 3
    even = 0.5 * (relative(members[0], EVEN) + relative(members[2], EVEN))
    expected = location + spread * symmetric_exp(np.concatenate([even, relative(members[1], ODD)]))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_stands_beside_them_is_fitted_anew_to_the_other_rows():
    members = Network(0.0, 1.0, 2.0), Network(3.0, 0.5, 1.0), Network(-2.0, 4.0, 4.0)
    beside, fitted_to = Beside(1.0, 3.0, 0.5), []

    def fit_beside(rows):
        fitted_to.append(rows[:][:, 0].tolist())
        return None, Beside(rows[:].mean(), 2.0, 1.0)

    judges = (*members, beside)
    energies = np.stack([judge.energy(FEATURES) for judge in judges])
    found = out_of_fold_energies(judges, energies, FEATURES, FOLDS, fit_beside)
    assert sorted(fitted_to) == [[0.0, 2.0, 4.0, 6.0], [1.0, 3.0, 5.0, 7.0]]
    location = 0.25 * (1.0 + 0.5 + 4.0) + 0.25 * 3.0
    spread = 0.25 * (2.0 + 1.0 + 4.0) + 0.25 * 0.5
    even = 0.375 * (relative(members[0], EVEN) + relative(members[2], EVEN))
    even += 0.25 * relative(Beside(4.0, 2.0, 1.0), EVEN)
    odd = 0.75 * relative(members[1], ODD) + 0.25 * relative(Beside(3.0, 2.0, 1.0), ODD)
    expected = location + spread * symmetric_exp(np.concatenate([even, odd]))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "least"), [(100, 40, 0.02), (150, 120, 0.03), (400, 8, 0.05)]
)
def test_new_rows_of_small_and_wide_tables_are_seldom_anomalies(n_rows, n_columns, least):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, n_columns))

    def rows(n):
        return rng.normal(size=(n, 5)) @ mixing + 0.5 * rng.normal(size=(n, n_columns))

    detector = DAGMMDetector().fit(rows(n_rows))
    # The highest of 100 energies, on the mean, is exceeded by one row in 101.
    assert (detector.predict(rows(4000)) == -1).mean() < 0.05
    # Rows that are left out are judged by networks that saw fewer rows than the model's own, and
    # have higher energies: of the smaller and wider tables p-values are cautious.
    assert least < (detector.p_value(rows(4000)) < 0.1).mean() < 0.13
