"""What parts count: by the error of their view, from no more than the rows."""

import numpy as np
import pytest

from dagmm.inference.ensemble import Component, Identity, TrainedNetwork
from dagmm.mixture.density import Sample
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.mixture.row_mixture import InputMixture
from dagmm.preprocessing.normal_scores import NormalScores
from dagmm.training.history import History
from dagmm.training.training_run import TrainedMember
from dagmm.training.weights import weigh
from small_tables import ARCHITECTURE, correlated_rows

ROWS = correlated_rows()
SCORES = NormalScores.learn(ROWS)


def mixture(rows):
    sample, rng = Sample(rows.T, 6), np.random.default_rng(0)
    return InputMixture.fit(sample, rng, candidates=(1,), relative_floor=1e-3, least_phi=0.0)


def member(error=None):
    """What training makes of a network, with the error of rows that it was not fitted to."""
    none = np.zeros(1, np.float32)
    return TrainedMember(none, none, History(), error)


def parts():
    """A network and a mixture of rows of each view, and marginal mixtures."""
    found = []
    for view in (None, SCORES):
        network = TrainedNetwork(ARCHITECTURE, np.zeros(1, np.float32), view)
        seen = ROWS if view is None else view(ROWS)
        found += [Component(one, mixture(seen)) for one in (network, Identity(view))]
    marginal = MarginalMixtures.fit(Sample(ROWS.T, 6), np.random.default_rng(0), n_components=2)
    return [*found, Component(Identity(), marginal, weight=0.2)]


def shares(components, members, rows=ROWS):
    return [one.weight for one in weigh(components, members, rows)]


def test_a_part_counts_by_the_inverse_of_its_relative_error():
    variance = float(ROWS.var(axis=0).sum())
    members = [(None, member(0.01 * variance)), (SCORES, member(0.04 * 6.0))]
    np.testing.assert_allclose(shares(parts(), members), [0.32, 0.32, 0.08, 0.08, 0.2], rtol=1e-3)


@pytest.mark.parametrize("error", [None, 1e9])
def test_views_that_nothing_is_known_of_count_alike(error):
    members = [(None, member(error)), (SCORES, member(error))]
    np.testing.assert_allclose(shares(parts(), members), [0.2] * 5)


def test_an_error_of_nothing_leaves_the_others_something():
    found = shares(parts(), [(None, member(0.0)), (SCORES, member(1e9))])
    assert sum(found) == pytest.approx(1.0)
    assert min(found) > 0.0


def test_rows_that_do_not_vary_count_alike():
    members = [(None, member(0.0)), (SCORES, member(0.0))]
    found = shares(parts()[:4], members, np.ones((50, 6), np.float32))
    assert found[0] == found[1] == pytest.approx(found[3], rel=1e-6)


def test_densities_of_columns_alone_share_everything():
    columns = parts()[-1]
    np.testing.assert_allclose(shares([columns, columns], []), [0.5, 0.5])
