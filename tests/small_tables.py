"""Small tables and networks that several tests share."""

from dataclasses import replace

import numpy as np

from dagmm.inference.calibration.calibration import Calibration
from dagmm.inference.calibration.energies import EmpiricalDistribution
from dagmm.inference.ensemble import (
    Component,
    Identity,
    TrainedNetwork,
    energies_of_all,
    with_shares,
)
from dagmm.inference.record import TrainingRecord
from dagmm.inference.surprisal import Surprisal
from dagmm.mixture.density import DensityConfig, Sample
from dagmm.mixture.latent import LatentMixture
from dagmm.networks.network import Architecture, flatten
from dagmm.preprocessing.reference_values import N_LEVELS
from dagmm.training.network_moments import sample_of
from dagmm.training.trainer import TrainingConfig

#: Small enough to compile in a second or two; one for all tests, so that it compiles once.
ARCHITECTURE = Architecture(6, (16, 2), "tanh", (8, 2), "tanh", 0.25)
PLAN = TrainingConfig(
    batch_size=64,
    epochs=30,
    steps_per_epoch=7,
    learning_rate=5e-3,
    lambda1=0.1,
    lambda2=0.005,
)
N_ROWS = 400


def correlated_rows(seed=0, n_rows=N_ROWS):
    """Six columns that two hidden causes move; each has variance of about one."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(2, 6))
    rows = np.tanh(rng.normal(size=(n_rows, 2))) @ mixing + 0.05 * rng.normal(size=(n_rows, 6))
    return (rows / np.sqrt((mixing**2).sum(axis=0) * 0.4)).astype(np.float32)


def broken_rows(seed=1, n_rows=N_ROWS):
    """The same columns, each with the same distribution, but no longer correlated."""
    rows = correlated_rows(seed, n_rows)
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(column) for column in rows.T], axis=1)


#: What is known of normal rows where a test does not ask: one energy of 0 nats.
CALIBRATION = Calibration(
    np.zeros((N_LEVELS, ARCHITECTURE.n_features), np.float32),
    EmpiricalDistribution.of(np.zeros(1)),
)

#: What a model remembers of its training where a test does not ask.
RECORD = TrainingRecord(N_ROWS, 0, 64 * "0", (), ())
#: The mixture that the estimation network describes.
MIXTURE = DensityConfig(LatentMixture, {"relative_floor": 1e-3})


def a_network(seed=0):
    """An untrained network."""
    parameters = flatten(ARCHITECTURE.build(np.random.default_rng(seed)))
    return TrainedNetwork(ARCHITECTURE, np.asarray(parameters))


def small_ensemble(n_networks=1, densities=(MIXTURE,), input_densities=()):
    """Components fitted to the correlated rows, with their surprisals."""
    rows, rng = correlated_rows(), np.random.default_rng(0)
    found = []
    for i in range(n_networks):
        network = a_network(i)
        sample = sample_of(network, rows)
        found += [Component(network, one.fit(sample, rng)) for one in densities]
    of_rows = Sample(rows.T, rows.shape[1])
    for one in input_densities:
        found.append(Component(Identity(), one.fit(of_rows, rng), weight=one.weight))
    if len(found) > 1:
        energies = energies_of_all(found, rows)
        found = [
            replace(one, surprisal=Surprisal.of(energy))
            for one, energy in zip(found, energies, strict=True)
        ]
    return with_shares(found)
