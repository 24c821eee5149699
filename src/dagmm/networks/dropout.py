"""What dropout drops, and what is hidden from a network: random draws inside compiled programs.

Drawn by hashing the place of each number, not by JAX's generators: on a CPU these take 6 to 11
nanoseconds a number and no vector instructions, a fifth of a training step; hashing takes a
twentieth of that. The hash is the finalizer of MurmurHash3 (A. Appleby, public domain), the seeded
mixing of places that of SplitMix (Steele, Lea and Flood, 2014).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int, UInt32

from dagmm._core.numerics import Array


def seed_of(sequence: np.random.SeedSequence) -> UInt32[np.ndarray, " 2"]:
    """Two words that decide every draw."""
    return sequence.generate_state(2)


def fold_in(seed: UInt32[Array, " 2"], number: Int[Array, ""] | int) -> UInt32[Array, " 2"]:
    """Return another seed: of the step, or of the layer, of this number."""
    return _hashed(seed, jax.lax.iota(jnp.uint32, 2) + 2 * jnp.asarray(number, jnp.uint32))


def keep_mask(
    seed: UInt32[Array, " 2"], dropped: float, shape: tuple[int, ...]
) -> Bool[Array, "n_features n_rows"]:
    """Draw what stays, each number by itself.

    Parameters
    ----------
    seed : array of shape (2,), uint32
        The same seed gives the same draw.
    dropped : float
        Probability that a number does not stay, at least 0 and below 1.
    shape : tuple of int
        (n_features, n_rows).
    """
    # Not one count of all numbers, which XLA would divide by their places in a row.
    feature, row = (jax.lax.broadcasted_iota(jnp.uint32, shape, axis) for axis in (0, 1))
    # Of a probability that rounds to 1, one hash in 2^32 stays.
    least = np.uint32(min(round(dropped * 2**32), 2**32 - 1))
    return _hashed(seed, feature * np.uint32(shape[1]) + row) >= least


def _hashed(seed: UInt32[Array, " 2"], place: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    golden = np.uint32(0x9E3779B9)  # consecutive places, far apart
    return _finalized(_finalized(place * golden + seed[0]) ^ seed[1])


def _finalized(word: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    word = (word ^ (word >> 16)) * np.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * np.uint32(0xC2B2AE35)
    return word ^ (word >> 16)
