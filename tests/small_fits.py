"""Small estimators and tables that the tests of several files share."""

from dataclasses import replace

import numpy as np

from dagmm import DAGMM, DAGMMDetector
from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.mixture.marginal import MarginalMixtures
from dagmm.mixture.row_mixture import InputMixture, RowMixture
from dagmm.networks.network import Architecture
from dagmm.preprocessing.windows.features import parts_of_summary
from dagmm.training.config import DetectorConfig
from dagmm.training.trainer import TrainingConfig

#: What makes a detector train in no time, as a user says it.
TINY = {
    **{"comp_hiddens": [4, 2], "comp_activation": "tanh"},
    **{"est_hiddens": [4, 2], "est_activation": "tanh", "est_dropout_ratio": 0.25},
    **{"batch_size": 16, "epochs": 2, "steps_per_epoch": 4, "learning_rate": 1e-3},
    **{"lambda1": 0.1, "lambda2": 0.005, "mask_ratio": 0.0, "cycles": 1},
    "densities": {
        "row_mixture": {"candidates": [1, 2]},
        "input_mixture": {"candidates": [1, 2]},
        "marginal_mixtures": {},
    },
}


def tiny_config(n_rows, shape, n_members, *, in_time=False):
    """A detector's config that trains in no time."""
    architecture = Architecture(*shape, (4, 2), "tanh", (4, 2), "tanh", 0.25, whole_row=True)
    architecture = replace(architecture, has_shortcuts=in_time)
    views = tuple(("values", "normal_scores")[i % 2] for i in range(n_members))
    options = {"candidates": (1, 2), "relative_floor": 1e-3, "least_phi": 0.0}
    mixture, of_rows = (DensityConfig(one, options) for one in (RowMixture, InputMixture))
    marginal = DensityConfig(MarginalMixtures, {"n_components": 4}, 0.25)
    return DetectorConfig(
        (architecture,) * n_members,
        TrainingConfig(min(16, n_rows), 2, 4, 1e-3, 0.1, 0.005),
        ((mixture,),) * n_members,
        (of_rows, replace(of_rows, view=views[-1]), marginal),
        views,
    )


def tiny_window_config(n_windows, shape, n_members, detail):
    """Return a config for windows that trains in no time."""
    n_steps, n_features = shape
    training = TrainingConfig(min(16, n_windows), 2, 4, 1e-3, 0.1, 0.005)
    options = {"candidates": (1, 2), "relative_floor": 1e-3}
    of_networks = ((DensityConfig(LatentMixture, options),),) * n_members
    if detail == "sequence":
        architecture = Architecture(n_features * n_steps, (4, 2), "tanh", (4, 2), "tanh", 0.25)
        return DetectorConfig((architecture,) * n_members, training, of_networks)
    parts = parts_of_summary(n_features, n_steps)
    views = tuple(("summary", "last_rows")[i % 2] for i in range(n_members))
    architectures = tuple(
        Architecture(
            parts[view].width(n_features),
            (4, 2),
            "tanh",
            (4, 2),
            "tanh",
            0.25,
            has_shortcuts=i % 2 == 1,
        )
        for i, view in enumerate(views)
    )
    options = options | {"least_phi": 0.0}
    of_levels = DensityConfig(InputMixture, options, 0.25, "level")
    return DetectorConfig(architectures, training, of_networks, (of_levels,), views)


def tiny_dagmm(**arguments):
    sizes = {"comp_hiddens": [4, 2], "est_hiddens": [4, 2], "epoch_size": 2, "minibatch_size": 16}
    return DAGMM(**(sizes | arguments))


def tiny_detector(**arguments):
    """A detector; the fixture ``quick`` makes its config tiny."""
    return DAGMMDetector(**({"n_members": 2} | arguments))


def in_float64(model, n=1):
    """The same fitted model, whose first networks compute in float64, the others in float32."""
    made = {
        id(one): replace(one, parameters=one.parameters.astype("f8" if i < n else "f4"))
        for i, one in enumerate(model.networks)
    }
    components = tuple(
        replace(one, transform=made.get(id(one.transform), one.transform))
        for one in model.components
    )
    return replace(model, components=components)


def energy_of(estimator, table):
    return estimator.predict(table) if isinstance(estimator, DAGMM) else estimator.energy(table)


def normal(n_rows=40, n_columns=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))
