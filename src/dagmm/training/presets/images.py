"""The default for images."""

import math

from dagmm.mixture.latent import LatentMixture
from dagmm.networks.convolutional import halved
from dagmm.networks.network import Architecture
from dagmm.training.config import DetectorConfig
from dagmm.training.presets.mixtures import mixture
from dagmm.training.presets.networks import (
    batch_of,
    est_hiddens,
    power_of_two_below,
    training_of_z,
)

#: Widest code of an image, which is a quarter of a tiny one: narrower ones lose what tells one
#: image from another.
IMAGE_CODE = 64

#: Filters of the first convolution over images; each next one has twice as many, up to the most.
FIRST_FILTERS, MOST_FILTERS = 8, 64

#: Convolutions halve an image until its map is no longer than this.
SMALLEST_MAP = 8

#: Covariance floor of the mixtures of images. It is high: images are few for the width of z, and
#: directions in which the training images hardly vary say little about others.
IMAGE_FLOOR = 0.1

#: Components of a mixture of images; one where there are too few images.
IMAGE_COMPONENTS = 4

#: Numbers in a minibatch, at most: large images come in smaller ones.
BATCH_FEATURES = 2**22


def image_hiddens(n_rows: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the filters of an image's convolutions, and the width of its code.

    Parameters
    ----------
    n_rows : int
        Training images.
    shape : tuple of int
        (height, width, channels).
    """
    size, filters = halved(max(shape[:2])), [FIRST_FILTERS]
    while size > SMALLEST_MAP:
        size = halved(size)
        filters.append(min(2 * filters[-1], MOST_FILTERS))
    most = min(IMAGE_CODE, math.prod(shape) // 4)
    return (*filters, min(most, max(2, n_rows // 6)))


def image_config(n_rows: int, shape: tuple[int, ...], n_members: int) -> DetectorConfig:
    """Return the config of ``DAGMMDetector`` for images.

    Parameters
    ----------
    n_rows : int
        Training images.
    shape : tuple of int
        (height, width, channels).
    n_members : int
    """
    n_features = math.prod(shape)
    most = max(8, power_of_two_below(BATCH_FEATURES // n_features + 1))
    batch_size = batch_of(n_rows, min(128, most))
    architecture = Architecture(
        n_features=n_features,
        comp_hiddens=image_hiddens(n_rows, shape),
        comp_activation="leaky_relu",
        est_hiddens=est_hiddens(batch_size),
        est_activation="tanh",
        est_dropout_ratio=0.25,
        residuals=("log_error",),
        shape=shape,
    )
    training = training_of_z(batch_size, epochs=6, steps_per_epoch=50)
    enough = n_rows >= IMAGE_COMPONENTS * (architecture.n_latent + 1)
    candidates = (IMAGE_COMPONENTS if enough else 1,)
    of_z = mixture(LatentMixture, n_rows, IMAGE_FLOOR, candidates=candidates)
    return DetectorConfig((architecture,) * n_members, training, ((of_z,),) * n_members)
