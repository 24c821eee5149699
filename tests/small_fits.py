"""Small estimators and tables that the tests of several files share."""

from dataclasses import replace

import numpy as np

from dagmm import DAGMM, DAGMMDetector
from dagmm.networks.network import Architecture
from dagmm.training.presets import DetectorConfig
from dagmm.training.trainer import TrainingConfig


def tiny_config(n_rows, n_features, n_members):
    """A detector's recipe that trains in no time."""
    architecture = Architecture(n_features, (4, 2), "tanh", (4, 2), "tanh", 0.25)
    plan = TrainingConfig(min(16, n_rows), 2, 4, 1e-3, 0.1, 0.005)
    floors = (1e-3,) * n_members
    return DetectorConfig(
        (architecture,) * n_members,
        plan,
        (1, 2),
        floors,
        drawn_components=(3, 2),
        column_components=4,
    )


def tiny_window_config(n_windows, n_steps, n_features, n_members, detail):
    """Return a recipe for windows that trains in no time."""
    n_inputs = n_features * (2 if detail == "summary" else n_steps)
    return replace(tiny_config(n_windows, n_inputs, n_members), column_components=0)


def tiny_dagmm(**arguments):
    sizes = {"comp_hiddens": [4, 2], "est_hiddens": [4, 2], "epoch_size": 2, "minibatch_size": 16}
    return DAGMM(**(sizes | arguments))


def tiny_detector(**arguments):
    """A detector; the fixture ``quick`` makes its recipe tiny."""
    return DAGMMDetector(**({"n_members": 2} | arguments))


def energy_of(estimator, table):
    return estimator.predict(table) if isinstance(estimator, DAGMM) else estimator.energy(table)


def normal(n_rows=40, n_columns=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))
