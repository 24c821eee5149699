"""DAGMM with parts taken away: the variants of the paper's section 4.3.

All have the same dense network, the training of ``DAGMMDetector``, one network each and the
mixture that its estimation network describes, so that they differ from one another in what is
trained, when, and for what.
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
from dagmm.training.fit_densities import sample_of
from dagmm.training.presets import DAGMM_STEPS, LATENT_FLOOR, default_hiddens, table_config
from dagmm.training.trainer import TrainingConfig, train

#: Share of the training's steps that each layer's pre-training takes.
PRETRAINING_SHARE = 0.25
#: Floor of the mixtures' covariances, relative to the variance of z.
_FLOOR = LATENT_FLOOR


class Setting(NamedTuple):
    """What all variants share: one network, and how it is trained."""

    architecture: Architecture
    training: TrainingConfig


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


def autoencoder(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Reconstruction error of an autoencoder trained end to end (the paper's E2E-AE)."""
    return _autoencoder(x, seed, default_setting(*x.shape)).squared_error


def pae(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Reconstruction error of an autoencoder that was pre-trained layer by layer."""
    return _pretrained_autoencoder(x, seed, default_setting(*x.shape)).squared_error


def pae_gmm_em(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Energy under a Gaussian mixture that EM fits to z of the pre-trained autoencoder."""
    model = _pretrained_autoencoder(x, seed, default_setting(*x.shape))
    z = model.z(x).astype(np.float64)
    centre, spread = z.mean(axis=0), np.maximum(z.std(axis=0), 1e-6)
    score = gaussian_mixture((z - centre) / spread, seed)
    return lambda rows: score((model.z(rows) - centre) / spread)


def pae_gmm(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Energy, the estimation network trained alone on z of the pre-trained autoencoder."""
    setting = default_setting(*x.shape)
    model = _pretrained_autoencoder(x, seed, setting)
    codes = setting._replace(architecture=CodeArchitecture.after(setting.architecture))
    energy = _energy(model.z(x), seed, codes)
    return lambda rows: energy(model.z(rows))


def gmm_en(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Energy, both networks trained for it alone, without the reconstruction error."""
    setting = default_setting(*x.shape)
    training = replace(setting.training, reconstruction_weight=0.0)
    return _energy(x, seed, setting._replace(training=training))


def dagmm_p(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Energy, trained end to end from a pre-trained autoencoder."""
    setting = default_setting(*x.shape)
    return _energy(x, seed, setting, _pretrained(x, seed, setting))


def dagmm_single(x: Float[np.ndarray, "n_rows n_features"], seed: int) -> Strangeness:
    """Energy of one network trained end to end: what the other variants take away from."""
    return _energy(x, seed, default_setting(*x.shape))


def _energy(x: Any, seed: int, setting: Setting, initial: np.ndarray | None = None) -> Strangeness:
    """Train, fix the mixture that the estimation network describes, return its energy."""
    features, start = x.astype(np.float32), None if initial is None else [initial]
    architecture = setting.architecture
    trained = train(features, len(x), [architecture], setting.training, seed, initial=start)[0]
    network = TrainedNetwork(architecture, trained.parameters)
    mixture = LatentMixture.fit(
        sample_of(network, features), np.random.default_rng(seed), relative_floor=_FLOOR
    )
    component = Component(network, mixture)
    return lambda rows: energies_of_all([component], rows.astype(np.float32))[0]


def _autoencoder(
    x: Any, seed: int, setting: Setting, initial: np.ndarray | None = None
) -> Autoencoder:
    training = replace(setting.training, lambda1=0.0, lambda2=0.0)
    features, start = x.astype(np.float32), None if initial is None else [initial]
    trained = train(features, len(x), [setting.architecture], training, seed, initial=start)[0]
    return Autoencoder(setting.architecture, trained.parameters)


def _pretrained_autoencoder(x: Any, seed: int, setting: Setting) -> Autoencoder:
    return _autoencoder(x, seed, setting, _pretrained(x, seed, setting))


def _pretrained(x: Any, seed: int, setting: Setting) -> np.ndarray:
    training = setting.training
    n_steps = max(1, round(PRETRAINING_SHARE * training.n_steps))
    layer = DescentConfig(training.batch_size, n_steps, training.learning_rate)
    rng = np.random.default_rng([seed, 1])
    return pretrain(setting.architecture, x.astype(np.float32), layer, rng)
