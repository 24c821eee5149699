"""What networks are trained on: which rows, as they see them, and by what they are judged."""

import numpy as np
import pytest

from dagmm._core.progress import Progress
from dagmm.data.convert import as_rows
from dagmm.training.prepare import DataConfig, prepare_rows
from small_fits import normal


@pytest.fixture
def prepared():
    seeds = tuple(np.random.SeedSequence(0).spawn(2))
    data = DataConfig("standard", holds_out=True)
    return prepare_rows(as_rows(normal(300, 3)), data, 4, seeds, Progress())


def test_networks_of_one_view_share_a_table_and_rows_as_they_are_the_one_that_is_held(prepared):
    views = prepared.views_of(["values", "normal_scores"] * 2)
    tables = prepared.training_rows(views, 3).tables
    assert tables[0] is tables[2] is prepared.table
    # Two networks that are fitted to other rows have other ranks.
    assert views[1] is not views[3]
    for i in (1, 3):
        assert tables[i].shape == prepared.table.shape
        np.testing.assert_array_equal(tables[i][:300], views[i](prepared.inputs))
        assert not tables[i][300:].any()
    shared = prepared.training_rows([None, views[1], views[1]], 3).tables
    assert shared[1] is shared[2]


def test_rows_to_be_judged_by_are_those_of_the_view_that_a_network_is_not_fitted_to(prepared):
    views = prepared.views_of(["values", "normal_scores"])
    made = prepared.training_rows(views, 1)
    for i, view in enumerate(views):
        fitted, rows = made.fitted[i], made.held_out[i][:]
        assert len(fitted) + len(rows) == 300
        left = np.delete(prepared.inputs, fitted, axis=0)
        np.testing.assert_array_equal(rows, left if view is None else view(left))


def test_networks_of_one_view_in_one_cycle_are_not_judged(prepared):
    assert prepared.training_rows([None, None], 1).held_out is None
    assert prepared.training_rows([None, None], 2).held_out is not None
