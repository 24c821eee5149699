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
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from dagmm._core.compilation import MOST_KEPT, compiled
from dagmm._core.numerics import Array, inverse_lower
from dagmm.data.images import ImageRows
from dagmm.inference.ensemble import Member
from dagmm.inference.explain.traced import TracedModel
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.forward import block_rows, latent_rows
from dagmm.mixture.gaussian import log_joint
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
    traced = jax.device_put(TracedModel.of(model))
    target = model.calibration.reference.energy_at(0.5)
    size = max(1, _PART_FEATURES // encoder.n_features)
    parts = [
        _explain_part(model, encoder, traced, target, encoder.encode(chunk))
        for chunk in rows.chunks(size)
    ]
    parts = parts or [
        _explain_part(model, encoder, traced, target, np.empty((0, encoder.n_features), "f4"))
    ]
    return ImageExplanation(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _explain_part(
    model: FittedModel,
    encoder: ImageEncoder,
    traced: TracedModel,
    target: float,
    features: Float[np.ndarray, "n_rows n_features"],
) -> tuple[np.ndarray, ...]:
    """Return the attributes of an explanation for some images."""
    energy = model.energy_of_features(features)
    pulled, squared = np.zeros_like(features), np.zeros(features.shape)
    for member in model.members:
        z = latent_rows(member.architecture, member.parameters, features)
        rebuilt = _decoded(member, z[: member.architecture.n_code])
        squared += (features - rebuilt).astype(np.float64) ** 2 / len(model.members)
        pulled += _decoded(member, _pulled(member, z)) / np.float32(len(model.members))
    reference, low = _lowest(model, pulled, features, energy)
    ordinary = energy <= target
    reference[ordinary], low[ordinary] = features[ordinary], energy[ordinary]
    contribution = _along(model, traced, reference, features)
    heat = contribution.reshape(-1, *encoder.shape).sum(axis=-1)
    residual = encoder.scale**2 * squared.reshape(-1, *encoder.shape).sum(axis=-1)
    return energy, low, heat, residual, encoder.decode(reference)


def _pulled(
    member: Member, z: Float[np.ndarray, "n_latent n_rows"]
) -> Float[np.ndarray, "n_code n_rows"]:
    """Codes no further from the likeliest component than those of training images are."""
    phi, mu, chol = member.mixture.phi, member.mixture.mu, member.mixture.chol
    z = z.astype(np.float64)
    nearest = np.asarray(log_joint(z, phi, mu, chol)).argmax(axis=0)
    away = z - mu[nearest].T
    whitened = np.einsum("nij,jn->in", np.asarray(inverse_lower(chol))[nearest], away)
    distance = np.sqrt((whitened**2).sum(axis=0))
    usual = np.sqrt(len(z))
    code = mu[nearest].T + away * np.minimum(1.0, usual / np.maximum(distance, usual))
    return code[: member.architecture.n_code].astype(np.float32)


def _decoded(
    member: Member, code: Float[np.ndarray, "n_code n_rows"]
) -> Float[np.ndarray, "n_rows n_features"]:
    """Rows that codes stand for, computed in blocks of one shape."""
    n_rows, size = code.shape[1], block_rows(member.architecture.n_features)
    padded = np.zeros((len(code), -(-n_rows // size) * size), np.float32)
    padded[:, :n_rows] = code
    rows = [
        np.asarray(
            _decoding()(
                member.parameters, padded[:, i : i + size], architecture=member.architecture
            )
        )
        for i in range(0, n_rows, size)
    ]
    if not rows:
        return np.empty((0, member.architecture.n_features), np.float32)
    return np.concatenate(rows, axis=1).T[:n_rows]


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
    model: FittedModel, traced: TracedModel, start: np.ndarray, stop: np.ndarray
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
        step = _slopes(model, traced, middle) * (far - near) * (stop - start).astype(np.float64)
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
    model: FittedModel, traced: TracedModel, features: np.ndarray
) -> Float[np.ndarray, "n_rows n_features"]:
    """Slope of the energy at each feature, in blocks of one shape; 0 where it overflows."""
    architectures = tuple(member.architecture for member in model.members)
    size = min(BLOCK_ROWS, block_rows(features.shape[1]))
    padded = np.zeros((-(-len(features) // size) * size, features.shape[1]), np.float32)
    padded[: len(features)] = features
    program = _sloping(architectures)
    slopes = [
        np.asarray(program(traced, padded[i : i + size])) for i in range(0, len(features), size)
    ]
    return np.nan_to_num(np.concatenate(slopes)[: len(features)], posinf=0.0, neginf=0.0)


@cache
def _decoding() -> Callable[..., Any]:
    def decode(parameters: Array, code: Array, *, architecture: Architecture) -> Array:
        return architecture.unflatten(parameters).compression.decode(code)

    return compiled(decode, static_argnames="architecture")


@lru_cache(maxsize=MOST_KEPT)
def _sloping(architectures: tuple[Architecture, ...]) -> Callable[..., Any]:
    def slopes(traced: TracedModel, rows: Array) -> Array:
        return jax.grad(lambda x: traced.energy(architectures, x.T).sum())(rows)

    return compiled(slopes)
