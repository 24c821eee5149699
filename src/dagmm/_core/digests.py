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


def digest_of_part(part: "np.ndarray | bytes") -> bytes:
    """SHA-256 of encoded rows, or of the digests of parts of a table."""
    data = np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else part
    return hashlib.sha256(data).digest()


def check_of(features: np.ndarray, numbers: np.ndarray) -> int:
    """Sum over rows of a number that the row's float32 features and its number decide.

    It tells rows that were changed, or have changed places, from those that were not. Sums of
    parts of a table, modulo 2^64, are that of the table.
    """
    words = np.ascontiguousarray(features, np.float32).view(np.uint32).astype(np.uint64)
    rng = np.random.default_rng(0)
    factors = rng.integers(2**64, size=words.shape[1], dtype=np.uint64) | np.uint64(1)
    row = (words * factors).sum(axis=1, dtype=np.uint64)
    row ^= row >> np.uint64(29)
    place = 2 * numbers.astype(np.uint64) + np.uint64(1)
    return int((row * place).sum(dtype=np.uint64))
