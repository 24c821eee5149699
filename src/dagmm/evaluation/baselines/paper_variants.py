"""DAGMM with parts taken away: the variants of the paper's section 4.3.

All have the same dense network, one training and the mixture that the estimation network
describes, so that they differ from one another in what is trained, when, and for what. Without a
setting, the training is that of ``DAGMMDetector``, with one network.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dagmm.evaluation.baselines.classical import gaussian_mixture
from dagmm.evaluation.baselines.estimation_only import CodeArchitecture
from dagmm.evaluation.baselines.method import Strangeness
from dagmm.evaluation.baselines.optimise import DescentConfig
from dagmm.evaluation.baselines.pretraining import pretrain
from dagmm.inference.ensemble import Component, TrainedNetwork, energies_of_all
from dagmm.inference.forward import latent_rows, outputs_of
from dagmm.mixture.latent import LatentMixture
from dagmm.networks.network import Architecture
from dagmm.training.network_moments import sample_of
from dagmm.training.presets.paper import DAGMM_STEPS, default_hiddens
from dagmm.training.presets.tables import LATENT_FLOOR, table_config
from dagmm.training.trainer import TrainingConfig, train

#: Share of the training's steps that each layer's pre-training takes.
PRETRAINING_SHARE = 0.25


class Setting(NamedTuple):
    """What all variants share: one network, and how it is trained."""

    architecture: Architecture
    training: TrainingConfig
    relative_floor: float = LATENT_FLOOR
    """Floor of the mixture's covariances, relative to the variance of z."""


def default_setting(n_rows: int, n_features: int) -> Setting:
    """Return the training of ``DAGMMDetector`` in one cycle, for a network like the paper's."""
    config = table_config(n_rows, (n_features,), 1)
    architecture = replace(
        config.architectures[0],
        comp_hiddens=default_hiddens(n_features),
        mask_ratio=0.0,
        whole_row=False,
    )
    epochs = DAGMM_STEPS // config.training.steps_per_epoch
    return Setting(architecture, replace(config.training, epochs=epochs, cycles=1))


class Autoencoder(NamedTuple):
    """A network of which only the compression part was trained."""

    architecture: Architecture
    parameters: np.ndarray

    def squared_error(self, rows: Float[np.ndarray, "n_rows n_features"]) -> np.ndarray:
        """Squared reconstruction error of each row, in squared encoded units."""
        return outputs_of(*self, rows.astype(np.float32)).squared_error.astype(np.float64)

    def z(self, rows: Float[np.ndarray, "n_rows n_features"]) -> np.ndarray:
        """Code and residual features of each row, shape (n_rows, n_latent)."""
        return latent_rows(*self, rows.astype(np.float32)).T


def autoencoder(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, setting: Setting | None = None
) -> Strangeness:
    """Reconstruction error of an autoencoder trained end to end (the paper's E2E-AE)."""
    return trained_autoencoder(x, seed, setting or default_setting(*x.shape)).squared_error


def pae(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, setting: Setting | None = None
) -> Strangeness:
    """Reconstruction error of an autoencoder that was pre-trained layer by layer."""
    return pretrained_autoencoder(x, seed, setting or default_setting(*x.shape)).squared_error


def pae_gmm_em(
    x: Float[np.ndarray, "n_rows n_features"],
    seed: int,
    setting: Setting | None = None,
    model: Autoencoder | None = None,
) -> Strangeness:
    """Energy under a Gaussian mixture that EM fits to z of the pre-trained autoencoder."""
    model = model or pretrained_autoencoder(x, seed, setting or default_setting(*x.shape))
    z = model.z(x).astype(np.float64)
    centre, spread = z.mean(axis=0), np.maximum(z.std(axis=0), 1e-6)
    score = gaussian_mixture((z - centre) / spread, seed)
    return lambda rows: score((model.z(rows) - centre) / spread)


def pae_gmm(
    x: Float[np.ndarray, "n_rows n_features"],
    seed: int,
    setting: Setting | None = None,
    model: Autoencoder | None = None,
) -> Strangeness:
    """Energy, the estimation network trained alone on z of the pre-trained autoencoder."""
    setting = setting or default_setting(*x.shape)
    model = model or pretrained_autoencoder(x, seed, setting)
    codes = setting._replace(architecture=CodeArchitecture.after(setting.architecture))
    energy = _energy(model.z(x), seed, codes)
    return lambda rows: energy(model.z(rows))


def gmm_en(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, setting: Setting | None = None
) -> Strangeness:
    """Energy, both networks trained for it alone, without the reconstruction error."""
    setting = setting or default_setting(*x.shape)
    training = replace(setting.training, reconstruction_weight=0.0)
    return _energy(x, seed, setting._replace(training=training))


def dagmm_p(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, setting: Setting | None = None
) -> Strangeness:
    """Energy, trained end to end from a pre-trained autoencoder."""
    setting = setting or default_setting(*x.shape)
    return _energy(x, seed, setting, pretrained(x, seed, setting))


def dagmm_single(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, setting: Setting | None = None
) -> Strangeness:
    """Energy of one network trained end to end: what the other variants take away from."""
    return _energy(x, seed, setting or default_setting(*x.shape))


def trained(
    x: Float[np.ndarray, "n_rows n_features"],
    seed: int,
    setting: Setting,
    initial: np.ndarray | None = None,
) -> Component:
    """Train a network for DAGMM's objective and fix the mixture that it describes.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
    seed : int
    setting : Setting
    initial : ndarray of shape (n_parameters,), optional
        Where the network begins; it is drawn by default.
    """
    features, start = x.astype(np.float32), None if initial is None else [initial]
    architecture = setting.architecture
    member = train(features, len(x), [architecture], setting.training, seed, initial=start)[0]
    return with_mixture(TrainedNetwork(architecture, member.parameters), x, seed, setting)


def with_mixture(
    network: TrainedNetwork,
    x: Float[np.ndarray, "n_rows n_features"],
    seed: int,
    setting: Setting,
) -> Component:
    """Fix the mixture that a network's estimation part describes, from all training rows."""
    sample = sample_of(network, x.astype(np.float32))
    rng = np.random.default_rng(seed)
    mixture = LatentMixture.fit(sample, rng, relative_floor=setting.relative_floor)
    return Component(network, mixture)


def trained_autoencoder(
    x: Float[np.ndarray, "n_rows n_features"],
    seed: int,
    setting: Setting,
    initial: np.ndarray | None = None,
) -> Autoencoder:
    """Train the compression network for the reconstruction error alone.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
    seed : int
    setting : Setting
    initial : ndarray of shape (n_parameters,), optional
        Where the network begins; it is drawn by default.
    """
    training = replace(setting.training, lambda1=0.0, lambda2=0.0)
    features, start = x.astype(np.float32), None if initial is None else [initial]
    member = train(features, len(x), [setting.architecture], training, seed, initial=start)[0]
    return Autoencoder(setting.architecture, member.parameters)


def pretrained_autoencoder(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, setting: Setting
) -> Autoencoder:
    """Pre-train an autoencoder layer by layer, then train the whole of it."""
    return trained_autoencoder(x, seed, setting, pretrained(x, seed, setting))


def pretrained(
    x: Float[np.ndarray, "n_rows n_features"], seed: int, setting: Setting
) -> Float[np.ndarray, " n_parameters"]:
    """Pre-train a network's layers, one after another; the rest of it is drawn."""
    training = setting.training
    n_steps = max(1, round(PRETRAINING_SHARE * training.n_steps))
    layer = DescentConfig(training.batch_size, n_steps, training.learning_rate)
    rng = np.random.default_rng([seed, 1])
    return pretrain(setting.architecture, x.astype(np.float32), layer, rng)


def energy_of(component: Component) -> Strangeness:
    """Return what says the energy of rows, in nats."""
    return lambda rows: energies_of_all([component], rows.astype(np.float32))[0]


def _energy(x: Any, seed: int, setting: Setting, initial: np.ndarray | None = None) -> Strangeness:
    return energy_of(trained(x, seed, setting, initial))
