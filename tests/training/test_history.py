import json

import numpy as np
import pytest

from dagmm.training.history import AVERAGED, History


def steps_of(values, dropped):
    return {name: np.asarray(values, np.float32) for name in AVERAGED} | {
        "dropped": np.asarray(dropped)
    }


def test_a_new_history_is_empty():
    history = History()
    assert list(history) == [
        "loss",
        "reconstruction",
        "energy",
        "penalty",
        "gradient_norm",
        "held_out_reconstruction",
        "dropped_steps",
        "out_of_time",
        "phi",
        "smallest_eigenvalue",
    ]
    assert history.epochs == 0


def test_terms_are_averaged_over_the_steps_that_were_not_dropped():
    history = History()
    values = [[1.0, 3.0], [np.nan, 5.0], [np.inf, np.nan]]
    dropped = [[False, False], [True, False], [True, True]]
    covs = [[np.diag([2.0, 3.0]), np.eye(2)]] * 2 + [[np.diag([0.5, 3.0]), np.eye(2)]]
    history.extend(steps_of(values, dropped), [[0.25, 0.75]] * 3, covs)
    assert history.epochs == 3
    assert history["loss"] == [2.0, 5.0, None]
    assert history["dropped_steps"] == [0, 1, 2]
    assert history["phi"] == [[0.25, 0.75]] * 3
    assert history["smallest_eigenvalue"] == pytest.approx([1.0, 1.0, 0.5])


def test_epochs_are_added_at_the_end():
    history = History()
    for loss in (1.0, 2.0):
        history.extend(steps_of([[loss]], [[False]]), [[1.0]], [[np.eye(2)]])
    assert history["loss"] == [1.0, 2.0]


def test_errors_of_rows_that_were_not_fitted_to_belong_to_the_last_epoch():
    history = History()
    history.extend(steps_of([[1.0]] * 2, [[False]] * 2), [[1.0]] * 2, [[np.eye(2)]] * 2)
    assert history.held_out_errors == []
    history.judge(0.5)
    assert history["held_out_reconstruction"] == [None, 0.5]
    history.extend(steps_of([[1.0]], [[False]]), [[1.0]], [[np.eye(2)]])
    history.judge(np.inf)
    assert history.held_out_errors == [0.5, np.finfo(float).max]
    again = History.of_arrays(history.arrays())
    assert again == history


def test_who_ran_out_of_time_did_so_in_the_last_epoch():
    history = History()
    history.extend(steps_of([[1.0]] * 2, [[False]] * 2), [[1.0]] * 2, [[np.eye(2)]] * 2)
    assert history["out_of_time"] == [0, 0]
    history.end_early()
    assert history["out_of_time"] == [0, 1]
    assert History.of_arrays(history.arrays()) == history


def test_summary_says_where_the_loss_stands():
    history = History()
    history.extend(steps_of([[1234.5678]], [[False]]), [[1.0]], [[np.eye(2)]])
    assert history.summary() == "loss 1235"
    history.extend(steps_of([[np.nan]], [[True]]), [[1.0]], [[np.eye(2)]])
    assert history.summary() == "loss not finite"


def test_it_is_json_as_it_is():
    history = History()
    values, dropped = [[1.5, np.nan], [np.nan, np.nan]], [[False, True], [True, True]]
    history.extend(steps_of(values, dropped), [[1.0]] * 2, [[np.eye(2)]] * 2)
    again = json.loads(json.dumps(history, allow_nan=False))
    assert again == history
    assert again["loss"] == [1.5, None]
