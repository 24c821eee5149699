"""Small stacks of images that the tests of several files share."""

import math

import numpy as np

from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.networks.network import Architecture
from dagmm.training.config import DetectorConfig
from dagmm.training.trainer import TrainingConfig


def blobs(n=24, height=9, width=8, channels=None, seed=0):
    """Bright spots at about the same place, as floats between 0 and 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centre = rng.normal([height / 2, width / 2], 0.7, (n, 2))
    far = (y - centre[:, :1, None]) ** 2 + (x - centre[:, 1:, None]) ** 2
    images = np.exp(-far / 4.0)
    if channels is None:
        return images
    return images[..., None] * rng.uniform(0.5, 1.0, (n, 1, 1, channels))


def as_bytes(images):
    return (255 * images).round().astype(np.uint8)


def tiny_image_config(n_rows, shape, n_members):
    """A detector's config that trains in no time."""
    architecture = Architecture(
        math.prod(shape), (2, 3), "tanh", (4, 2), "tanh", 0.25, ("log_error",), shape=shape
    )
    training = TrainingConfig(min(16, n_rows), 2, 4, 1e-3, 0.1, 0.005)
    mixture = DensityConfig(LatentMixture, {"candidates": (1,), "relative_floor": 0.1})
    return DetectorConfig((architecture,) * n_members, training, ((mixture,),) * n_members)
