"""Why an image is strange: where in it, and what the model expected there.

Each image is compared with a normal one that the model makes of it: its code, pulled towards the
nearest component of the mixture until it is as close as codes of training images are, and
decoded. On the straight line from there to the image, what the networks cannot make of the image
comes back little by little; the point with the lowest energy is the reference. What each pixel
adds between the two is the integral, along the line, of the energy's slope at that pixel
(integrated gradients, Sundararajan et al., 2017), so that contributions add up to the gap.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from dagmm._core.numerics import Array, inverse_lower
from dagmm.data.images import ImageRows
from dagmm.inference.chunks import block_rows
from dagmm.inference.ensemble import TrainedNetwork, combined_slopes
from dagmm.inference.fitted_model import FittedModel
from dagmm.mixture.gaussian import GaussianMixture, log_joint
from dagmm.networks.network import Architecture
from dagmm.preprocessing.image_encoder import ImageEncoder

#: Most images of a block that gradients are computed for at a time.
BLOCK_ROWS = 64
#: Places on the line at which the reference is looked for, and steps of the integral. Squares of
#: even steps: the energy bends most where the residual begins.
_PLACES = np.linspace(0.0, 1.0, 11) ** 2
_STEPS = np.linspace(0.0, 1.0, 25) ** 2
#: Numbers that are encoded and explained at a time.
_PART_FEATURES = 2**22


@dataclass(frozen=True)
class ImageExplanation:
    """Why images are strange.

    Attributes
    ----------
    energy : ndarray of shape (n,)
        Of each image, in nats.
    reference_energy : ndarray of shape (n,)
        Of the image in ``expected`` that each is compared with, in nats. An image whose energy is
        not above the median of normal ones is its own.
    heat : ndarray of shape (n, height, width)
        What each place adds to the energy, in nats, over all channels. Each image's sum is
        ``energy - reference_energy``; a place below zero makes the image more normal.
    residual : ndarray of shape (n, height, width)
        Squared reconstruction error of each place, mean over networks and sum over channels, in
        squared pixels: where the networks do not rebuild the (smoothed) image, whatever that does
        to the energy.
    expected : ndarray of shape (n, height, width, channels)
        The image that each is compared with, in pixels; smoothed, as the networks see it.
    """

    energy: Float[np.ndarray, " n"]
    reference_energy: Float[np.ndarray, " n"]
    heat: Float[np.ndarray, "n height width"]
    residual: Float[np.ndarray, "n height width"]
    expected: Float[np.ndarray, "n height width channels"]


def explain_images(model: FittedModel, rows: ImageRows) -> ImageExplanation:
    """Explain all images of a stack.

    Raises
    ------
    InputError
        If the images do not fit the model.
    """
    model.check(rows)
    encoder = model.encoder
    assert isinstance(encoder, ImageEncoder), "checked"
    target = model.calibration.reference.energy_at(0.5)
    size = max(1, _PART_FEATURES // encoder.n_features)
    parts = [
        _explain_part(model, encoder, target, encoder.encode(chunk)) for chunk in rows.chunks(size)
    ]
    parts = parts or [
        _explain_part(model, encoder, target, np.empty((0, encoder.n_features), "f4"))
    ]
    return ImageExplanation(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _explain_part(
    model: FittedModel,
    encoder: ImageEncoder,
    target: float,
    features: Float[np.ndarray, "n_rows n_features"],
) -> tuple[np.ndarray, ...]:
    """Return the attributes of an explanation for some images."""
    energy = model.energy_of_features(features)
    pulled, squared = np.zeros_like(features), np.zeros(features.shape)
    networks = model.networks
    for network in networks:
        z = network.latent(features)
        code = z[: network.architecture.n_code]
        squared += (features - network.decode(code)).astype(np.float64) ** 2 / len(networks)
        mixture = model.mixture_of(network)
        if mixture is not None:
            code = _pulled(mixture, z)[: network.architecture.n_code]
        pulled += network.decode(code) / np.float32(len(networks))
    reference, low = _lowest(model, pulled, features, energy)
    ordinary = energy <= target
    reference[ordinary], low[ordinary] = features[ordinary], energy[ordinary]
    contribution = _along(model, reference, features)
    heat = contribution.reshape(-1, *encoder.shape).sum(axis=-1)
    residual = encoder.scale**2 * squared.reshape(-1, *encoder.shape).sum(axis=-1)
    return energy, low, heat, residual, encoder.decode(reference)


def _pulled(
    mixture: GaussianMixture, z: Float[np.ndarray, "n_latent n_rows"]
) -> Float[np.ndarray, "n_latent n_rows"]:
    """Z no further from the likeliest component than that of training images is."""
    phi, mu, chol = mixture.phi, mixture.mu, mixture.chol
    z = z.astype(np.float64)
    nearest = np.asarray(log_joint(z, phi, mu, chol)).argmax(axis=0)
    away = z - mu[nearest].T
    whitened = np.einsum("nij,jn->in", np.asarray(inverse_lower(chol))[nearest], away)
    distance = np.sqrt((whitened**2).sum(axis=0))
    usual = np.sqrt(len(z))
    pulled = mu[nearest].T + away * np.minimum(1.0, usual / np.maximum(distance, usual))
    return pulled.astype(np.float32)


def _lowest(
    model: FittedModel, pulled: np.ndarray, features: np.ndarray, energy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the image of lowest energy between two, and its energy."""
    best, low = features.copy(), energy.copy()
    for place in _PLACES[:-1]:
        rows = _between(pulled, features, place)
        here = model.energy_of_features(rows)
        lower = here < low
        best[lower], low[lower] = rows[lower], here[lower]
    return best, low


def _along(
    model: FittedModel, start: np.ndarray, stop: np.ndarray
) -> Float[np.ndarray, "n_rows n_features"]:
    """Contribution of each feature on the line between two images; they add up exactly."""
    total = np.zeros(start.shape)
    moved = (start != stop).any(axis=1)
    if not moved.any():
        return total
    start, stop = start[moved], stop[moved]
    contribution = np.zeros(start.shape)
    before = model.energy_of_features(start)
    for near, far in pairwise(_STEPS):
        middle = _between(start, stop, 0.5 * (near + far))
        step = _slopes(model, middle) * (far - near) * (stop - start).astype(np.float64)
        after = model.energy_of_features(_between(start, stop, far))
        # The slope at the middle is not quite the mean of the step: the rest is shared out.
        size = np.abs(step)
        share = size / np.maximum(size.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        share[size.sum(axis=1) == 0.0] = 1.0 / step.shape[1]
        contribution += step + (after - before - step.sum(axis=1))[:, None] * share
        before = after
    total[moved] = contribution
    return total


def _between(start: np.ndarray, stop: np.ndarray, place: float) -> np.ndarray:
    if place == 1.0:
        return stop
    return start + np.float32(place) * (stop - start)


def _slopes(
    model: FittedModel, features: Float[np.ndarray, "n_rows n_features"]
) -> Float[np.ndarray, "n_rows n_features"]:
    """Slope of the energy at each feature; 0 where it overflows.

    By the chain rule: of the combination by each component's energy, of that by z, and of z by
    the image, which the network's own program tells.
    """
    components = model.components
    made = model.ensemble.latents(features)
    energies = np.stack([one.density.energy(z) for one, z in zip(components, made, strict=True)])
    outer = combined_slopes(components, energies)
    by_z = [
        outer[i] * one.density.slope(z)
        for i, (one, z) in enumerate(zip(components, made, strict=True))
    ]
    slopes = np.zeros(features.shape)
    for network in model.networks:
        own = [i for i, one in enumerate(components) if one.transform is network]
        slopes += _pulled_back(network, features, sum(by_z[i] for i in own))
    for one, slope in zip(components, by_z, strict=True):
        if not isinstance(one.transform, TrainedNetwork):
            slopes += slope.T
    return np.nan_to_num(slopes, posinf=0.0, neginf=0.0)


def _pulled_back(
    network: TrainedNetwork,
    features: Float[np.ndarray, "n_rows n_features"],
    slope: Float[np.ndarray, "n_latent n_rows"],
) -> Float[np.ndarray, "n_rows n_features"]:
    """Slope at each feature from the slope at each coordinate of z, in blocks of one shape."""
    n_rows, n_features = features.shape
    size = min(BLOCK_ROWS, block_rows(n_features))
    n_padded = -(-n_rows // size) * size
    padded = np.zeros((n_padded, n_features), np.float32)
    of_z = np.zeros((len(slope), n_padded), np.float32)
    padded[:n_rows], of_z[:, :n_rows] = features, slope
    architecture, parameters = network.architecture, network.parameters
    parts = [
        np.asarray(
            _pulling_back()(
                parameters,
                padded[i : i + size],
                of_z[:, i : i + size],
                architecture=architecture,
            )
        )
        for i in range(0, n_rows, size)
    ]
    return np.concatenate(parts)[:n_rows]


@cache
def _pulling_back() -> Callable[..., Any]:
    import jax  # nothing else here needs it

    from dagmm._core.compilation import compiled

    def pull_back(
        parameters: Array, rows: Array, slope: Array, *, architecture: Architecture
    ) -> Array:
        network = architecture.unflatten(parameters)
        _, back = jax.vjp(lambda x: architecture.seen(x.T, *network.rebuilt(x.T)), rows)
        return back(slope)[0]

    return compiled(pull_back, static_argnames="architecture")
