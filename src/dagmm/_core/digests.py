"""What tells one training table from another: a digest of its columns and encoded rows."""

import hashlib

import numpy as np


def digest_of(names: tuple[str, ...]) -> "hashlib._Hash":
    """Return SHA-256 of the columns' names, to which encoded rows are added in their order."""
    return hashlib.sha256("\x1f".join(names).encode())


def fingerprint_of(names: tuple[str, ...], features: np.ndarray) -> str:
    """SHA-256 of the columns' names and the encoded training rows."""
    digest = digest_of(names)
    digest.update(np.ascontiguousarray(features).data)
    return digest.hexdigest()
